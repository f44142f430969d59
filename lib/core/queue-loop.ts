import { setImmediate } from 'node:timers/promises';
import type { Delivery } from './backend.js';
import type { ConsumerContext } from './consumer-context.js';
import { JobRun } from './job-run.js';

/** What one queue is read with. */
export interface QueuePlan {
  readonly name: string;
  /** At most so many of its jobs at a time in this process. */
  readonly concurrency: number;
  /** The job's name for what is no message. */
  readonly rawJob: string | undefined;
}

/** For how long jobs may follow each other without letting timers and sockets have their turn. */
const LONGEST_TURN_MS = 4;

/** Reads one queue: takes as many jobs as there are free places, the most urgent first, until it is stopped. */
export class QueueLoop {
  readonly runs = new Set<JobRun>();
  /** How many jobs were asked for that have not come yet. */
  private asked = 0;
  /** Whether the last reserve gave all that it was asked for, so that another need not wait for nothing. */
  private flowing = false;
  private readonly waiting = new Set<() => void>();
  private readonly ended = (run: JobRun): void => {
    this.runs.delete(run);
    this.placesFreed();
  };

  constructor(
    private readonly plan: QueuePlan,
    private readonly context: ConsumerContext,
    private readonly stopping: AbortSignal,
  ) {
    stopping.addEventListener('abort', () => this.placesFreed(), { once: true });
  }

  /** Resolves once it was stopped and holds no job any more; never rejects. */
  async work(): Promise<void> {
    const { reservesAtOnce = 1 } = this.context.backend.traits;
    await Promise.all(Array.from({ length: reservesAtOnce }, () => this.read()));
    while (this.runs.size > 0) await this.aPlace();
  }

  private async read(): Promise<void> {
    // What one is told of the engine says nothing about an answer that another still waits for.
    const reader = {};
    let turnBegan = performance.now();
    while (!this.stopping.aborted) {
      const free = this.plan.concurrency - this.runs.size - this.asked;
      if (free <= 0 || (this.asked > 0 && !this.flowing)) await this.aPlace();
      else await this.take(free, reader);
      if (performance.now() - turnBegan > LONGEST_TURN_MS) {
        await setImmediate();
        turnBegan = performance.now();
      }
    }
  }

  private async take(max: number, reader: object): Promise<void> {
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
    for (let failures = 0; !this.stopping.aborted; failures++) {
      try {
        const deliveries = await backend.reserve(this.plan.name, max, this.stopping);
        outage.passed(reader);
        return deliveries;
      } catch (error) {
        if (this.stopping.aborted) break;
        outage.failed(reader, error);
        await outage.wait(failures, this.stopping);
      }
    }
    outage.gaveUp(reader);
    return [];
  }

  private begin(delivery: Delivery): void {
    const run = new JobRun(delivery, this.plan.rawJob, this.context);
    if (this.stopping.aborted) run.shutDown();
    this.runs.add(run);
    void run.process(this.ended);
  }

  private placesFreed(): void {
    for (const wake of this.waiting) wake();
    this.waiting.clear();
  }

  private aPlace(): Promise<void> {
    return new Promise((resolve) => this.waiting.add(resolve));
  }
}
