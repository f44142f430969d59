import { BackendError, type Backend, type StoredReceipt } from './backend.js';
import type { Clock } from './clock.js';
import type { CapturedHeaders } from './context-carrier.js';
import { isDefinition, type JobDefinition } from './definition.js';
import { messageOf } from './errors.js';
import type { JobEvents, PublishedJob } from './events.js';
import { inTime } from './in-time.js';
import type { PublishRequest } from './job-types.js';
import type { LimitedQueues, LimitedReceipt } from './limited-queues.js';
import { encodeMessage, mostBytes, type Message } from './message.js';
import { PublishError } from './publish-error.js';
import { draftOf, type Draft, type PublishOptions, type PublishRules } from './publish-options.js';
import { checkedBy } from './schema-check.js';
import { show } from './show.js';

/** What the publisher needs. */
export interface PublisherSetup extends PublishRules {
  /** The backend, opened at the latest now. */
  readonly backend: () => Backend | Promise<Backend>;
  readonly clock: Clock;
  readonly publishTimeoutMs: number;
  readonly events: JobEvents;
  /** Headers for each job; those that it is published with go before. */
  readonly captureHeaders?: (() => CapturedHeaders) | undefined;
  /** Those that have limits. */
  readonly limited?: LimitedQueues | undefined;
}

const REQUEST = new Set(['name', 'job', 'payload', 'options']);

/** Turns names, payloads and options into messages, and gives them to the backend. */
export class Publisher {
  private backend: Backend | undefined;

  constructor(private readonly setup: PublisherSetup) {}

  /** @throws PublishError */
  async publish(job: string | JobDefinition, payload: unknown, options?: PublishOptions): Promise<PublishedJob> {
    const draft = this.draft(job, payload, options, '');
    const schema = this.schemaFor(job);
    if (schema) await this.checkPayload(schema, draft, '');
    const backend = this.backend ?? (await this.open());
    checkSize(backend, draft.message, '');
    const receipts = await this.storeInRoom(backend, draft.queue, [draft.message], 0);
    return this.told(draft, receipts[0]);
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
    for (const [index, draft] of drafts.entries()) checkSize(backend, draft.message, which(index));
    const published: PublishedJob[] = [];
    for (const run of runsOfOneQueue(drafts)) {
      const messages = run.drafts.map((draft) => draft.message);
      const receipts = await this.storeInRoom(backend, run.queue, messages, published.length);
      for (const [index, draft] of run.drafts.entries()) published.push(this.told(draft, receipts[index]));
    }
    return published;
  }

  private async open(): Promise<Backend> {
    const { backend, publishTimeoutMs } = this.setup;
    const late = (): PublishError => new PublishError(`not published: no backend within ${publishTimeoutMs} ms`);
    try {
      this.backend = await inTime(Promise.resolve(backend()), publishTimeoutMs, late);
      return this.backend;
    } catch (cause) {
      if (cause instanceof PublishError) throw cause;
      throw new PublishError(`not published: ${messageOf(cause)}`, { cause });
    }
  }

  private draft(job: unknown, payload: unknown, options: PublishOptions | undefined, prefix: string): Draft {
    const definition = isDefinition(job) ? job : undefined;
    const name = definition ? definition.name : job;
    try {
      return draftOf(name, definition, payload, this.withHeaders(options ?? {}), this.setup, this.setup.clock.now());
    } catch (cause) {
      const job = typeof name === 'string' ? `job ${show(name)} ` : '';
      throw new PublishError(`${prefix}${job}not published: ${messageOf(cause)}`, { cause });
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
  ): Promise<readonly LimitedReceipt[]> {
    const { limited, publishTimeoutMs } = this.setup;
    if (!limited?.bounds(queue)) return this.store(backend, queue, () => backend.publish(queue, messages), before);
    return limited
      .publish(backend, queue, messages, {
        patience: { ms: publishTimeoutMs },
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
    const { name } = backend.traits;
    const { publishTimeoutMs } = this.setup;
    const late = (): PublishError =>
      new PublishError(`no answer of ${name} within ${publishTimeoutMs} ms`, { maybeStored: true, stored: before });
    const failed = (cause: unknown): PublishError => {
      const known = cause instanceof BackendError;
      return new PublishError(`not published to queue "${queue}" of ${name}: ${messageOf(cause)}`, {
        maybeStored: known ? cause.maybeStored : true,
        stored: before + (known ? cause.stored : 0),
        cause,
      });
    };
    // No promise of its own: each takes as long as the check of the options does.
    try {
      return inTime(publish(), publishTimeoutMs, late, failed);
    } catch (cause) {
      return Promise.reject(failed(cause));
    }
  }

  private told({ queue, message }: Draft, receipt: LimitedReceipt | undefined): PublishedJob {
    const published: PublishedJob = {
      id: message.id,
      name: message.name,
      queue,
      priority: message.priority,
      readyAt: date(message.readyAt),
      expiresAt: date(message.expiresAt),
      duplicate: receipt?.duplicate,
      ...(receipt?.dropped ? { dropped: true } : undefined),
    };
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

/** The drafts in their order, those that follow each other to one queue together. */
function runsOfOneQueue(drafts: readonly Draft[]): { readonly queue: string; readonly drafts: Draft[] }[] {
  const runs: { readonly queue: string; readonly drafts: Draft[] }[] = [];
  for (const draft of drafts) {
    const last = runs.at(-1);
    if (last?.queue === draft.queue) last.drafts.push(draft);
    else runs.push({ queue: draft.queue, drafts: [draft] });
  }
  return runs;
}

function date(time: number | undefined): Date | undefined {
  return time === undefined ? undefined : new Date(time);
}
