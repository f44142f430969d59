import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { jobNameOf, type JobDefinition } from '../core/definition.js';
import { durationMs, type Duration } from '../core/duration.js';
import { Tally, type RunCounts } from '../core/drain.js';
import { JobEvents } from '../core/events.js';
import type { JobName, JobOrName, NamedPayload, NamedResult, PublishArguments } from '../core/job-types.js';
import { count } from '../core/option-checks.js';
import type { PublishOptions } from '../core/publish-options.js';
import { EngineSubstitute } from '../nest/engine-substitute.js';
import { logger } from '../nest/jobs.logger.js';
import type { JobsModuleOptions } from '../nest/jobs.options.js';
import { FakeAnswers, type FakeAnswer } from './fake-answers.js';
import { jobOutcome, type JobOutcome } from './job-outcome.js';
import type { JobsTestingMode } from './jobs-testing.options.js';
import { OneRun, runAtOnce } from './one-run.js';
import { LONGEST_MS, Patience } from './patience.js';
import { TestClock } from './test-clock.js';
import { TestEngine } from './test-engine.js';
import { TestInstances } from './test-instances.js';
import { testedOptions } from './tested-module-options.js';
import type { TestedJob } from './tested-job.js';
import { WaitingCalls } from './waiting-calls.js';

/** The token of the mode. */
export const TESTING_MODE = 'JOBS_TESTING_MODE';

/** Which instance of `JobsModule` is meant. */
export interface OfInstance {
  /** Default: the one without a name, or the only one there is. */
  readonly instance?: string;
}

/** How `run` runs a job: as published with these options, but for a delay. */
export interface RunOptions extends Omit<PublishOptions, 'delay'>, OfInstance {
  /** Which attempt it is. Default 1. */
  readonly attempt?: number;
}

/** The jobs of an application under test, in memory and in a time that stands still. */
@Injectable()
export class JobsTesting extends EngineSubstitute implements OnModuleDestroy {
  private readonly clock = new TestClock();
  private readonly patience = new Patience(this.clock);
  private readonly instances: TestInstances;

  constructor(
    @Inject(TESTING_MODE) private readonly mode: JobsTestingMode,
    @Inject(ModuleRef) moduleRef: ModuleRef,
  ) {
    super();
    this.instances = new TestInstances(moduleRef);
  }

  /** What the time is for jobs. */
  now(): Date {
    return new Date(this.clock.now());
  }

  /**
   * The jobs that were published, in their order; with a definition or a name, those of that name. The payload has the
   * type of what is published by it.
   *
   * @throws TypeError where it is neither
   */
  published<In>(job: JobDefinition<string, In>, of?: OfInstance): readonly TestedJob<In>[];
  published<Name extends JobName>(job: Name, of?: OfInstance): readonly TestedJob<NamedPayload<Name>>[];
  published(job?: JobOrName, of?: OfInstance): readonly TestedJob[];
  published(job?: JobOrName, { instance }: OfInstance = {}): readonly TestedJob[] {
    const all = this.instances.engine(this.instances.nameOf(instance, 'published')).published;
    const name = job === undefined ? undefined : jobNameOf(job);
    return all.filter((one) => name === undefined || one.name === name);
  }

  /**
   * Runs all that is due, and what it publishes meanwhile, while the time stands still.
   *
   * @returns how many runs came to which end
   * @throws Error where nothing runs in this mode, or handlers are still busy after four seconds
   */
  async drain(): Promise<RunCounts> {
    const tally = new Tally();
    await this.runDue('drain', tally, undefined);
    return tally.counts;
  }

  /**
   * Lets the time pass: runs what is due, then what falls due on the way, each at its moment.
   *
   * @param duration milliseconds or a text such as `'1h'`
   * @returns how many runs came to which end
   * @throws Error as `drain`
   */
  async advance(duration: Duration): Promise<RunCounts> {
    const tally = new Tally();
    const target = this.clock.now() + durationMs(duration, 'advance');
    await this.runDue('advance', tally, target);
    for (let next = this.instances.nextDueAt(target); next !== undefined; next = this.instances.nextDueAt(target)) {
      this.clock.moveTo(next);
      await this.runDue('advance', tally, target);
    }
    this.clock.moveTo(target);
    return tally.counts;
  }

