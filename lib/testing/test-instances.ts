import type { ModuleRef } from '@nestjs/core';
import { show } from '../core/show.js';
import type { InstanceConsumer } from '../nest/instance-consumer.js';
import { JobsInstances } from '../nest/jobs.instances.js';
import { DEFAULT_INSTANCE } from '../nest/own-tokens.js';
import type { TestEngine } from './test-engine.js';

/** The instances of `JobsModule` under test, each with the engine that it was given. */
export class TestInstances {
  private readonly engines = new Map<string, TestEngine>();

  constructor(private readonly moduleRef: ModuleRef) {}

  add(name: string, engine: TestEngine): void {
    this.engines.set(name, engine);
  }

  allEngines(): readonly TestEngine[] {
    return [...this.engines.values()];
  }

  allConsumers(): readonly InstanceConsumer[] {
    return [...this.engines.keys()].map((name) => this.consumer(name));
  }

  engine(name: string): TestEngine {
    return this.engines.get(name) as TestEngine;
  }

  consumer(name: string): InstanceConsumer {
    const instances = this.moduleRef.get<JobsInstances<InstanceConsumer>>(JobsInstances, { strict: false });
    return instances.get(name) as InstanceConsumer;
  }

  /**
   * The instance that is meant: the named one, else the default one or the only one.
   *
   * @throws Error naming those that there are where it is none of them
   */
  nameOf(instance: string | undefined, who: string): string {
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

  /** Whether a job is running that this application may read, or might. */
  isBusy(): boolean {
    if (this.allConsumers().some(({ publisher }) => publisher.scheduler.isBusy)) return true;
    return this.queues().some(([consumer, engine, queue]) =>
      engine.isBusy(queue, consumer.limitedUntil(queue) === undefined && !consumer.isPaused(queue)),
    );
  }

  /**
   * When the next job, or the next tick of a schedule, falls due, or a job has a place of its queue's rate, if that is not
   * behind `target`. Milliseconds since 1970.
   */
  nextDueAt(target: number): number | undefined {
    const times = this.queues().map(([consumer, engine, queue]) => {
      const due = engine.nextDueAt(queue) ?? Infinity;
      const limitedUntil = consumer.limitedUntil(queue);
      if (limitedUntil === undefined) return due;
      return engine.hasWaiting(queue) ? limitedUntil : Math.max(due, limitedUntil);
    });
    const ticks = this.allConsumers().map(({ publisher }) => publisher.scheduler.nextAt ?? Infinity);
    const next = Math.min(...times, ...ticks);
    return next <= target ? next : undefined;
  }

  /** All queues that the application may read. */
  private queues(): readonly (readonly [InstanceConsumer, TestEngine, string])[] {
    return [...this.engines].flatMap(([name, engine]) => {
      const consumer = this.consumer(name);
      return consumer.allPlans.map((plan) => [consumer, engine, plan.name] as const);
    });
  }
}
