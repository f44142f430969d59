import { isDate } from 'node:util/types';
import { backoffPlan, type BackoffOptions } from './backoff.js';
import { BackendError, type Backend, type StoredReceipt } from './backend.js';
import type { Clock } from './clock.js';
import { durationMs, type Duration } from './duration.js';
import { messageOf } from './errors.js';
import type { JobEvents, PublishedJob } from './events.js';
import type { Handlers, JobDefaults } from './handlers.js';
import { newId } from './id.js';
import { inTime } from './in-time.js';
import { encodeMessage, LEAST_PRIORITY, RESERVED_HEADERS, type Message } from './message.js';
import { checkName } from './names.js';
import { toJson } from './payload.js';
import { show } from './show.js';
import { LAST_MOMENT } from './time.js';

/** How a job is published. Durations are milliseconds or texts such as `'5m'`. */
export interface PublishOptions {
  /** Default: the queue of the job's handler in this process, else of `routes`, else the default queue. */
  readonly queue?: string;
  /** Not before: from now, or the moment itself. Past or 0: at once. */
  readonly delay?: Duration | Date;
  /** A whole number, 0 (most urgent; below counts as 0) to 4,294,967,295. Default: the handler's, else 1024. */
  readonly priority?: number;
  /** Not after: from now, or the moment itself. A job whose turn comes later is never handled. Default: never. */
  readonly expiration?: Duration | Date;
  /** After how many failed attempts it is given up. Default: the handler that runs it decides. */
  readonly attempts?: number;
  /** How long it waits between attempts. Default: the handler that runs it decides. */
  readonly backoff?: BackoffOptions;
  /** How long an attempt may run. Default: the handler that runs it decides. */
  readonly timeout?: Duration;
  /** While a job with this id is waiting, delayed, active or failed in the queue, no other is stored. Default: a new UUIDv7. */
  readonly id?: string;
  /** Travel with the job and reach its handler. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** One job of `publishMany`. */
export interface PublishRequest {
  readonly name: string;
  readonly payload?: unknown;
  readonly options?: PublishOptions;
}

/** A job was not published, or it is not known whether it was. */
export class PublishError extends Error {
  override readonly name = 'PublishError';
  /** Whether the job (of several: any but those `stored`) may have been stored all the same. */
  readonly maybeStored: boolean;
  /** How many jobs were surely stored, the first ones in their order. */
  readonly stored: number;

  constructor(message: string, options: { maybeStored?: boolean; stored?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.maybeStored = options.maybeStored ?? false;
    this.stored = options.stored ?? 0;
  }
}

/** What the publisher needs. */
export interface PublisherSetup {
  /** The backend, opened at the latest now. */
  readonly backend: () => Backend | Promise<Backend>;
  readonly clock: Clock;
  readonly handlers: Handlers;
  readonly routes: ReadonlyMap<string, string>;
  readonly defaults: JobDefaults;
  readonly publishTimeoutMs: number;
  readonly events: JobEvents;
}

interface Draft {
  readonly queue: string;
  readonly message: Message;
}

const REQUEST = new Set(['name', 'payload', 'options']);
const OPTIONS = new Set([
  'queue',
  'delay',
  'priority',
  'expiration',
  'attempts',
  'backoff',
  'timeout',
  'id',
  'headers',
]);

/** Turns names, payloads and options into messages, and gives them to the backend. */
export class Publisher {
  private backend: Backend | undefined;

  constructor(private readonly setup: PublisherSetup) {}

  /** @throws PublishError */
  async publish(name: string, payload: unknown, options?: PublishOptions): Promise<PublishedJob> {
    const draft = this.draft(name, payload, options, '');
    const backend = this.backend ?? (await this.open());
    checkSize(backend, draft.message, '');
    const receipts = await this.store(backend, draft.queue, [draft.message], 0);
    return this.told(draft, receipts[0]);
  }

