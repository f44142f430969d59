import { setMaxListeners } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import type { Delivery } from './backend.js';
import { systemClock } from './clock.js';
import type { ConsumerContext } from './consumer-context.js';
import { JobRun, type RunSteps } from './job-run.js';
import type { RunPlan, RunRules } from './run-plan.js';
import { QueuePace } from './queue-pace.js';
import type { Rate } from './rate.js';
import type { SharedRate } from './shared-rate.js';

/** What one queue is read with. */
export interface QueuePlan extends RunRules {
  readonly name: string;
  /** At most so many of its jobs at a time in this process. */
  readonly concurrency: number;
  /** How often the handlers of its jobs may be called, across all processes. */
  readonly rate?: Rate | undefined;
}

/** Whether a queue that is read is really asked for jobs. */
export interface QueueFetching {
  readonly queue: string;
  /** For how long the engine has owed an answer, in milliseconds; 0 while none is asked for, for all places are taken. */
  readonly silentMs: number;
  /** For how long the engine has failed, in milliseconds; undefined: it did not when it was last asked. */
  readonly failingMs: number | undefined;
}

/** For how long jobs may follow each other without letting timers and sockets have their turn. */
const LONGEST_TURN_MS = 4;

/** Reads one queue: takes as many jobs as there are free places, the most urgent first, until it is stopped. */
export class QueueLoop {
  /** What was taken and is not settled. */
  readonly runs = new Set<JobRun>();
  /** How many of them are handled, or about to be. */
  private busy = 0;
  /** How many jobs were asked for that have not come yet. */
  private asked = 0;
  /** When the engine last gave an answer, or was asked after a while in which nothing was asked for. */
  private heardAt = 0;
  private failingSince = 0;
  /** Whether the last reserve gave all that it was asked for, so that another need not wait for nothing. */
  private flowing = false;
  private readonly pace: QueuePace | undefined;
  private runPlan: RunPlan;
  private readonly waiting = new Set<() => void>();
  private readonly reservesAtOnce: number;
  private readonly steps: RunSteps = {
    handled: (run) => {
      this.busy -= 1;
      this.pace?.passed(run);
      this.placesFreed();
    },
    ended: (run, outcome) => {
      this.runs.delete(run);
      this.context.ended(run.ref, outcome);
      this.placesFreed();
    },
  };
  private readonly stopping = new AbortController();
  /** Aborts when no more jobs are to be taken, for now or for good. */
  private taking = new AbortController();
  /** Those that last heard that the engine fails. */
  private readonly failed = new Set<object>();

  constructor(
    private plan: QueuePlan,
    private readonly context: ConsumerContext,
    rate?: SharedRate,
  ) {
    this.pace = rate && new QueuePace(rate, context.clock);
    this.runPlan = { rawJob: plan.rawJob, maxAgeMs: plan.maxAgeMs, pace: this.pace };
    this.reservesAtOnce = context.backend.traits.reservesAtOnce ?? 1;
    // Each reserve under way and each job that is begun may listen, which is no leak.
    setMaxListeners(0, this.stopping.signal, this.taking.signal);
  }

  get queue(): string {
    return this.plan.name;
  }

  /** Whether the engine failed when it was last asked, so that nobody knows what the queue holds. */
  get failing(): boolean {
    return this.failed.size > 0 || this.context.fleet?.isKnown === false;
  }

  get concurrency(): number {
    return this.plan.concurrency;
  }

  /** Whether an operator has paused it. */
  get isPaused(): boolean {
    return this.context.fleet?.isPaused(this.queue) ?? false;
  }

  get fetching(): QueueFetching {
    // Of the system's, for a clock of tests may stand still while the engine is silent.
    const now = systemClock.monotonic();
    return {
      queue: this.queue,
      silentMs: this.asked > 0 ? now - this.heardAt : 0,
      failingMs: this.failing ? now - this.failingSince : undefined,
    };
  }

  /** Goes on by another plan for the same queue. */
  follow(plan: QueuePlan): void {
    this.plan = plan;
    this.runPlan = { rawJob: plan.rawJob, maxAgeMs: plan.maxAgeMs, pace: this.pace };
    this.placesFreed();
  }

