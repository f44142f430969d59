import { randomUUID } from 'node:crypto';
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import type { Clock } from './clock.js';
import {
  forgetWorker,
  sayWorker,
  type BlockedRecord,
  type HeartbeatTimes,
  type RunningRecord,
  type WorkerRecord,
} from './fleet-workers.js';
import type { JobRef } from './job.js';
import type { Records } from './records.js';
import type { EventWorker } from './worker-events.js';

/** What a process is listed as. */
export interface WorkerIdentity {
  readonly host: string;
  readonly pid: number;
  /** Of nestjs-jobs. */
  readonly version: string;
  /** The instance of the module. */
  readonly instance: string;
  /** Watches this process's event loop, where it may be looked into. */
  readonly watchdog?: Watchdog | undefined;
}

/** Sees where an event loop is blocked. */
export interface Watchdog {
  /** @param seen called once there is another */
  start(seen: () => void): void;
  /** The latest blocks, the last first. */
  readonly blocked: readonly BlockedRecord[];
  close(): Promise<void>;
}

/** A run as others are told of it. */
export interface FleetRun {
  readonly ref: JobRef;
  /** When its handler was called, by the clock's `monotonic()`. */
  readonly startedAt: number | undefined;
  readonly notes: { readonly latest: string | undefined } | undefined;
}

/** What is told of a queue that is read. */
interface ToldQueue {
  readonly queue: string;
  readonly concurrency: number;
  readonly runs: Iterable<FleetRun>;
}

/** How many running jobs are told, and how much of what each has logged. */
const MOST_RUNNING = 100;
const LONGEST_LINE = 200;
const RESOLUTION_MS = 20;

/** Lists a process among the workers for as long as it runs, and says every few seconds what it does. */
export class Registration {
  readonly place: EventWorker;
  private readonly startedAt: number;
  private timer: NodeJS.Timeout | undefined;
  private saying: Promise<void> | undefined;
  private delay: IntervalHistogram | undefined;
  private closed = false;

  constructor(
    private readonly records: Records,
    private readonly clock: Clock,
    private readonly identity: WorkerIdentity,
    private readonly times: HeartbeatTimes,
    private readonly queues: () => Iterable<ToldQueue>,
  ) {
    // A container's processes have the same pid, and its host the same name as the one before.
    const { host, pid, instance } = identity;
    this.place = { id: `${host}:${pid}:${randomUUID().slice(0, 8)}`, host, pid, instance };
    this.startedAt = clock.now();
  }

  start(): void {
    if (this.timer || this.closed) return;
    this.identity.watchdog?.start(() => this.beat());
    this.delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.delay.enable();
    this.timer = setInterval(() => this.beat(), this.times.everyMs).unref();
    // Once the queues are being read, which it tells.
    queueMicrotask(() => this.beat());
  }

  /** Rejects where the engine fails: then it is taken for dead after a while. */
  async close(): Promise<void> {
    if (!this.timer || this.closed) return;
    this.closed = true;
    clearInterval(this.timer);
    this.delay?.disable();
    await Promise.all([this.leave(), this.identity.watchdog?.close()]);
  }

  private async leave(): Promise<void> {
    await this.saying;
    await forgetWorker(this.records, this.place.id);
  }

  private beat(): void {
    if (this.closed || this.saying) return;
    // Where the engine fails, those that read the queues say so.
    this.saying = sayWorker(this.records, this.told(), this.times.knownMs)
      .catch(() => undefined)
      .finally(() => (this.saying = undefined));
  }

  private told(): WorkerRecord {
    const { version, watchdog } = this.identity;
    const queues = [...this.queues()];
    const runs = queues.flatMap((queue) => [...queue.runs]);
    const now = this.clock.now();
    return {
      ...this.place,
      version,
      queues: queues.map(({ queue }) => queue),
      concurrency: queues.reduce((sum, { concurrency }) => sum + concurrency, 0),
      running: runs.slice(0, MOST_RUNNING).map((run) => this.runningRecord(run, now)),
      runningCount: runs.length,
      startedAt: this.startedAt,
      heartbeatAt: now,
      everyMs: this.times.everyMs,
      eventLoopDelayMs: this.longestDelayMs(),
      memoryBytes: process.memoryUsage.rss(),
      trace: watchdog !== undefined,
      blocked: watchdog?.blocked,
    };
  }

  private runningRecord({ ref, startedAt, notes }: FleetRun, now: number): RunningRecord {
    const { id, name, queue, attempt } = ref;
    const since = startedAt === undefined ? undefined : Math.round(now - (this.clock.monotonic() - startedAt));
    return { id, name, queue, attempt, since, log: notes?.latest?.slice(0, LONGEST_LINE) };
  }

  /** Since it was last asked. */
  private longestDelayMs(): number {
    const longest = (this.delay?.max ?? 0) / 1e6 - RESOLUTION_MS;
    this.delay?.reset();
    return Math.max(Math.round(longest), 0);
  }
}
