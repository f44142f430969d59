import { Inject, Injectable } from '@nestjs/common';
import { ModuleRef, ModulesContainer } from '@nestjs/core';
import type { DrainedJobs } from '../core/drain.js';
import { durationMs, type Duration } from '../core/duration.js';
import { checkName } from '../core/names.js';
import { show } from '../core/show.js';
import { checkedObject, within } from '../core/checked-object.js';
import { InstanceConsumer } from './instance-consumer.js';
import { InstanceOperator } from './instance-operator.js';
import type { NestModule } from './found-handlers.js';
import { JobsInstances } from './jobs.instances.js';
import { OperatedJobs } from './operated-jobs.js';

/** What `JobsService.drain` takes. */
export interface DrainOptions {
  /**
   * The queues to drain. Default: those that this process reads or, with `consume: false`, those of its handlers and of
   * the option `queues`.
   */
  readonly queues?: readonly string[];
  /**
   * For how long nothing due has to come before the queues count as empty. Default `'2s'`: twice the time in which a
   * directory is looked through again, and in which the jobs of a worker that was killed on the same host come back.
   */
  readonly idle?: Duration;
}

const DEFAULT_IDLE = '2s';

/**
 * Operates jobs: `drain` and `register` those of this process, all other verbs those of the engine, whichever process has
 * published or handles them.
 */
@Injectable()
export class JobsService extends OperatedJobs {
  constructor(
    @Inject(InstanceConsumer) private readonly consumer: InstanceConsumer,
    @Inject(JobsInstances) private readonly instances: JobsInstances<InstanceConsumer>,
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(InstanceOperator) operator: InstanceOperator,
  ) {
    super(operator);
  }

  /**
   * Handles what is due in this process's queues, and what the handlers publish to them meanwhile, and returns once nothing
   * due has come for `idle` and all that was taken is settled; with `consume: false`, too. For workers that cron starts,
   * and for scripts. Queues that an operator has paused are left, and told. Jobs that fall due later are left; one that is blocked keeps a drain from its end once only.
   *
   * While the engine can't be reached, it waits. Where the application is closed meanwhile, it returns what was done, with
   * `interrupted: true`.
   *
   * @returns how many runs came to which end
   * @throws TypeError where an option is wrong
   * @throws Error where a queue is none of this process, or the application has not started or has closed
   */
  async drain(options: DrainOptions = {}): Promise<DrainedJobs> {
    const { queues, idle } = checkedObject(options, ['queues', 'idle'], 'drain');
    const idleMs = durationMs(idle ?? DEFAULT_IDLE, 'drain: idle');
    if (idleMs === 0) throw new TypeError('drain: idle: expected more than 0, got 0');
    return this.consumer.drain(queues === undefined ? undefined : queueNames(queues), idleMs);
  }

  /**
   * Finds the handlers of a module that was loaded lazily, and of those that it imports, in whatever instance they are.
   * Their jobs are handled from then on, where this process reads their queues.
   *
   * @param moduleRef what `LazyModuleLoader.load()` gives
   * @returns the names of the jobs that have a handler now and had none before
   * @throws TypeError where it is no such thing
   * @throws Error naming both where a job would have two handlers, or the class that can't handle; then none is taken
   */
  async register(moduleRef: ModuleRef): Promise<readonly string[]> {
    const modules = modulesOf(moduleRef, this.modules);
    const additions = this.instances.all().map((host) => host.register(modules));
    return (await Promise.all(additions.map((add) => add()))).flat();
  }
}

/** The module and all that it imports. */
function modulesOf(moduleRef: ModuleRef, modules: ModulesContainer): readonly NestModule[] {
  const module = [...modules.values()].find((one) => one.providers.get(ModuleRef)?.instance === moduleRef);
  if (!module) {
    throw new TypeError(
      `register: expected the ModuleRef that LazyModuleLoader.load() of this application gives, got ${show(moduleRef)}`,
    );
  }
  const found = new Set([module]);
  for (const one of found) for (const imported of one.imports) found.add(imported);
  return [...found];
}

function queueNames(value: unknown): readonly string[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new TypeError(`drain: queues: expected a list of queue names, got ${show(value)}`);
  }
  return (value as unknown[]).map((name, index) => {
    within(`drain: queues[${index}]: `, () => checkName('queue name', name));
    return name as string;
  });
}
