import { answerKey } from './answer-record.js';
import { Answers, checkedWait, withoutRecords, type AskedAnswer, type ResultOptions } from './answers.js';
import { BackendError, type Backend, type StoredReceipt } from './backend.js';
import type { Clock } from './clock.js';
import { checkedObject } from './checked-object.js';
import type { CapturedHeaders } from './context-carrier.js';
import { isDefinition, jobNameOf, type JobDefinition } from './definition.js';
import type { Duration } from './duration.js';
import { messageOf } from './errors.js';
import type { JobEvents } from './events.js';
import type { Forward } from './forward.js';
import { inTime } from './in-time.js';
import type { PublishRequest } from './job-types.js';
import type { LimitedQueues, RoomPatience } from './limited-queues.js';
import type { LimitedReceipt } from './queue-limits.js';
import { encodeMessage, mostBytes, type Message, type ReceivedMessage } from './message.js';
import { nextDraftOf } from './next-draft.js';
import { PublishError } from './publish-error.js';
import {
  draftOf,
  queueFor,
  withoutAnswer,
  type Draft,
  type PublishOptions,
  type PublishRules,
} from './publish-options.js';
import { jobHandle, JustPublishedJob, type JobHandle, type PublishedJob } from './published-job.js';
import { checkedBy } from './schema-check.js';
import { show } from './show.js';
import type { Unique } from './unique.js';
import { publishUnique } from './unique-publishing.js';

/** What the publisher needs. */
export interface PublisherSetup extends PublishRules {
  /** The backend, opened at the latest now. */
  readonly backend: () => Backend | Promise<Backend>;
  readonly clock: Clock;
  readonly publishTimeoutMs: number;
  readonly events: JobEvents;
  /** Headers for each job; those that it is published with go before. */
  readonly captureHeaders?: (() => CapturedHeaders) | undefined;
  /** Where answers are waited for. Default: of its own. */
  readonly answers?: Answers | undefined;
  /** Those that have limits. */
  readonly limited?: LimitedQueues | undefined;
}

/** How a job is called: as it is published, but that `timeout` says how long its result is waited for. */
export interface CallOptions extends Omit<PublishOptions, 'timeout'>, ResultOptions {
  /** How long the result is waited for, from the publishing on. Default `'1m'`. */
  readonly timeout?: Duration;
  /** Default: `timeout` and 10 seconds more. */
  readonly keepResult?: Duration;
}

/** For how much longer than it is waited for a result is kept, so that a caller finds it whom the engine kept waiting. */
const CALL_KEEPS_MS = 10_000;

const REQUEST = new Set(['name', 'job', 'payload', 'options']);

/** Turns names, payloads and options into messages, and gives them to the backend. */
export class Publisher {
  private backend: Backend | undefined;
  private readonly answers: Answers;

  constructor(private readonly setup: PublisherSetup) {
    this.answers = setup.answers ?? new Answers(setup.backend, setup.clock);
  }