  /** Takes no more jobs; what is handed out all the same is handed back. */
  stop(): void {
    this.stopping.abort();
    this.taking.abort();
    this.pace?.close();
    this.placesFreed();
  }

  /** It may have been paused or resumed: what its handlers were not called for yet is handed back. */
  heed(): void {
    if (this.isHeld) {
      this.taking.abort();
      for (const run of this.runs) run.giveUpWaiting('paused');
    } else if (this.taking.signal.aborted && !this.stopping.signal.aborted) {
      this.taking = new AbortController();
      setMaxListeners(0, this.taking.signal);
    }
    this.placesFreed();
  }

  /** Resolves once it was stopped and holds no job any more; never rejects. */
  async work(): Promise<void> {
    await Promise.all(Array.from({ length: this.reservesAtOnce }, () => this.read()));
    while (this.runs.size > 0) await this.aPlace();
  }

  private async read(): Promise<void> {
    // What one is told of the engine says nothing about an answer that another still waits for.
    const reader = {};
    let turnBegan = performance.now();
    while (!this.stopping.signal.aborted) {
      if (this.isHeld) {
        await this.aPlace();
        continue;
      }
      const free = this.free;
      if (free <= 0) this.pace?.whenFree(() => this.placesFreed());
      if (free <= 0 || (this.asked > 0 && !this.flowing)) await this.somePlaces();
      else await this.take(Math.min(free, this.share), reader);
      if (performance.now() - turnBegan > LONGEST_TURN_MS) {
        await setImmediate();
        turnBegan = performance.now();
      }
    }
  }

  /**
   * The next may be asked for while the last are being settled: that saves an engine a round trip each. Of those there
   * are no more than may run, for one that takes no settlements shall not give out all its jobs.
   */
  private get free(): number {
    const { concurrency } = this.plan;
    const places = Math.min(concurrency - this.busy, 2 * concurrency - this.runs.size);
    return (this.pace ? Math.min(places, this.pace.room) : places) - this.asked;
  }

  /** How many jobs a reserve asks for at most, so that each has its part and one is answered while another is worked on. */
  private get share(): number {
    return Math.ceil(this.plan.concurrency / this.reservesAtOnce);
  }

  private async take(max: number, reader: object): Promise<void> {
    if (this.asked === 0) this.heardAt = systemClock.monotonic();
    this.asked += max;
    const deliveries = await this.reserve(max, reader);
    for (const delivery of deliveries) this.begin(delivery);
    this.flowing = deliveries.length === max;
    this.asked -= max;
    // Less may have come than was asked for.
    this.placesFreed();
  }

  private async reserve(max: number, reader: object): Promise<readonly Delivery[]> {
    const { backend, outage } = this.context;
    const { signal } = this.taking;
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        const deliveries = await backend.reserve(this.plan.name, max, signal);
        this.failed.delete(reader);
        this.heardAt = systemClock.monotonic();
        outage.passed(reader);
        return deliveries;
      } catch (error) {
        if (signal.aborted) break;
        if (!this.failing) this.failingSince = systemClock.monotonic();
        this.failed.add(reader);
        outage.failed(reader, error);
        await outage.wait(failures, signal);
      }
    }
    outage.gaveUp(reader);
    return [];
  }

  private begin(delivery: Delivery): void {
    const run = new JobRun(delivery, this.runPlan, this.context);
    this.pace?.taken(run);
    if (this.stopping.signal.aborted) run.shutDown();
    else if (this.isHeld) run.giveUpWaiting('paused');
    this.runs.add(run);
    this.busy += 1;
    void run.process(this.steps);
    this.context.fleet?.taken(run);
  }

  private get isHeld(): boolean {
    return this.context.fleet?.holds(this.queue) ?? false;
  }

  private placesFreed(): void {
    // Called twice for each job, and to clear what is empty costs as much as what is full.
    if (this.waiting.size === 0) return;
    for (const wake of this.waiting) wake();
    this.waiting.clear();
  }

  private aPlace(): Promise<void> {
    return new Promise((resolve) => this.waiting.add(resolve));
  }

  /** Those that become free together are asked for together. */
  private async somePlaces(): Promise<void> {
    await this.aPlace();
    await new Promise<void>((resolve) => process.nextTick(resolve));
  }
}