  /**
   * Runs a job at once, the way a consumer does, and tells what became of it. It is neither listed as published nor run
   * again; what its handler publishes is published.
   *
   * @param rest the payload, as `publish` takes it, and how it is run
   * @throws PublishError where it could not be published like this, its payload being refused by its schema, say
   * @throws Error where it has no handler, or that is still busy after four seconds
   */
  run<In, Result>(
    job: JobDefinition<string, In, unknown, Result>,
    ...rest: PublishArguments<In, RunOptions>
  ): Promise<JobOutcome<Result>>;
  run<Name extends JobName>(
    job: Name,
    ...rest: PublishArguments<NamedPayload<Name>, RunOptions>
  ): Promise<JobOutcome<NamedResult<Name>>>;
  async run(job: JobOrName, payload?: unknown, options: RunOptions = {}): Promise<JobOutcome> {
    const { attempt = 1, instance, ...others } = options;
    const name = jobNameOf(job);
    const consumer = this.instances.consumer(this.instances.nameOf(instance, 'run'));
    consumer.checkStarted('run');
    if (!consumer.explorer.handlers.get(name)) throw new Error(`run: expected a job that has a handler, got "${name}"`);
    if ('delay' in others)
      throw new TypeError('run: a job with a delay does not run at once; publish it, and advance()');
    const engine = new OneRun(consumer, this.clock, count(attempt, 'run: attempt'));
    await consumer.publisher.publisherOn(() => engine, new JobEvents()).publish(job, payload, others);
    const outcome = await engine.outcome(this.patience);
    if (!outcome) throw new Error(`run: the lease of "${name}" was lost`);
    return jobOutcome(outcome, this.clock.now());
  }

  /**
   * In mode `'fake'`: what `call` and `result()` are to give for the jobs of this name that are published from now on.
   *
   * @param answer the result, or a function of the payload that returns it; where that throws, the job has failed so
   * @throws Error in another mode, for there the handlers answer
   * @throws TypeError where JSON can't keep it
   */
  answer<In, Result>(
    job: JobDefinition<string, In, unknown, Result>,
    answer: FakeAnswer<NoInfer<In>, NoInfer<Result>>,
    of?: OfInstance,
  ): void;
  answer<Name extends JobName>(
    job: Name,
    answer: FakeAnswer<NamedPayload<Name>, NamedResult<Name>>,
    of?: OfInstance,
  ): void;
  answer(job: JobOrName, answer: unknown, { instance }: OfInstance = {}): void {
    const engine = this.instances.engine(this.instances.nameOf(instance, 'answer'));
    if (engine.fakes) return engine.fakes.set(jobNameOf(job), answer);
    throw new Error(`answer: handlers answer in mode '${this.mode}'; call drain(), or test in mode 'fake'`);
  }

  /** Forgets all jobs, those that were published and those that wait. */
  clear(): void {
    for (const engine of this.instances.allEngines()) engine.clear();
  }

  /** @internal */
  optionsFor(instance: string, given: Partial<JobsModuleOptions>): JobsModuleOptions {
    const atOnce =
      this.mode === 'inline'
        ? runAtOnce(
            () => this.instances.consumer(instance),
            this.clock,
            this.patience,
            () => engine.storedRecords,
          )
        : undefined;
    const fakes = this.mode === 'fake' ? new FakeAnswers() : undefined;
    const engine: TestEngine = new TestEngine(this.clock, this.patience.changed, fakes, atOnce);
    if (this.mode === 'memory') {
      const isLeft = (queue: string): boolean => engine.isLeft(queue);
      // What is less than an error, Nest's logger of tests keeps to itself.
      engine.heardBy(new WaitingCalls(isLeft, (message) => logger.error(message)));
    }
    this.instances.add(instance, engine);
    return testedOptions(given, engine, this.mode);
  }

  /** @internal */
  onModuleDestroy(): void {
    this.clock.release();
    this.patience.close();
  }

  private async runDue(who: string, tally: Tally, target: number | undefined): Promise<void> {
    if (this.mode === 'fake') throw new Error(`${who}: nothing runs in mode 'fake'; use run(), or another mode`);
    const consumers = this.instances.allConsumers();
    if (consumers.length === 0) throw new Error(`${who}: the application imports no JobsModule`);
    if (this.mode === 'memory') await Promise.all(consumers.map((consumer) => consumer.scheduleAll(who)));
    const readings = await Promise.all(
      consumers.map((consumer) => consumer.openAll(who, (job, outcome) => void tally.count(job, outcome))),
    );
    const stuck = (): Error => {
      const running = this.instances.allEngines().flatMap((engine) => engine.running);
      const hint = target === undefined ? ' Where a handler waits for its timeout, call advance().' : '';
      return new Error(`${who}: after ${LONGEST_MS} ms these jobs are still running: ${running.join(', ')}.${hint}`);
    };
    const ended = (): Promise<unknown> => Promise.all(readings.map((reading) => reading.end()));
    try {
      await this.patience.until(() => !this.instances.isBusy(), target, stuck);
    } catch (error) {
      // They may never end.
      void ended();
      throw error;
    }
    await ended();
  }
}