  /** @throws PublishError */
  publish(job: string | JobDefinition, payload: unknown, options?: PublishOptions): Promise<PublishedJob> {
    // Without a promise of its own: each is felt.
    try {
      return this.send(job, this.draft(job, payload, options, ''));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Publishes a job and waits for its result.
   *
   * @throws PublishError, and as `JobHandle.result`
   */
  async call(job: string | JobDefinition, payload: unknown, options: CallOptions = {}): Promise<unknown> {
    const { wait, ...draft } = this.callDraft(job, payload, options);
    const { answer, message, queue } = draft;
    if (!answer) throw new PublishError(`job "${message.name}" not called: keepResult: expected a duration, got false`);
    const asked: AskedAnswer = { id: message.id, name: message.name, queue, key: answer.key, since: answer.stamp };
    this.answers.checkOpen(asked);
    wait.signal?.throwIfAborted();
    // Which job has an id of the caller's own, or a unique key, is known only when it is published.
    if (!message.freshId || draft.unique) return (await this.send(job, draft)).result(wait);
    this.keepable(this.backend ?? (await this.open()), draft, '');
    const unpublished = new AbortController();
    const waiting = this.answers.result(asked, wait, unpublished.signal);
    const failed = (error: unknown): Promise<unknown> => {
      unpublished.abort(error);
      return waiting;
    };
    return Promise.race([waiting, this.send(job, draft).then(() => waiting, failed)]);
  }

  /**
   * A job that was published elsewhere or earlier.
   *
   * @throws TypeError naming what was expected and what was given
   */
  job(job: string | JobDefinition, id: string, options: { readonly queue?: string } = {}): JobHandle {
    const name = jobNameOf(job);
    if (typeof id !== 'string' || id === '') throw new TypeError(`job id: expected a text, got ${show(id)}`);
    const given = checkedObject(options, ['queue'], 'job') as typeof options;
    const queue = queueFor(name, isDefinition(job) ? job : undefined, given.queue, this.setup);
    return jobHandle({ id, name, queue, key: answerKey(queue, id), since: undefined }, this.answers);
  }

  private async send(job: string | JobDefinition, drafted: Draft): Promise<PublishedJob> {
    const schema = this.schemaFor(job);
    if (schema) await this.checkPayload(schema, drafted, '');
    const backend = this.backend ?? (await this.open());
    const draft = this.keepable(backend, drafted, '');
    checkSize(backend, draft.message, '');
    return this.publishDraft(draft);
  }

  /**
   * Checks all, then stores them in their order.
   *
   * @throws PublishError telling how many were stored
   */
  async publishMany(requests: readonly PublishRequest[]): Promise<PublishedJob[]> {
    const jobs = checkedRequests(requests);
    const drafts = jobs.map((one, index) => this.draft(one.job ?? one.name, one.payload, one.options, which(index)));
    for (const [index, draft] of drafts.entries()) {
      const schema = this.schemaFor(jobs[index]?.job ?? draft.message.name);
      if (schema) await this.checkPayload(schema, draft, which(index));
    }
    const backend = this.backend ?? (await this.open());
    for (const [index, draft] of drafts.entries()) drafts[index] = this.keepable(backend, draft, which(index));
    for (const [index, draft] of drafts.entries()) checkSize(backend, draft.message, which(index));
    const published: PublishedJob[] = [];
    for (const run of runsOfOneQueue(drafts)) {
      const [first] = run.drafts;
      if (first?.unique) {
        published.push(await this.publishUnique(backend, first, first.unique, published.length));
        continue;
      }
      const messages = run.drafts.map((draft) => draft.message);
      const receipts = await this.storeInRoom(backend, run.queue, messages, published.length);
      for (const [index, draft] of run.drafts.entries()) published.push(this.told(draft, receipts[index]));
    }
    return published;
  }

  /**
   * What a job that goes on as another is to be stored as, checked.
   *
   * @throws PublishError
   */
  async draftNext(message: ReceivedMessage, queue: string, next: Forward): Promise<Draft> {
    const draft = this.refusing(next.job, '', () =>
      nextDraftOf(message, queue, next, this.setup, this.setup.clock.now()),
    );
    const schema = this.schemaFor(next.job);
    if (schema) await this.checkPayload(schema, draft, '');
    const backend = this.backend ?? (await this.open());
    checkSize(backend, draft.message, '');
    return this.keepable(backend, draft, '');
  }

  /**
   * Stores what was drafted and checked.
   *
   * @param patience how long it waits for room in a queue that has limits; default: as one who publishes
   * @throws PublishError
   */
  async publishDraft(draft: Draft, patience?: RoomPatience): Promise<PublishedJob> {
    const backend = this.backend ?? (await this.open());
    if (draft.unique) return this.publishUnique(backend, draft, draft.unique, 0);
    const receipts = await this.storeInRoom(backend, draft.queue, [draft.message], 0, patience);
    return this.told(draft, receipts[0]);
  }

  private async publishUnique(backend: Backend, draft: Draft, unique: Unique, before: number): Promise<PublishedJob> {
    const { records, traits } = backend;
    const { queue, message } = draft;
    if (!records) {
      throw new PublishError(
        `job "${message.name}" not published: ${traits.name} keeps no records, so it can't tell whether a job is unique`,
        { stored: before },
      );
    }
    const { clock, publishTimeoutMs } = this.setup;
    const receipt = await inTime(
      publishUnique(records, draft, unique, clock.now(), async () => {
        const [stored] = await this.storeInRoom(backend, queue, [message], before);
        return stored ?? { duplicate: undefined };
      }),
      publishTimeoutMs,
      () => this.late(backend, before),
      (cause) => (cause instanceof PublishError ? cause : this.failed(backend, queue, before, cause)),
    );
    if ('stored' in receipt) return this.told(draft, receipt.stored);
    const { holder } = receipt;
    const answer = draft.answer && { ...draft.answer, key: answerKey(holder.queue, holder.id) };
    return this.told({ queue: holder.queue, message: { ...message, id: holder.id }, answer }, { duplicate: true });
  }

  /**
   * Publishes the job of a schedule's tick, under the id that every process gives it.
   *
   * @throws PublishError
   */
  async publishTick(job: string | JobDefinition, payload: unknown, options: PublishOptions): Promise<PublishedJob> {
    const { queue, message, answer } = this.draft(job, payload, options, '');
    const draft: Draft = { queue, answer, message: { ...message, headers: { ...message.headers, tick: '1' } } };
    const schema = this.schemaFor(job);
    if (schema) await this.checkPayload(schema, draft, '');
    const backend = this.backend ?? (await this.open());
    checkSize(backend, draft.message, '');
    return this.publishDraft(this.keepable(backend, draft, ''));
  }

  /** Tells of a job that was stored in the place of the one before it. */
  tellStored(draft: Draft): void {
    this.told(draft, { duplicate: false });
  }

  private async open(): Promise<Backend> {
    const { backend, publishTimeoutMs } = this.setup;
    const late = (): PublishError =>
      new PublishError(`not published: no backend within ${publishTimeoutMs} ms`, { tried: true });
    try {
      this.backend = await inTime(Promise.resolve(backend()), publishTimeoutMs, late);
      return this.backend;
    } catch (cause) {
      if (cause instanceof PublishError) throw cause;
      throw new PublishError(`not published: ${messageOf(cause)}`, { tried: true, cause });
    }
  }

  /** What a call publishes, and how its result is waited for. */
  private callDraft(
    job: string | JobDefinition,
    payload: unknown,
    options: CallOptions,
  ): Draft & { readonly wait: { readonly timeout: number; readonly signal: AbortSignal | undefined } } {
    const { timeout, signal, keepResult, ...others } = options ?? {};
    try {
      const { timeoutMs } = checkedWait({ timeout, signal });
      const kept = { ...others, keepResult: keepResult ?? timeoutMs + CALL_KEEPS_MS };
      return { ...this.draft(job, payload, kept, ''), wait: { timeout: timeoutMs, signal } };
    } catch (cause) {
      if (cause instanceof PublishError) throw cause;
      throw new PublishError(`not called: ${messageOf(cause)}`, { cause });
    }
  }

  /**
   * What can be published to a backend: where that keeps no answers, without one that nobody has asked for.
   *
   * @throws PublishError where somebody has
   */
  private keepable(backend: Backend, draft: Draft, prefix: string): Draft {
    if (!draft.answer || backend.records) return draft;
    if (!draft.answer.isAsked) return withoutAnswer(draft);
    const { name } = draft.message;
    throw new PublishError(`${prefix}job "${name}" not published: keepResult: ${withoutRecords(backend)}`);
  }

  private draft(job: unknown, payload: unknown, options: PublishOptions | undefined, prefix: string): Draft {
    const definition = isDefinition(job) ? job : undefined;
    const name = definition ? definition.name : job;
    return this.refusing(job, prefix, () =>
      draftOf(name, definition, payload, this.withHeaders(options ?? {}), this.setup, this.setup.clock.now()),
    );
  }

  private refusing(job: unknown, prefix: string, draft: () => Draft): Draft {
    try {
      return draft();
    } catch (cause) {
      const name = isDefinition(job) ? job.name : job;
      const what = typeof name === 'string' ? `job ${show(name)} ` : '';
      throw new PublishError(`${prefix}${what}not published: ${messageOf(cause)}`, { cause });
    }
  }

  private withHeaders(options: PublishOptions): PublishOptions {
    const { captureHeaders } = this.setup;
    if (!captureHeaders) return options;
    const captured = Object.entries(captureHeaders()).filter(([, text]) => text !== undefined);
    return { ...options, headers: { ...(Object.fromEntries(captured) as Record<string, string>), ...options.headers } };
  }

  /** The schema of the definition at hand: the one that is published by, else the handler's in this process. */
  private schemaFor(job: string | JobDefinition): JobDefinition['payload'] {
    return typeof job === 'string' ? this.setup.handlers.get(job)?.definition?.payload : job.payload;
  }

  /** Checks what is stored, for that is what its handler will be given. */
  private async checkPayload(
    schema: NonNullable<JobDefinition['payload']>,
    draft: Draft,
    prefix: string,
  ): Promise<void> {
    const { body, name } = draft.message;
    const { publishTimeoutMs } = this.setup;
    const refusal = (why: string, cause?: unknown): PublishError =>
      new PublishError(`${prefix}job "${name}" not published: ${why}`, { cause });
    await inTime(
      checkedBy(schema, JSON.parse(body) as unknown, 'payload'),
      publishTimeoutMs,
      () => refusal(`no answer of its schema within ${publishTimeoutMs} ms`),
      (cause) => refusal(messageOf(cause), cause),
    );
  }

  /** As the limits of the queue say, where it has any. */
  private storeInRoom(
    backend: Backend,
    queue: string,
    messages: readonly Message[],
    before: number,
    patience: RoomPatience = { ms: this.setup.publishTimeoutMs },
  ): Promise<readonly LimitedReceipt[]> {
    const { limited } = this.setup;
    if (!limited?.bounds(queue)) return this.store(backend, queue, () => backend.publish(queue, messages), before);
    return limited
      .publish(backend, queue, messages, {
        patience,
        stored: before,
        heed: (work, stored) => this.store(backend, queue, () => work, stored),
      })
      .catch((cause: unknown) => {
        if (cause instanceof PublishError) throw cause;
        throw new PublishError(`not published to queue "${queue}" of ${backend.traits.name}: ${messageOf(cause)}`, {
          stored: before,
          cause,
        });
      });
  }

  private store(
    backend: Backend,
    queue: string,
    publish: () => Promise<readonly StoredReceipt[]>,
    before: number,
  ): Promise<readonly StoredReceipt[]> {
    const { publishTimeoutMs } = this.setup;
    const late = (): PublishError => this.late(backend, before);
    const failed = (cause: unknown): PublishError => this.failed(backend, queue, before, cause);
    // No promise of its own: each takes as long as the check of the options does.
    try {
      return inTime(publish(), publishTimeoutMs, late, failed);
    } catch (cause) {
      return Promise.reject(failed(cause));
    }
  }

  private late({ traits }: Backend, before: number): PublishError {
    return new PublishError(`no answer of ${traits.name} within ${this.setup.publishTimeoutMs} ms`, {
      maybeStored: true,
      stored: before,
      tried: true,
    });
  }

  private failed({ traits }: Backend, queue: string, before: number, cause: unknown): PublishError {
    const known = cause instanceof BackendError;
    return new PublishError(`not published to queue "${queue}" of ${traits.name}: ${messageOf(cause)}`, {
      maybeStored: known ? cause.maybeStored : true,
      stored: before + (known ? cause.stored : 0),
      tried: true,
      cause,
    });
  }

  private told(draft: Draft, receipt: LimitedReceipt | undefined): PublishedJob {
    const published = new JustPublishedJob(draft, receipt, this.answers);
    if (receipt?.dropped) return published;
    this.setup.events.emit('published', published);
    return published;
  }
}

function which(index: number): string {
  return `job ${index}: `;
}

/** @throws PublishError */
function checkedRequests(requests: unknown): readonly PublishRequest[] {
  if (!Array.isArray(requests)) {
    throw new PublishError(`not published: expected an array of { name, payload, options }, got ${show(requests)}`);
  }
  for (const [index, one] of (requests as unknown[]).entries()) {
    const known = typeof one === 'object' && one !== null && Object.keys(one).every((key) => REQUEST.has(key));
    if (known && isNamedOnce(one as Record<string, unknown>)) continue;
    throw new PublishError(
      `${which(index)}not published: expected { name, payload, options }, or a definition as job in the place of name, ` +
        `got ${show(one)}`,
    );
  }
  return requests as readonly PublishRequest[];
}

function isNamedOnce({ job, name }: Record<string, unknown>): boolean {
  return job === undefined || (isDefinition(job) && name === undefined);
}

/** @throws PublishError */
function checkSize(backend: Backend, message: Message, prefix: string): void {
  const { maxBytes, name } = backend.traits;
  if (maxBytes === undefined || mostBytes(message) <= maxBytes) return;
  const size = Buffer.byteLength(encodeMessage(message));
  if (size <= maxBytes) return;
  throw new PublishError(
    `${prefix}job "${message.name}" not published: its message has ${size} bytes, and ${name} takes at most ${maxBytes}`,
  );
}

/** The drafts in their order, those that follow each other to one queue together; unique ones alone. */
function runsOfOneQueue(drafts: readonly Draft[]): { readonly queue: string; readonly drafts: Draft[] }[] {
  const runs: { readonly queue: string; readonly drafts: Draft[] }[] = [];
  for (const draft of drafts) {
    const last = runs.at(-1);
    if (last?.queue === draft.queue && !last.drafts[0]?.unique && !draft.unique) last.drafts.push(draft);
    else runs.push({ queue: draft.queue, drafts: [draft] });
  }
  return runs;
}
