import type { Backend, BackendDescription } from '../core/backend.js';
import type { ContextCarrier } from '../core/context-carrier.js';
import type { Duration } from '../core/duration.js';
import type { ErrorRules } from '../core/errors.js';
import type { JobHandlerOptions } from '../core/handler-options.js';
import type { WhenFull } from '../core/queue-limits.js';
import type { RateOptions } from '../core/rate.js';
import type { Redact } from '../operating/job-view.js';
import type { Telemetry } from '../core/telemetry.js';

/** What `JobsModule.forRoot` takes. Durations are milliseconds or texts such as `'30s'`, `'5m'`, `'2h'`, `'1 day'`. */
export interface JobsModuleOptions {
  /**
   * Where the jobs are kept:
   *
   * - what a factory such as `filer({ directory: 'var/jobs' })` gives; the application opens it and closes it;
   * - an object that keeps the contract `Backend`; it is used as it is, and never closed by us;
   * - a URL, a factory's options being its query: `filer:var/jobs?durable=false&lease=10s`, `memory:`,
   *   `redis://host:6379/0?prefix=shop`, `rediss://…`, `beanstalkd://host:11300`.
   */
  readonly backend: BackendDescription | Backend | string | undefined;

  /**
   * Which queues this process reads. `true`: those of its handlers and the keys of `queues`; `false`: none, it only
   * publishes; a list of names: those alone. Default `true`.
   */
  readonly consume?: boolean | readonly string[];

  /** What holds for single queues. Default `{}`. */
  readonly queues?: Readonly<Record<string, QueueOptions>>;

  /**
   * Job name → queue, for a process that publishes by plain name and doesn't have the handler, and for handlers
   * without an option `queue`. Default `{}`.
   */
  readonly routes?: Readonly<Record<string, string>>;

  /**
   * What is to hold for single jobs in this process, by their names: `{ send_email: { concurrency: 2 } }`. Goes before what
   * their handlers' decorators and their definitions say. `queue` and `priority` hold for what this process publishes,
   * too, be the handler here or not; processes that share a job's queue need the same. Where jobs are consumed, a name
   * that no handler here has is warned of. Default `{}`.
   */
  readonly handlers?: Readonly<Record<string, JobHandlerOptions>>;

  /** For every job and handler that doesn't say otherwise. */
  readonly defaults?: JobHandlerOptions;

  /**
   * What errors mean that can't be marked by `@Transient`, `@Fatal` or `@Blocked`: lists of classes or predicates. Asked
   * after the marks on classes. Default `{}`.
   */
  readonly errors?: ErrorRules;

  /** How long after publishing a job without a handler here is put back rather than failed. Default `'5m'`. */
  readonly unknownJobGrace?: Duration;

  /** How long after publishing a blocked job may stay blocked before it fails. Default `'7 days'`. */
  readonly blockedFor?: Duration;

  /** How long `publish` may wait for the engine. Default `'5s'`. */
  readonly publishTimeout?: Duration;

  /**
   * How long running jobs may finish when the application closes, before their signals are aborted and they are handed
   * back. Default `'30s'`.
   */
  readonly shutdownGrace?: Duration;

  /**
   * Whether guards, interceptors, pipes and filters that are bound for the whole application (`useGlobalGuards`,
   * `APP_GUARD` and their like) run for jobs as well. Default `false`.
   */
  readonly globalEnhancers?: boolean;

  /** Carries a context from where a job is published to its handler, by the job's headers. Default: none. */
  readonly contextCarrier?: ContextCarrier;

  /** How `JobsService` shows jobs, and what this process lets operators see. */
  readonly operate?: OperateOptions;

  /**
   * Traces and measures what is published and handled: what `openTelemetry()` of `nestjs-jobs/opentelemetry` gives.
   * Default: nobody, at no cost.
   */
  readonly telemetry?: Telemetry | undefined;
}

/** What holds for operating. */
export interface OperateOptions {
  /**
   * Whether `JobsService.trace` and the command line may look into this process: they see where its event loop was blocked, as
   * the stack of what ran then. Costs a thread, and a connection while it is blocked. Default `false`.
   */
  readonly trace?: boolean;
  /** What `JobsService` shows in the place of payloads, and searches in. Default: the payloads. */
  readonly redact?: Redact;
  /** How long the engine may take to answer an operator. Default `'5s'`. */
  readonly deadline?: Duration;
}

/** What holds for one queue in this process. */
export interface QueueOptions {
  /** At most so many of its jobs at a time in this process. Default: the sum of its handlers', else `defaults`'. */
  readonly concurrency?: number;
  /** The job's name for what is found in the queue and is no message: its payload is the parsed JSON, else the text. */
  readonly rawJob?: string;
  /** How many jobs may wait in it, delayed ones too. Holds for what this process publishes. Default: as many as come. */
  readonly maxJobs?: number;
  /** How many bytes they may have together, as the engine stores them. Default: as many as come. */
  readonly maxBytes?: number;
  /**
   * How long its jobs may wait since they could have started first: milliseconds or a text such as `'1h'`. One whose turn
   * comes later is expired. Holds for what this process publishes, and for what it handles. Default: as long as it takes.
   */
  readonly maxAge?: Duration;
  /**
   * What becomes of a job that is published when it is full: `'reject'`, with a `QueueFullError`; `'wait'`, for room, up to
   * `publishTimeout`; `'drop-oldest'`, the jobs that have waited longest make room; `'drop-newest'`, it is not stored. The event
   * `dropped` tells of each job that is dropped. Default `'reject'`.
   */
  readonly whenFull?: WhenFull;
  /**
   * At most `max` handlers of its jobs are called within any time of the length `per`, across all processes that share the
   * engine. Default: as many as there are places.
   */
  readonly rate?: RateOptions;
}

/** A class that makes the options; for `useClass` and `useExisting` of `JobsModule.forRootAsync`. */
export interface JobsOptionsFactory {
  createJobsOptions(): Promise<JobsModuleOptions> | JobsModuleOptions;
}
