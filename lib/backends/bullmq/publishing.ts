import type { StoredReceipt } from '../../core/backend.js';
import { BackendError } from '../../core/backend.js';
import type { Message } from '../../core/message.js';
import type { Connections } from './connections.js';
import { faultOf, isReply, wasNeverSent } from './faults.js';
import { FREE_ID_COMMAND } from './free-id.js';
import type { Scripts } from './scripts.js';
import { publishedJob, type NewJob } from './stored-job.js';

/** How many jobs go to Redis at a time, so few that it works on one batch while the next is made, and how many batches. */
const LARGEST_BATCH = 16;
const MOST_UNDER_WAY = 64;

/** How long a publish waits for a connection that is just being made again, in milliseconds. */
const RECONNECT_MS = 1_000;

interface Entry {
  readonly job: NewJob;
  /** Whether no other job can have its id. */
  readonly fresh: boolean;
  readonly request: Request;
}

/** One call of publish. */
interface Request {
  readonly count: number;
  readonly receipts: StoredReceipt[];
  /** How many of its messages went to Redis. */
  sent: number;
  failed: boolean;
  resolve(receipts: readonly StoredReceipt[]): void;
  reject(error: BackendError): void;
}

/** What Redis has answered to one entry. */
type Answer = { readonly duplicate: boolean } | { readonly error: unknown };

/**
 * Publishes to one queue. What is published in one turn goes together, and what comes while there is no connection waits
 * for it together: so the order of the calls is kept, and many publishers at once cost few commands.
 */
export class Publishing {
  private waiting: Entry[] = [];
  private readonly underWay = new Set<Promise<void>>();
  private working: Promise<void> | undefined;

  constructor(
    private readonly scripts: Scripts,
    private readonly connections: Connections,
  ) {}

  publish(messages: readonly Message[]): Promise<readonly StoredReceipt[]> {
    if (messages.length === 0) return Promise.resolve([]);
    const now = Date.now();
    return new Promise((resolve, reject) => {
      const request: Request = { count: messages.length, receipts: [], sent: 0, failed: false, resolve, reject };
      for (const message of messages) this.waiting.push(entryOf(message, now, request));
      this.working ??= this.work().finally(() => (this.working = undefined));
    });
  }

  /** Resolves once nothing is under way. */
  async idle(): Promise<void> {
    while (this.working) await this.working;
    await Promise.all(this.underWay);
  }

  private async work(): Promise<void> {
    // After the others of this turn.
    await Promise.resolve();
    while (this.waiting.length > 0) {
      while (this.underWay.size >= MOST_UNDER_WAY) await Promise.race(this.underWay);
      const fault = await this.fault();
      const batch = this.waiting.splice(0, LARGEST_BATCH).filter(({ request }) => !request.failed);
      if (batch.length === 0) continue;
      if (fault)
        note(
          batch,
          batch.map(() => ({ error: fault })),
          this.connections.where,
        );
      else this.send(batch);
    }
  }

  /** Why nothing can be sent, after a while for it to pass. */
  private async fault(): Promise<unknown> {
    const { client } = this.connections.publishing;
    if (client.status === 'ready') return undefined;
    return this.connections.ready(client, RECONNECT_MS).then(
      () => undefined,
      (error: unknown) => error,
    );
  }

  private send(batch: readonly Entry[]): void {
    for (const { request } of batch) request.sent += 1;
    const done = this.store(batch)
      .then((answers) => note(batch, answers, this.connections.where))
      .finally(() => this.underWay.delete(done));
    this.underWay.add(done);
  }

  private async store(batch: readonly Entry[]): Promise<readonly Answer[]> {
    try {
      return batch.every(({ fresh }) => fresh) ? await this.add(batch) : await this.addUnlessThere(batch);
    } catch (error) {
      return batch.map(() => ({ error }));
    }
  }

  private async add(batch: readonly Entry[]): Promise<Answer[]> {
    const results = await this.scripts.addAll(batch.map(({ job }) => job));
    return results.map((one) => (one.status === 'rejected' ? { error: one.reason as unknown } : { duplicate: false }));
  }

  /** As one transaction, for between the look and the job another publisher could come. */
  private async addUnlessThere(batch: readonly Entry[]): Promise<Answer[]> {
    const client = this.connections.publishing.adapted;
    const { completed, expired } = this.scripts.keys;
    const transaction = client.multi();
    for (const { job, fresh } of batch) {
      if (!fresh) transaction.runCommand(FREE_ID_COMMAND, [this.scripts.toKey(job.id), completed, expired, job.id]);
      void this.scripts.add(transaction, job);
    }
    const replies = ((await transaction.exec()) ?? []) as [Error | null, unknown][];
    let at = 0;
    return batch.map(({ fresh }) => {
      const living = fresh ? undefined : replies[at++];
      const [error] = replies[at++] ?? [new Error('the transaction was dropped')];
      const failed = living?.[0] ?? error;
      return failed ? { error: failed } : { duplicate: living?.[1] === 1 };
    });
  }
}

/** Everything of the message is read now: it may change after the call. */
function entryOf(message: Message, now: number, request: Request): Entry {
  return { job: publishedJob(message, now), fresh: message.freshId === true, request };
}

/** Gives each request the answers that belong to it. */
function note(batch: readonly Entry[], answers: readonly Answer[], where: string): void {
  for (const [index, { request }] of batch.entries()) {
    const answer = answers[index] ?? { error: new Error('no answer') };
    if (request.failed) continue;
    if ('error' in answer) fail(request, answer.error, batch, answers, index, where);
    else if (request.receipts.push(answer) === request.count) request.resolve(request.receipts);
  }
}

function fail(
  request: Request,
  error: unknown,
  batch: readonly Entry[],
  answers: readonly Answer[],
  from: number,
  where: string,
): void {
  request.failed = true;
  // What Redis refused, and what was never sent, is not stored; others of the call that came later may be.
  const own = batch.flatMap((entry, index) => (entry.request === request && index >= from ? [answers[index]] : []));
  const isStored = (answer: Answer | undefined): boolean => !answer || !('error' in answer) || !isCertain(answer.error);
  const maybeStored = own.some(isStored) || request.sent > request.receipts.length + own.length;
  const stored = { stored: request.receipts.length, maybeStored };
  const { message, passing, cause } = faultOf(error, where);
  request.reject(new BackendError(message, { passing, cause, ...stored }));
}

function isCertain(error: unknown): boolean {
  return isReply(error) || error instanceof BackendError || wasNeverSent(error);
}
