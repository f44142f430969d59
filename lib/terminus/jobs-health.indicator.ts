import { Inject, Injectable } from '@nestjs/common';
import type { Backend } from '../core/backend.js';
import { systemClock } from '../core/clock.js';
import { messageOf } from '../core/errors.js';
import { inTime } from '../core/in-time.js';
import type { QueueFetching } from '../core/queue-loop.js';
import { reach } from '../core/reach.js';
import type { InstanceConsumer } from '../nest/instance-consumer.js';
import { JobsInstances } from '../nest/jobs.instances.js';
import {
  consumingHealth,
  engineHealth,
  queueHealth,
  type ConsumingHealthOptions,
  type EngineHealth,
  type EngineHealthOptions,
  type QueueHealthOptions,
} from './health-options.js';
import { oldestSeconds, overLimits } from './queue-limits.js';

/** What an indicator of `@nestjs/terminus` gives. */
export type JobsHealth<Key extends string = string> = Record<
  Key,
  { readonly status: 'up' | 'down' } & Readonly<Record<string, unknown>>
>;

/**
 * Tells the health of jobs to `@nestjs/terminus`, 11 or 12:
 * `health.check([() => jobs.engine('jobs'), () => jobs.consuming('workers')])`. Import `JobsHealthModule`.
 */
@Injectable()
export class JobsHealthIndicator {
  constructor(@Inject(JobsInstances) private readonly instances: JobsInstances<InstanceConsumer>) {}

  /**
   * Up where the engine answers in time.
   *
   * @throws TypeError where an option is wrong, Error where there is no such instance
   */
  async engine<const Key extends string>(key: Key, options: EngineHealthOptions = {}): Promise<JobsHealth<Key>> {
    const asked = engineHealth(options);
    const host = this.hostOf(asked.instance);
    return this.asked(key, asked, async (backend) => {
      const engine = backend.traits.name;
      const [queue = host.settings.defaults.queue] = host.allPlans.map((plan) => plan.name);
      if (await reach(backend, queue)) return up(key, { engine });
      return up(key, { engine, note: `${engine} is open, and can't be asked anything more` });
    });
  }

  /**
   * Up where a queue keeps within the limits that the options name. Where the engine can't tell what a limit is about, it is
   * down, and the message says so.
   *
   * @throws TypeError where an option is wrong, Error where there is no such instance
   */
  async queue<const Key extends string>(key: Key, options: QueueHealthOptions): Promise<JobsHealth<Key>> {
    const limits = queueHealth(options);
    return this.asked(key, limits, async ({ inspector, traits, clock = systemClock }) => {
      const { queue } = limits;
      if (!inspector) return down(key, { queue, message: `${traits.name} can't tell what waits in its queues` });
      const counts = await inspector.counts(queue);
      const now = clock.now();
      const told = { queue, ...known({ waiting: counts.waiting, failed: counts.failed }) };
      const details = { ...told, ...known({ oldestWaitingSeconds: oldestSeconds(counts, now) }) };
      const faults = overLimits(counts, limits, now, traits.name);
      return faults.length === 0 ? up(key, details) : down(key, { ...details, message: faults.join('; ') });
    });
  }

  /**
   * Up where this process really takes jobs: the engine has not failed for longer than `within` for any queue that it
   * reads, nor left it without an answer for longer than a minute and `within`. A queue whose places are all taken, by
   * running jobs or by a rate, is well.
   *
   * @throws TypeError where an option is wrong, Error where there is no such instance
   */
  consuming<const Key extends string>(key: Key, options: ConsumingHealthOptions = {}): JobsHealth<Key> {
    const { withinMs, queues, instance } = consumingHealth(options);
    const host = this.hostOf(instance);
    if (!host.isRunning) {
      return down(key, { message: host.hasStopped ? 'the application is closing' : 'the application has not started' });
    }
    const read = host.fetching.filter(({ queue }) => queues === undefined || queues.includes(queue));
    const missing = queues?.filter((name) => !read.some(({ queue }) => queue === name)) ?? [];
    if (missing.length > 0) return down(key, { message: `this process does not read ${missing.join(', ')}` });
    if (read.length === 0) return down(key, { message: 'this process reads no queue' });
    const faults = read.map((one) => faultOf(one, withinMs)).filter((fault) => fault !== undefined);
    const details = { queues: read.map(({ queue }) => queue) };
    if (faults.length === 0) return up(key, details);
    return down(key, { ...details, message: faults.join('; ') });
  }

  private hostOf(instance: string): InstanceConsumer {
    this.instances.check(instance, 'JobsHealthIndicator is asked for the health of an instance');
    return this.instances.get(instance) as InstanceConsumer;
  }

  private async asked<Key extends string>(
    key: Key,
    { instance, timeoutMs }: EngineHealth,
    ask: (backend: Backend) => Promise<JobsHealth<Key>>,
  ): Promise<JobsHealth<Key>> {
    const answer = this.hostOf(instance).engine().then(ask);
    try {
      return await inTime(answer, timeoutMs, () => new Error(`no answer within ${timeoutMs} ms`));
    } catch (error) {
      return down(key, { message: messageOf(error) });
    }
  }
}

/** An engine keeps who asks it waiting for up to half of that, where it has no jobs. */
const LONGEST_ANSWER_MS = 60_000;

function faultOf({ queue, silentMs, failingMs }: QueueFetching, withinMs: number): string | undefined {
  const seconds = (ms: number): string => `${Math.round(ms) / 1000} s`;
  if (failingMs !== undefined && failingMs > withinMs)
    return `queue "${queue}": the engine has failed for ${seconds(failingMs)}`;
  if (silentMs > Math.max(withinMs, LONGEST_ANSWER_MS))
    return `queue "${queue}": the engine has given no answer for ${seconds(silentMs)}`;
  return undefined;
}

function up<Key extends string>(key: Key, details: Readonly<Record<string, unknown>>): JobsHealth<Key> {
  return { [key]: { status: 'up', ...details } } as JobsHealth<Key>;
}

function down<Key extends string>(key: Key, details: Readonly<Record<string, unknown>>): JobsHealth<Key> {
  return { [key]: { status: 'down', ...details } } as JobsHealth<Key>;
}

function known(details: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(details).filter(([, value]) => value !== undefined));
}
