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
import type { RecordsElsewhere } from './records-elsewhere.js';
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
  /** Resolves once it watches, or can't; never rejects. */
  start(watched: WatchedProcess): Promise<void>;
  /** The latest blocks, the last first. */
  readonly blocked: readonly BlockedRecord[];
  /** Shows that the event loop is free: before the process says something of itself, which then counts. */
  giveSign(): void;
  close(): Promise<void>;
}

/** The process that a watchdog watches. */
export interface WatchedProcess {
  /** Its own among the workers. */
  readonly id: string;
  /** For how long what is said of it is known, in milliseconds. */
  readonly knownMs: number;
  /** How another thread opens the records; undefined: nobody else could read them. */
  readonly elsewhere: (() => Promise<RecordsElsewhere | undefined>) | undefined;
  /** What is to be said of it now: when it was heard of last, and what it runs. */
  record(): WorkerRecord;
  /** Hears that there was another block. */
  seen(): void;
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

export interface RegistrationSetup {
  readonly records: Records;
  readonly elsewhere: WatchedProcess['elsewhere'];
  readonly clock: Clock;
  readonly identity: WorkerIdentity;
  readonly times: HeartbeatTimes;
  readonly queues: () => Iterable<ToldQueue>;
}

/** Lists a process among the workers for as long as it runs, and says every few seconds what it does. */
export class Registration {
  readonly place: EventWorker;
  private readonly startedAt: number;
  private timer: NodeJS.Timeout | undefined;
  private saying: Promise<void> | undefined;
  private delay: IntervalHistogram | undefined;
  /** What was said last. */
  private said: WorkerRecord | undefined;
  /** Whether there is something new since. */
  private isNews = false;
  private closed = false;

  constructor(private readonly setup: RegistrationSetup) {
    // A container's processes have the same pid, and its host the same name as the one before.
    const { host, pid, instance } = setup.identity;
    this.place = { id: `${host}:${pid}:${randomUUID().slice(0, 8)}`, host, pid, instance };
    this.startedAt = setup.clock.now();
  }

  /** @returns where the process is to be watched, what resolves once it is; it never rejects */
  start(): Promise<void> | undefined {
    if (this.timer || this.closed) return undefined;
    const { times, identity } = this.setup;
    this.delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    this.delay.enable();
    this.timer = setInterval(() => this.beat(), times.everyMs).unref();
    // Once the queues are being read, which it tells.
    queueMicrotask(() => this.beat());
    return identity.watchdog?.start({
      id: this.place.id,
      knownMs: times.knownMs,
      elsewhere: this.setup.elsewhere,
      record: () => this.recordNow(),
      seen: () => this.beat(),
    });
  }

  /** Rejects where the engine fails: then it is taken for dead after a while. */
  async close(): Promise<void> {
    if (!this.timer || this.closed) return;
    this.closed = true;
    clearInterval(this.timer);
    this.delay?.disable();
    // Before it is forgotten: nobody is to say anything of it afterwards.
    await Promise.all([this.saying, this.setup.identity.watchdog?.close()]);
    await forgetWorker(this.setup.records, this.place.id);
  }

  private beat(): void {
    if (this.closed) return;
    this.isNews = true;
    this.saying ??= this.say().finally(() => (this.saying = undefined));
  }

  /** Never rejects: where the engine fails, those that read the queues say so. */
  private async say(): Promise<void> {
    const { records, times, identity } = this.setup;
    while (this.isNews && !this.closed) {
      this.isNews = false;
      identity.watchdog?.giveSign();
      this.said = this.told();
      await sayWorker(records, this.said, times.knownMs).catch(() => undefined);
    }
  }

  /** As it was said last, but for what runs. */
  private recordNow(): WorkerRecord {
    return { ...(this.said ?? this.told()), ...this.runningNow() };
  }

  private told(): WorkerRecord {
    const { clock, identity, times } = this.setup;
    const { version, watchdog } = identity;
    const queues = [...this.setup.queues()];
    return {
      ...this.place,
      version,
      queues: queues.map(({ queue }) => queue),
      concurrency: queues.reduce((sum, { concurrency }) => sum + concurrency, 0),
      ...this.runningNow(),
      startedAt: this.startedAt,
      heartbeatAt: clock.now(),
      everyMs: times.everyMs,
      eventLoopDelayMs: this.longestDelayMs(),
      memoryBytes: process.memoryUsage.rss(),
      trace: watchdog !== undefined,
      blocked: watchdog?.blocked,
    };
  }

  private runningNow(): Pick<WorkerRecord, 'running' | 'runningCount'> {
    const runs = [...this.setup.queues()].flatMap((queue) => [...queue.runs]);
    const now = this.setup.clock.now();
    const running = runs.slice(0, MOST_RUNNING).map((run) => this.runningRecord(run, now));
    return { running, runningCount: runs.length };
  }

  private runningRecord({ ref, startedAt, notes }: FleetRun, now: number): RunningRecord {
    const { id, name, queue, attempt } = ref;
    const since = startedAt === undefined ? undefined : Math.round(now - (this.setup.clock.monotonic() - startedAt));
    return { id, name, queue, attempt, since, log: notes?.latest?.slice(0, LONGEST_LINE) };
  }

  /** Since it was last asked. */
  private longestDelayMs(): number {
    const longest = (this.delay?.max ?? 0) / 1e6 - RESOLUTION_MS;
    this.delay?.reset();
    return Math.max(Math.round(longest), 0);
  }
}
