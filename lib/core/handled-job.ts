import type { Job, JobRef } from './job.js';
import { OWN_HEADERS, type ReceivedMessage } from './message.js';

/** What a job can do for its handler. */
export interface RunningJob {
  /** Called when it is asked for: most handlers don't, and a controller costs more than the rest. */
  signal(): AbortSignal;
  progress(value: unknown): void;
  log(line: string): void;
}

/** What a handler gets. */
export class HandledJob implements Job {
  readonly id: string;
  readonly name: string;
  readonly queue: string;
  readonly payload: unknown;
  readonly priority: number;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly publishedAt: Date;
  readonly expiresAt: Date | undefined;
  readonly headers: Readonly<Record<string, string>>;
  declare readonly signal: AbortSignal;
  readonly #running: RunningJob;

  /** Of the job itself, not of its class, so that a copy has it too; one for all, for a getter each is slow. */
  static readonly #signal: PropertyDescriptor = {
    enumerable: true,
    get(this: HandledJob) {
      return this.#running.signal();
    },
  };

  /**
   * @param storedAt when it was published, where the message doesn't tell. Milliseconds since 1970.
   */
  constructor(message: ReceivedMessage, ref: JobRef, storedAt: number, running: RunningJob) {
    this.id = message.id;
    this.name = message.name;
    this.queue = ref.queue;
    this.payload = message.payload;
    this.priority = message.priority;
    this.attempt = ref.attempt;
    this.maxAttempts = ref.maxAttempts;
    this.publishedAt = new Date(message.publishedAt ?? storedAt);
    this.expiresAt = message.expiresAt === undefined ? undefined : new Date(message.expiresAt);
    this.headers = withoutOurs(message.headers);
    this.#running = running;
    Object.defineProperty(this, 'signal', HandledJob.#signal);
  }

  progress(value: unknown): void {
    this.#running.progress(value);
  }

  log(line: string): void {
    this.#running.log(line);
  }
}

/** Headers as users see them. */
export function withoutOurs(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  for (const name in headers) {
    if (!OWN_HEADERS.has(name)) continue;
    return Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN_HEADERS.has(name)));
  }
  return headers;
}
