import type { BackoffPlan } from './backoff.js';
import type { JobDefinition } from './definition.js';
import type { Duration } from './duration.js';
import type { CheckedHandlerOptions } from './handler-options.js';
import type { Job } from './job.js';

/** What the core knows of a handler; undefined options fall back to the defaults. */
export interface Handler extends CheckedHandlerOptions {
  readonly name: string;
  /** Whose schemas check its payloads and results; undefined for a plain name. */
  readonly definition?: JobDefinition | undefined;
  /** How it is called in messages: `SendEmail` or `Orders.sendEmail`. */
  readonly origin: string;
  handle(payload: unknown, job: Job): unknown;
}

/** What holds for every job and handler that doesn't say otherwise. */
export interface JobDefaults {
  readonly queue: string;
  readonly priority: number;
  readonly attempts: number;
  readonly backoff: BackoffPlan | ((attempt: number) => Duration);
  readonly timeoutMs: number | undefined;
  readonly concurrency: number;
  readonly keepResultMs?: number | false | undefined;
}

/** The handlers of this process by their job's name. */
export class Handlers {
  private readonly byName = new Map<string, Handler>();

  /** @throws Error naming both where the name is taken */
  add(handler: Handler): void {
    const other = this.byName.get(handler.name);
    if (other) {
      throw new Error(
        `Job "${handler.name}" has two handlers: ${other.origin} and ${handler.origin}. ` +
          'A job has one handler in a process; give one of them another name, or remove it.',
      );
    }
    this.byName.set(handler.name, handler);
  }

  get(name: string): Handler | undefined {
    return this.byName.get(name);
  }

  all(): readonly Handler[] {
    return [...this.byName.values()];
  }
}

/** Bounds how many runs of one handler go on at a time in this process; those that wait are served in their order. */
export class Limiter {
  private running = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly limit: number) {}

  /** Takes a place if one is free. */
  tryEnter(): boolean {
    if (this.running >= this.limit) return false;
    this.running += 1;
    return true;
  }

  /** Calls `entered` once a place was free and is taken. Returns what gives up the wait. */
  enter(entered: () => void): () => void {
    this.waiting.push(entered);
    return () => {
      const at = this.waiting.indexOf(entered);
      if (at >= 0) this.waiting.splice(at, 1);
    };
  }

  leave(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.running -= 1;
  }
}
