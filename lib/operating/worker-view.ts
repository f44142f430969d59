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
  /** The latest times at which its event loop was blocked for more than a second, the last first. */
  readonly blocked: readonly BlockedView[];
}

export interface BlockedView {
  /** When it was last free before. */
  readonly at: Date;
  /** For how long; undefined: it still was when this was said. */
  readonly ms: number | undefined;
  /** What ran then, the innermost call first. */
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

function blockedView({ at, ms, stack }: BlockedRecord): BlockedView {
  return { at: new Date(at), ms, stack };
}
