import type { BatchObservableCallback, BatchObservableResult, Meter, Observable } from '@opentelemetry/api';
import { systemClock } from '../core/clock.js';
import { inTime } from '../core/in-time.js';
import { JOB_STATES, type StateCounts } from '../core/inspector.js';
import type { WatchedEngine } from '../core/telemetry.js';
import { DESTINATION, STATE, SYSTEM } from './names.js';

/** How long an engine may take to tell; later, its gauges have no value this time. */
const DEADLINE_MS = 2_000;

type Counted = readonly (readonly [queue: string, counts: StateCounts])[];

/**
 * Measures what stands in the queues, whenever somebody collects: each engine is asked then, within a deadline, and never
 * while it still works on the last answer.
 */
export class QueueGauges {
  private readonly depth: Observable;
  private readonly oldest: Observable;

  constructor(private readonly meter: Meter) {
    this.depth = meter.createObservableGauge('nestjs_jobs.queue.jobs', {
      unit: '{job}',
      description: 'Jobs of a queue, by their state.',
    });
    this.oldest = meter.createObservableGauge('nestjs_jobs.queue.oldest_waiting', {
      unit: 's',
      description: 'For how long the job that has waited longest could have been handled.',
    });
  }

  /** Gives what ends it; where the engine can't count, there is nothing to measure. */
  watch(engine: WatchedEngine): () => void {
    const { inspector, clock = systemClock, traits } = engine.backend;
    if (!inspector) return () => undefined;
    let asking: Promise<Counted> | undefined;
    const ask = async (): Promise<Counted> => {
      const queues = engine.queues();
      return Promise.all(queues.map(async (queue) => [queue, await inspector.counts(queue)] as const));
    };
    const measure: BatchObservableCallback = async (result) => {
      asking ??= ask().finally(() => (asking = undefined));
      const counted = await inTime(asking, DEADLINE_MS, () => new Error('late')).catch((): Counted => []);
      for (const [queue, counts] of counted) {
        this.observe(result, { [SYSTEM]: traits.name, [DESTINATION]: queue }, counts, clock.now());
      }
    };
    const gauges = [this.depth, this.oldest];
    this.meter.addBatchObservableCallback(measure, gauges);
    return () => this.meter.removeBatchObservableCallback(measure, gauges);
  }

  private observe(
    result: BatchObservableResult,
    about: Readonly<Record<string, string>>,
    counts: StateCounts,
    now: number,
  ): void {
    for (const state of JOB_STATES) {
      const jobs = counts[state];
      if (jobs !== undefined) result.observe(this.depth, jobs, { ...about, [STATE]: state });
    }
    const since = counts.oldestWaitingAt;
    if (since !== undefined) result.observe(this.oldest, Math.max(now - since, 0) / 1000, about);
    // None waits: an age that is no longer told would stay what it was on many a dashboard.
    else if (counts.waiting === 0) result.observe(this.oldest, 0, about);
  }
}