  /**
   * Checks all, then stores them in their order.
   *
   * @throws PublishError telling how many were stored
   */
  async publishMany(requests: readonly PublishRequest[]): Promise<PublishedJob[]> {
    const drafts = checkedRequests(requests).map((one, index) =>
      this.draft(one.name, one.payload, one.options, which(index)),
    );
    const backend = this.backend ?? (await this.open());
    for (const [index, draft] of drafts.entries()) checkSize(backend, draft.message, which(index));
    const published: PublishedJob[] = [];
    for (const run of runsOfOneQueue(drafts)) {
      const messages = run.drafts.map((draft) => draft.message);
      const receipts = await this.store(backend, run.queue, messages, published.length);
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

  private draft(name: unknown, payload: unknown, options: PublishOptions | undefined, prefix: string): Draft {
    try {
      return this.checked(name, payload, options ?? {});
    } catch (cause) {
      const job = typeof name === 'string' ? `job ${show(name)} ` : '';
      throw new PublishError(`${prefix}${job}not published: ${messageOf(cause)}`, { cause });
    }
  }

  private checked(name: unknown, payload: unknown, options: PublishOptions): Draft {
    checkName('job name', name);
    if (typeof options !== 'object' || options === null) {
      throw new TypeError(`options: expected an object, got ${show(options)}`);
    }
    for (const key in options) {
      if (!OPTIONS.has(key)) throw new TypeError(`unknown option ${show(key)}; known are ${[...OPTIONS].join(', ')}`);
    }
    const { defaults, handlers, routes } = this.setup;
    const handler = handlers.get(name);
    const queue = options.queue ?? handler?.queue ?? routes.get(name) ?? defaults.queue;
    checkName('queue name', queue);
    if (options.id !== undefined) checkName('job id', options.id);
    const now = this.setup.clock.now();
    const readyAt = options.delay === undefined ? undefined : moment(options.delay, now, 'delay');
    const message: Message = {
      id: options.id ?? newId(),
      freshId: options.id === undefined,
      name,
      body: toJson(payload, 'payload'),
      priority: priority(options.priority ?? handler?.priority ?? defaults.priority),
      publishedAt: now,
      readyAt: readyAt !== undefined && readyAt > now ? readyAt : undefined,
      expiresAt: expiration(options.expiration, now, readyAt),
      attemptsUsed: 0,
      maxAttempts: options.attempts === undefined ? undefined : count(options.attempts, 'attempts'),
      backoff: options.backoff === undefined ? undefined : travelling(options.backoff),
      timeoutMs: options.timeout === undefined ? undefined : timeoutMs(options.timeout),
      headers: options.headers === undefined ? {} : headers(options.headers),
    };
    return { queue, message };
  }

  private async store(
    backend: Backend,
    queue: string,
    messages: readonly Message[],
    before: number,
  ): Promise<readonly StoredReceipt[]> {
    const { name } = backend.traits;
    const { publishTimeoutMs } = this.setup;
    const late = (): PublishError =>
      new PublishError(`no answer of ${name} within ${publishTimeoutMs} ms`, { maybeStored: true, stored: before });
    try {
      return await inTime(backend.publish(queue, messages), publishTimeoutMs, late);
    } catch (cause) {
      if (cause instanceof PublishError) throw cause;
      const known = cause instanceof BackendError;
      throw new PublishError(`not published to queue "${queue}" of ${name}: ${messageOf(cause)}`, {
        maybeStored: known ? cause.maybeStored : true,
        stored: before + (known ? cause.stored : 0),
        cause,
      });
    }
  }

  private told({ queue, message }: Draft, receipt: StoredReceipt | undefined): PublishedJob {
    const published: PublishedJob = {
      id: message.id,
      name: message.name,
      queue,
      priority: message.priority,
      readyAt: date(message.readyAt),
      expiresAt: date(message.expiresAt),
      duplicate: receipt?.duplicate,
    };
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
    if (known) continue;
    throw new PublishError(`${which(index)}not published: expected { name, payload, options }, got ${show(one)}`);
  }
  return requests as readonly PublishRequest[];
}

/** @throws PublishError */
function checkSize(backend: Backend, message: Message, prefix: string): void {
  const { maxBytes, name } = backend.traits;
  if (maxBytes === undefined) return;
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

/** A duration from now, or a Date, as milliseconds since 1970. */
function moment(value: Duration | Date, now: number, what: string): number {
  const time = isDate(value) ? value.getTime() : Math.ceil(now + durationMs(value, what));
  if (Number.isNaN(time)) throw new TypeError(`${what}: expected a valid Date, got Invalid Date`);
  if (time > LAST_MOMENT) throw new TypeError(`${what}: expected a moment before the year 10000, got ${show(value)}`);
  return time;
}

function expiration(value: Duration | Date | undefined, now: number, readyAt: number | undefined): number | undefined {
  if (value === undefined) return undefined;
  const time = moment(value, now, 'expiration');
  if (time <= now) throw new TypeError(`expiration: expected a moment in the future, got ${show(value)}`);
  if (readyAt !== undefined && time <= readyAt) {
    throw new TypeError(
      `expiration: expected a moment after the delay (${new Date(readyAt).toISOString()}), got ${new Date(time).toISOString()}`,
    );
  }
  return time;
}

/**
 * Checks a priority; below 0 counts as 0.
 *
 * @throws TypeError
 */
export function priority(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value <= LEAST_PRIORITY) return Math.max(value, 0);
  throw new TypeError(`priority: expected a whole number from 0 to ${LEAST_PRIORITY}, got ${show(value)}`);
}

/**
 * Checks a whole number of at least 1.
 *
 * @throws TypeError
 */
export function count(value: unknown, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value;
  throw new TypeError(`${what}: expected a whole number of at least 1, got ${show(value)}`);
}

/**
 * Checks a timeout, in milliseconds.
 *
 * @throws TypeError
 */
export function timeoutMs(value: unknown): number {
  const ms = Math.ceil(durationMs(value, 'timeout'));
  if (ms > 0) return ms;
  throw new TypeError(`timeout: expected more than 0, got ${show(value)}`);
}

function travelling(value: unknown): Message['backoff'] {
  if (typeof value !== 'function') return backoffPlan(value, 'backoff');
  throw new TypeError(
    'backoff: a function cannot travel with a job; give it to the handler, or pass { kind, base, … }',
  );
}

function headers(value: Readonly<Record<string, unknown>>): Record<string, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`headers: expected an object of texts, got ${show(value)}`);
  }
  for (const [name, text] of Object.entries(value)) {
    if (RESERVED_HEADERS.has(name)) throw new TypeError(`headers: ${show(name)} is reserved; choose another name`);
    if (typeof text !== 'string') throw new TypeError(`headers[${show(name)}]: expected a text, got ${show(text)}`);
  }
  return Object.fromEntries(Object.entries(value) as [string, string][]);
}
