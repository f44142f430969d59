import type { Backend } from './backend.js';
import type { JobRef } from './job.js';
import type { ReceivedMessage } from './message.js';
import type { Outcome } from './outcome.js';
import type { Draft } from './publish-options.js';

/** Text to text. */
export type JobHeaders = Readonly<Record<string, string>>;

/**
 * Traces and measures what an instance publishes and handles, and carries its own context from the one to the other in
 * the jobs' headers. `openTelemetry()` of `nestjs-jobs/opentelemetry` gives one. Without one nothing is told, and nothing
 * made for it.
 */
export interface Telemetry {
  /** The headers in which its context travels. A job that goes on as another leaves them behind. */
  readonly headerNames: readonly string[];

  /** A job's headers, and among them the context that is active now, unless the job has one of its own. */
  headersFor(own: JobHeaders): JobHeaders;

  /**
   * Stands around a publish: calls `store` once, with what gives each job's headers, and gives what that gives. Where it
   * rejects, so does this.
   */
  publishing<Jobs>(
    batch: PublishedBatch,
    store: (headersFor: (own: JobHeaders) => JobHeaders) => Promise<Jobs>,
  ): Promise<Jobs>;

  /** A handler is about to be called. */
  handling(run: RunFacts): HandlingTelemetry;

  /** A run is over whose handler was not called; there is no outcome where its lease was lost. */
  unhandled(run: RunFacts, outcome: Outcome | undefined): void;

  /** An engine was opened. Gives what ends the watch, before the engine is closed. */
  watch(engine: WatchedEngine): () => void;
}

/** What one call publishes. */
export interface PublishedBatch {
  /** The engine's name. */
  readonly engine: string;
  readonly drafts: readonly Draft[];
  /** Whether it was a call for many, be it of one. */
  readonly many: boolean;
}

/** What is known of a run when its handler is called, or when it ends without. */
export interface RunFacts {
  /** The engine's name. */
  readonly engine: string;
  readonly ref: JobRef;
  /** Undefined where it can't be read. */
  readonly message: ReceivedMessage | undefined;
  /** Whether a handler here has its name. */
  readonly known: boolean;
  /**
   * How long it has waited since it could have started first, in milliseconds; undefined from the second attempt on, for
   * engines don't tell when that fell due.
   */
  readonly waitedMs: number | undefined;
  /** Whether the delivery before this one ended without a word: its worker died, or lost it. */
  readonly rescued: boolean;
}

/** What is told of one run while its handler is called and until it is settled. */
export interface HandlingTelemetry {
  /** Calls `work` within its context, and returns what that returns. */
  within<T>(work: () => T): T;
  /**
   * Once, at the end.
   *
   * @param outcome undefined where its lease was lost
   * @param durationMs how long the handler ran
   */
  ended(outcome: Outcome | undefined, durationMs: number): void;
}

export interface WatchedEngine {
  readonly backend: Backend;
  /** The queues that this process reads, or may read where it reads none. */
  queues(): readonly string[];
}
