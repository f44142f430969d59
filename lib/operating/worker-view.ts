import { isStale, type BlockedRecord, type RunningRecord, type WorkerRecord } from '../core/fleet-workers.js';

/** A process that handles jobs, as it has last said of itself. As JSON, its times are ISO 8601. */
export interface WorkerView {
  /** Its own, of this process and of no other that ever was. */
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  /** Of nestjs-jobs. */
  readonly version: string;
  /** The instance of `JobsModule`. */
  readonly instance: string;
  readonly queues: readonly string[];
  /** How many jobs it may handle at a time. */
  readonly concurrency: number;
  /** The first hundred. */
  readonly running: readonly RunningView[];
  readonly runningCount: number;
  readonly startedAt: Date;
  readonly heartbeatAt: Date;
  /** Nothing was heard of it for three heartbeats, 30 s: it has died, hangs, or can't reach the engine. */
  readonly stale: boolean;
  /** The longest between its last two heartbeats. */
  readonly eventLoopDelayMs: number;
  /** Resident. */
  readonly memoryBytes: number;
  /** Whether it may be traced. */
  readonly traceable: boolean;
}

/** A job that a process handles. */
export interface RunningView {
  readonly id: string;
  readonly name: string | undefined;
  readonly queue: string;
  readonly attempt: number;
  /** Since when its handler runs; undefined: it waits for a place of its handler. */
  readonly since: Date | undefined;
  /** The latest line that it has logged. */
  readonly log: string | undefined;
}

/** What a process does. */
export interface WorkerTrace {
  readonly worker: WorkerView;
  /** How old that is, in milliseconds. */
  readonly ageMs: number;
  /**
   * The latest times at which its event loop was blocked for more than a second, the last first. One that lasts is there
   * after about two seconds, wherever another thread of that process can reach the engine.
   */
  readonly blocked: readonly BlockedView[];
}

export interface BlockedView {
  /** When it was last free before. */
  readonly at: Date;
  /** For how long, in milliseconds; or for how long so far, when that was said. */
  readonly ms: number;
  /** Whether it is still blocked, as far as known: said every few seconds, also while {@link WorkerTrace.ageMs} grows. */
  readonly lasts: boolean;
  /** What ran then, the innermost call first; empty as long as it waits outside of JavaScript. */
  readonly stack: string;
}

/** @param now milliseconds since 1970 */
export function workerView(record: WorkerRecord, now: number): WorkerView {
  const { id, host, pid, version, instance, queues, concurrency, runningCount, eventLoopDelayMs, memoryBytes } = record;
  return {
    id,
    host,
    pid,
    version,
    instance,
    queues,
    concurrency,
    running: record.running.map(runningView),
    runningCount,
    startedAt: new Date(record.startedAt),
    heartbeatAt: new Date(record.heartbeatAt),
    stale: isStale(record, now),
    eventLoopDelayMs,
    memoryBytes,
    traceable: record.trace,
  };
}

/** @param now milliseconds since 1970 */
export function workerTrace(record: WorkerRecord, now: number): WorkerTrace {
  return {
    worker: workerView(record, now),
    ageMs: Math.max(now - record.heartbeatAt, 0),
    blocked: (record.blocked ?? []).map(blockedView),
  };
}

function runningView({ id, name, queue, attempt, since, log }: RunningRecord): RunningView {
  return { id, name, queue, attempt, since: since === undefined ? undefined : new Date(since), log };
}

function blockedView({ at, ms, lasts = false, stack }: BlockedRecord): BlockedView {
  return { at: new Date(at), ms, lasts, stack };
}
