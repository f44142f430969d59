import { Inject, Injectable, type OnModuleDestroy } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { durationMs, type Duration } from '../core/duration.js';
import { Tally, type RunCounts } from '../core/drain.js';
import { JobEvents } from '../core/events.js';
import type { Message } from '../core/message.js';
import { jobNameOf, type JobName } from '../core/names.js';
import { count, type PublishOptions } from '../core/publish-options.js';
import { show } from '../core/show.js';
import type { InstanceConsumer } from '../nest/instance-consumer.js';
import { EngineSubstitute } from '../nest/engine-substitute.js';
import { JobsInstances } from '../nest/jobs.instances.js';
import type { JobsModuleOptions } from '../nest/jobs.options.js';
import { DEFAULT_INSTANCE } from '../nest/own-tokens.js';
import { jobOutcome, type JobOutcome } from './job-outcome.js';
import type { JobsTestingMode } from './jobs-testing.options.js';
import { OneRun } from './one-run.js';
import { LONGEST_MS, Patience } from './patience.js';
import { TestClock } from './test-clock.js';
import { TestEngine } from './test-engine.js';
import { testedOptions } from './tested-module-options.js';
import type { TestedJob } from './tested-job.js';

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
  private readonly engines = new Map<string, TestEngine>();

  constructor(
    @Inject(TESTING_MODE) private readonly mode: JobsTestingMode,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
  ) {
    super();
  }

  /** What the time is for jobs. */
  now(): Date {
    return new Date(this.clock.now());
  }

  /** The jobs that were published, in their order; with a name, those of that name. */
  published(job?: JobName, { instance }: OfInstance = {}): readonly TestedJob[] {
    const all = this.engines.get(this.nameOf(instance, 'published'))?.published ?? [];
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
    for (let next = this.nextDueAt(target); next !== undefined; next = this.nextDueAt(target)) {
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
   * @throws PublishError where it could not be published like this
   * @throws Error where it has no handler, or that is still busy after four seconds
   */
  async run(job: JobName, payload?: unknown, options: RunOptions = {}): Promise<JobOutcome> {
    const { attempt = 1, instance, ...others } = options;
    const name = jobNameOf(job);
    const host = this.host(this.nameOf(instance, 'run'));
    host.checkStarted('run');
    if (!host.explorer.handlers.get(name)) throw new Error(`run: expected a job that has a handler, got "${name}"`);
    if ('delay' in others)
      throw new TypeError('run: a job with a delay does not run at once; publish it, and advance()');
    const engine = new OneRun(host, this.clock, count(attempt, 'run: attempt'));
    await host.publisher.publisherOn(() => engine, new JobEvents()).publish(name, payload, others);
    const outcome = await engine.outcome(this.patience);
    if (!outcome) throw new Error(`run: the lease of "${name}" was lost`);
    return jobOutcome(outcome, this.clock.now());
  }

  /** Forgets all jobs, those that were published and those that wait. */
  clear(): void {
    for (const engine of this.engines.values()) engine.clear();
  }

  /** @internal */
  optionsFor(instance: string, given: Partial<JobsModuleOptions>): JobsModuleOptions {
    const atOnce = this.mode === 'inline' ? this.runAtOnce(instance) : undefined;
    const engine = new TestEngine(this.clock, this.patience.changed, atOnce);
    this.engines.set(instance, engine);
    return testedOptions(given, engine, this.mode);
  }

  /** @internal */
  onModuleDestroy(): void {
    this.clock.release();
    this.patience.close();
  }

  private runAtOnce(instance: string) {
    return (queue: string, message: Message): Promise<Message | undefined> | undefined => {
      const host = this.host(instance);
      const known = host.explorer.handlers.get(message.name);
      return known && host.isRunning ? this.runInline(host, queue, message) : undefined;
    };
  }

  private async runInline(host: InstanceConsumer, queue: string, message: Message): Promise<Message | undefined> {
    const engine = new OneRun(host, this.clock, 1);
    await engine.publish(queue, [message]);
    const outcome = await engine.outcome(this.patience);
    if (!outcome || !('at' in outcome)) return undefined;
    const costs = outcome.kind === 'retried' ? 1 : 0;
    return { ...message, attemptsUsed: message.attemptsUsed + costs, readyAt: outcome.at };
  }

  private async runDue(who: string, tally: Tally, target: number | undefined): Promise<void> {
    if (this.mode === 'fake') throw new Error(`${who}: nothing runs in mode 'fake'; use run(), or another mode`);
    const hosts = [...this.engines.keys()].map((name) => this.host(name));
    if (hosts.length === 0) throw new Error(`${who}: the application imports no JobsModule`);
    const readings = await Promise.all(
      hosts.map((host) => host.openAll(who, (job, outcome) => void tally.count(job, outcome))),
    );
    const stuck = (): Error => {
      const running = [...this.engines.values()].flatMap((engine) => engine.running);
      const hint = target === undefined ? ' Where a handler waits for its timeout, call advance().' : '';
      return new Error(`${who}: after ${LONGEST_MS} ms these jobs are still running: ${running.join(', ')}.${hint}`);
    };
    const ended = (): Promise<unknown> => Promise.all(readings.map((reading) => reading.end()));
    try {
      await this.patience.until(() => !this.isBusy(), target, stuck);
    } catch (error) {
      // They may never end.
      void ended();
      throw error;
    }
    await ended();
  }

  private isBusy(): boolean {
    return this.queues().some(([engine, queue]) => engine.isBusy(queue));
  }

  private nextDueAt(target: number): number | undefined {
    const times = this.queues().map(([engine, queue]) => engine.nextDueAt(queue) ?? Infinity);
    const next = Math.min(...times);
    return next <= target ? next : undefined;
  }

  /** All queues that the application may read. */
  private queues(): readonly (readonly [TestEngine, string])[] {
    return [...this.engines].flatMap(([name, engine]) =>
      this.host(name).allPlans.map((plan) => [engine, plan.name] as const),
    );
  }

  /** @throws Error naming what there is where there is no such instance */
  private nameOf(instance: string | undefined, who: string): string {
    const names = [...this.engines.keys()];
    const [only] = names;
    const name = instance ?? (names.length === 1 ? only : DEFAULT_INSTANCE);
    if (name !== undefined && this.engines.has(name)) return name;
    const there = names.map((one) => (one === DEFAULT_INSTANCE ? 'the default one' : show(one))).join(', ');
    const got = instance === undefined ? 'none' : show(instance);
    throw new Error(
      `${who}: expected the name of an instance of JobsModule (${there || 'the application imports none'}), got ${got}`,
    );
  }

  private host(instance: string): InstanceConsumer {
    return this.instances().get(instance) as InstanceConsumer;
  }

  private instances(): JobsInstances<InstanceConsumer> {
    return this.moduleRef.get<JobsInstances<InstanceConsumer>>(JobsInstances, { strict: false });
  }
}
