import type { Attributes, Counter, Histogram, Meter } from '@opentelemetry/api';
import { describeError } from '../core/failure-record.js';
import type { Outcome } from '../core/outcome.js';
import type { PublishedBatch, RunFacts } from '../core/telemetry.js';
import { DESTINATION, ERROR_TYPE, errorOf, JOB_NAME, OPERATION_NAME, outcomeWord, SYSTEM } from './names.js';
import { RunSeries } from './run-series.js';

/** Bounds of histograms, in seconds: jobs wait and run for milliseconds or for hours. */
const SECONDS = [0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200, 43_200];
const ATTEMPTS = [2, 3, 5, 10, 20, 50];

/** After these a job comes back, so that its attempts are not all it took. */
const COMES_BACK: ReadonlySet<Outcome['kind'] | undefined> = new Set(['retried', 'blocked', 'handedBack', undefined]);

/** Counts and measures what is published and handled here. */
export class Metrics {
  private readonly sent: Counter;
  private readonly series = new RunSeries();
  private readonly waited: Histogram;
  private readonly ran: Histogram;
  /** Not of jobs that go well at once: those are most, `runs` counts them, and each record is felt. */
  private readonly attempts: Histogram;

  constructor(meter: Meter) {
    const seconds = { unit: 's', advice: { explicitBucketBoundaries: SECONDS } };
    this.sent = meter.createCounter('messaging.client.sent.messages', {
      unit: '{message}',
      description: 'Jobs that were given to the engine.',
    });
    this.ran = meter.createHistogram('messaging.process.duration', {
      ...seconds,
      description: 'How long handlers ran.',
    });
    this.waited = meter.createHistogram('nestjs_jobs.waiting.duration', {
      ...seconds,
      description: 'How long jobs waited for their first attempt since they could have started.',
    });
    meter
      .createObservableCounter('nestjs_jobs.runs', {
        unit: '{run}',
        description: 'Runs that ended, by what became of the job.',
      })
      .addCallback((result) => this.series.tellRuns(result));
    meter
      .createObservableCounter('nestjs_jobs.rescued', {
        unit: '{run}',
        description: 'Runs of jobs whose worker before died or lost them.',
      })
      .addCallback((result) => this.series.tellRescued(result));
    this.attempts = meter.createHistogram('nestjs_jobs.attempts', {
      unit: '{attempt}',
      description: 'How many attempts jobs took to their end, of those that took more than one.',
      advice: { explicitBucketBoundaries: ATTEMPTS },
    });
  }

  /** @param stored how many were stored, the first ones; where `error` is given, the others were not */
  published({ engine, drafts }: PublishedBatch, stored: number, error?: Error): void {
    for (const [index, { queue, message }] of drafts.entries()) {
      const attributes: Attributes = {
        [SYSTEM]: engine,
        [OPERATION_NAME]: 'publish',
        [DESTINATION]: queue,
        [JOB_NAME]: message.name,
      };
      if (index >= stored && error) attributes[ERROR_TYPE] = describeError(error).name;
      this.sent.add(1, attributes);
    }
  }

  started(run: RunFacts): void {
    const job = this.series.of(run);
    if (run.waitedMs !== undefined) this.waited.record(run.waitedMs / 1000, job.attributes);
    if (run.rescued) job.rescued += 1;
  }

  /** @param durationMs undefined where the handler was not called */
  ended(run: RunFacts, outcome: Outcome | undefined, durationMs: number | undefined): void {
    const job = this.series.of(run);
    const ended = job.ofOutcome(outcomeWord(outcome));
    ended.runs += 1;
    if (durationMs !== undefined) {
      const error = errorOf(outcome);
      const of = error ? { ...ended.ofProcess, [ERROR_TYPE]: describeError(error).name } : ended.ofProcess;
      this.ran.record(durationMs / 1000, of);
    }
    const { attempt } = run.ref;
    if (attempt > 1 && !COMES_BACK.has(outcome?.kind)) this.attempts.record(attempt, job.attributes);
  }
}
