import { CancelOrders, type CancellableRun } from './fleet-cancels.js';
import type { Clock } from './clock.js';
import type { JobEvents } from './events.js';
import { RunCounters } from './fleet-counts.js';
import { changeOrders, ORDERS_KEY, readOrders, type CancelOrder } from './fleet-orders.js';
import { Registration, type FleetRun, type WatchedProcess, type WorkerIdentity } from './fleet-registration.js';
import { FleetTelling, TELLING, type TellingTimes } from './fleet-telling.js';
import { HEARTBEAT, type HeartbeatTimes } from './fleet-workers.js';
import { inTime } from './in-time.js';
import type { JobRef } from './job.js';
import type { Outage } from './outage.js';
import type { Outcome } from './outcome.js';
import { RecordWatches } from './record-watches.js';
import type { Records } from './records.js';

/** How a process takes part in the fleet of those that share an engine. */
export interface FleetPlan {
  /** What it is listed as among the workers. Default: it is not listed. */
  readonly identity?: WorkerIdentity | undefined;
  readonly heartbeat?: HeartbeatTimes;
  /** How often its counts are stored at most. Milliseconds; default 5 s. */
  readonly countEveryMs?: number;
  readonly telling?: TellingTimes;
}

/** A queue that is read here, as the fleet sees it. */
export interface FleetQueue {
  readonly queue: string;
  readonly concurrency: number;
  readonly runs: Iterable<FleetRun & CancellableRun>;
  /** Whether it may be read has changed. */
  heed(): void;
}

export interface FleetSetup {
  readonly records: Records;
  /** How another thread opens them; default: nobody else could read them. */
  readonly elsewhere?: WatchedProcess['elsewhere'];
  readonly clock: Clock;
  readonly outage: Outage;
  /** Of the jobs that are handled and published here. */
  readonly events: JobEvents;
  /** Names this process where it says what it did. */
  readonly worker: string;
  readonly plan: FleetPlan;
  /** Those that are read here now. */
  readonly queues: () => Iterable<FleetQueue>;
}

const COUNT_EVERY_MS = 5_000;
/** How long closing waits for the engine to hear of it. Milliseconds. */
const CLOSE_MS = 2_000;

/**
 * A process as one of those that share an engine: it heeds what operators say to all, and says what it does. All of it goes by
 * records, so it is the same on every engine; and by timers of the system's clock, which keep no process alive.
 */
export class FleetMember {
  /** The queues that are paused; undefined: not known yet. */
  private paused: ReadonlySet<string> | undefined;
  private readonly cancels: CancelOrders;
  private readonly counters: RunCounters;
  private readonly registration: Registration | undefined;
  /** Who is not listed tells nothing, for nobody would look for it. */
  private readonly telling: FleetTelling | undefined;
  private leave: (() => void) | undefined;
  private closed = false;
  private readonly knowing: Promise<void>;
  private nowKnown: () => void = () => undefined;

  constructor(private readonly setup: FleetSetup) {
    const { records, elsewhere, clock, plan, queues } = setup;
    const { identity, heartbeat: times = HEARTBEAT, countEveryMs = COUNT_EVERY_MS, telling = TELLING } = plan;
    const now = (): number => clock.now();
    this.counters = new RunCounters(records, now, countEveryMs);
    this.cancels = new CancelOrders(
      (queue, id) => this.runsOf(queue, id),
      (order) => this.sayDone(order),
      now,
    );
    this.registration = identity && new Registration({ records, elsewhere, clock, identity, times, queues });
    const place = this.registration?.place;
    this.telling = place && new FleetTelling(records, setup.events, place, now, telling);
    this.knowing = new Promise((resolve) => (this.nowKnown = resolve));
  }

  /** Whether a queue is paused, as far as is known. */
  isPaused(queue: string): boolean {
    return this.paused?.has(queue) ?? false;
  }

  /** Whether nothing is to be taken of a queue: also as long as nobody knows whether it is paused. */
  holds(queue: string): boolean {
    return this.paused?.has(queue) ?? true;
  }

  get isKnown(): boolean {
    return this.paused !== undefined;
  }

  /** Resolves once it is known what is paused, or this is closed; never rejects. */
  get known(): Promise<void> {
    return this.knowing;
  }

  start(): void {
    if (this.leave) return;
    this.leave = () => undefined;
    const watching = this.registration?.start();
    // Before it, no job is taken: the very first may block the event loop.
    if (watching) void watching.then(() => this.heed());
    else this.heed();
  }

  /** A job was taken. */
  taken(run: FleetRun & CancellableRun): void {
    this.cancels.taken(run.ref.queue, run.ref.id, run);
  }

  /** A run is over. */
  ended(job: JobRef, outcome: Outcome | undefined): void {
    this.counters.count(job, outcome);
  }

  /** Says the last, and hears no more. Never rejects. */
  async close(): Promise<void> {
    this.closed = true;
    this.leave?.();
    this.leave ??= () => undefined;
    this.setup.outage.gaveUp(this);
    this.nowKnown();
    const last = Promise.all([this.counters.close(), this.takeLeave()]);
    await inTime(last, CLOSE_MS, () => new Error('late')).catch(() => undefined);
  }

  /** Heeds from now on what operators say. */
  private heed(): void {
    if (this.closed) return;
    const { records, clock, outage } = this.setup;
    const watches = new RecordWatches(() => Promise.resolve(records), clock);
    this.leave = watches.join(
      ORDERS_KEY,
      (text) => {
        // Whether the engine is back, those tell who were held up by this: what they need may be back later.
        outage.gaveUp(this);
        this.follow(text);
      },
      // Later, it is read again by itself, and holds nothing up meanwhile.
      (error) => {
        if (!this.isKnown) outage.failed(this, error);
      },
    );
  }

  /** Who follows its events looks for the last of them once it is listed no more. */
  private async takeLeave(): Promise<void> {
    const told = this.telling?.close() ?? Promise.resolve();
    await inTime(told, CLOSE_MS / 2, () => new Error('late')).catch(() => undefined);
    await this.registration?.close();
  }

  private follow(text: string | undefined): void {
    const { paused, cancels, following } = readOrders(text);
    const before = this.paused;
    this.paused = new Set(paused.map(({ queue }) => queue));
    this.nowKnown();
    for (const one of this.setup.queues()) {
      if (before?.has(one.queue) !== this.paused.has(one.queue)) one.heed();
    }
    this.cancels.follow(cancels);
    this.telling?.hear(following);
  }

  private *runsOf(queue: string, id: string): Generator<CancellableRun> {
    for (const one of this.setup.queues()) {
      if (one.queue === queue) for (const run of one.runs) if (run.ref.id === id) yield run;
    }
  }

  private sayDone(order: CancelOrder): void {
    const { records, clock, worker } = this.setup;
    const done = changeOrders(records, clock.now(), (orders) => ({
      ...orders,
      cancels: orders.cancels.map((one) => (one.token === order.token ? { ...one, doneBy: worker } : one)),
    }));
    // Who gave it then takes it that nobody had the job, and looks where it stands.
    done.catch(() => undefined);
  }
}
