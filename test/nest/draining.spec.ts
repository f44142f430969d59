import { Injectable } from '@nestjs/common';
import {
  BlockedError,
  FatalError,
  JobHandler,
  JobsService,
  PublisherService,
  type BackendDescription,
  type DrainedJobs,
  type Job,
  type JobsModuleOptions,
} from 'nestjs-jobs';
import { beanstalkd } from 'nestjs-jobs/beanstalkd';
import { bullmq } from 'nestjs-jobs/bullmq';
import { memory } from 'nestjs-jobs/memory';
import { describe, expect, onTestFinished, test } from 'vitest';
import { PrivateBeanstalkd } from '../servers/beanstalkd.js';
import { PrivateRedis } from '../servers/redis.js';
import { gate, startJobs, until, type Application } from './application.js';
import { engines } from './engines.js';

const onRedis = (port: number): BackendDescription => bullmq({ connection: { host: '127.0.0.1', port } });
const onBeanstalkd = (port: number): BackendDescription => beanstalkd({ host: '127.0.0.1', port });

const NONE: DrainedJobs = {
  completed: 0,
  retried: 0,
  blocked: 0,
  handedBack: 0,
  failed: 0,
  expired: 0,
  dropped: 0,
  leaseLost: 0,
  interrupted: false,
  paused: [],
};

/** Counts down by publishing itself again, and what it is told to do it does at 0. */
@JobHandler('count', { queue: 'numbers' })
class Count {
  readonly counted: unknown[] = [];

  constructor(readonly publisher: PublisherService) {}

  async handle(payload: { from: number; queue?: string }): Promise<void> {
    this.counted.push(payload.from);
    if (payload.from > 0) await this.publisher.publish('count', { from: payload.from - 1 }, { queue: payload.queue });
  }
}

@JobHandler('end', { attempts: 2, backoff: { kind: 'fixed', base: '1h' } })
class End {
  runs = 0;

  handle(how: string): void {
    this.runs += 1;
    if (how === 'fatally') throw new FatalError('so it was asked');
    if (how === 'blocked') throw new BlockedError('not there yet', { retryIn: '1s' });
    if (how === 'badly') throw new Error('so it was asked');
  }
}

function worker(backend: BackendDescription, options: Partial<JobsModuleOptions> = {}): Promise<Application> {
  return startJobs({ providers: [Count, End] }, { backend, consume: false, ...options });
}

for (const [name, engine] of Object.entries(engines())) {
  describe(name, { timeout: 60_000 }, () => {
    test('what is due is handled, and what the handlers publish meanwhile; what is not due is left', async () => {
      const { app, publisher } = await worker(await engine());
      await publisher.publish('count', { from: 3, queue: 'numbers' });
      await publisher.publish('count', { from: 0 }, { delay: '1h' });
      await publisher.publish('end', 'well');
      await publisher.publish('end', 'fatally');
      await publisher.publish('end', 'badly');
      expect(await app.get(JobsService).drain()).toEqual({ ...NONE, completed: 5, failed: 1, retried: 1 });
      expect(app.get(Count).counted).toEqual([3, 2, 1, 0]);
      expect(app.get(End).runs).toBe(3);
    });

    test('a queue that was never read before, and that one alone', async () => {
      const { app, publisher } = await worker(await engine());
      await publisher.publish('count', { from: 0 });
      await publisher.publish('end', 'well');
      const jobs = app.get(JobsService);
      expect(await jobs.drain({ queues: ['numbers'] })).toEqual({ ...NONE, completed: 1 });
      expect(app.get(End).runs).toBe(0);
      expect(await jobs.drain({ queues: ['numbers'], idle: '500ms' })).toEqual(NONE);
      expect(await jobs.drain()).toEqual({ ...NONE, completed: 1 });
    });

    test('what one application has published, the next one drains', async () => {
      const backend = await engine();
      const web = await worker(backend);
      await web.publisher.publish('count', { from: 1, queue: 'numbers' });
      await web.app.close();
      const { app } = await worker(backend);
      expect(await app.get(JobsService).drain()).toEqual({ ...NONE, completed: 2 });
    });

    test('beside a consumer that runs already, it waits for what that has taken', async () => {
      const { opened, open } = gate();
      @JobHandler('wait', { concurrency: 1 })
      class Wait {
        readonly done: unknown[] = [];

        async handle(payload: unknown): Promise<void> {
          await opened;
          this.done.push(payload);
        }
      }
      const { app, publisher, events } = await startJobs({ providers: [Wait] }, { backend: await engine() });
      let started = 0;
      events.on('started', () => (started += 1));
      for (const payload of [1, 2, 3]) await publisher.publish('wait', payload);
      await until(() => started === 1, 'the first has begun');
      const drained = app.get(JobsService).drain();
      open();
      expect(await drained).toEqual({ ...NONE, completed: 3 });
      expect(app.get(Wait).done).toEqual([1, 2, 3]);
      await publisher.publish('wait', 4);
      await until(() => app.get(Wait).done.length === 4, 'the consumer goes on after the drain');
    });

    test('app.close() ends a drain, and the job that it has begun', async () => {
      const { opened, open } = gate();
      const begun: Job[] = [];
      @JobHandler('wait', { concurrency: 1 })
      class Wait {
        async handle(_: unknown, job: Job): Promise<void> {
          begun.push(job);
          await opened;
        }
      }
      const backend = await engine();
      const { app, publisher } = await startJobs({ providers: [Wait] }, { backend, consume: false });
      for (const payload of [1, 2]) await publisher.publish('wait', payload);
      const jobs = app.get(JobsService);
      const drained = jobs.drain();
      await until(() => begun.length > 0, 'the first has begun');
      const closed = app.close();
      open();
      const { completed, interrupted } = await drained;
      expect({ completed, interrupted }).toEqual({ completed: 1, interrupted: true });
      await closed;
      await expect(jobs.drain()).rejects.toThrow(/the application has closed/);

      const next = await startJobs({ providers: [Wait] }, { backend, consume: false });
      expect(await next.app.get(JobsService).drain()).toEqual({ ...NONE, completed: 1 });
      expect(begun.map((job) => job.attempt)).toEqual([1, 1]);
    });
  });
}

const servers = { redis: PrivateRedis, beanstalkd: PrivateBeanstalkd };
const backendOf = { redis: onRedis, beanstalkd: onBeanstalkd };
for (const name of ['redis', 'beanstalkd'] as const) {
  test(`a ${name} that is killed meanwhile, and started again, is waited for`, { timeout: 60_000 }, async () => {
    const server = await servers[name].start();
    onTestFinished(() => server.stop());
    const { opened, open } = gate();
    let begun = 0;
    @JobHandler('wait', { concurrency: 1 })
    class Wait {
      async handle(): Promise<void> {
        begun += 1;
        await opened;
      }
    }
    const options = { backend: backendOf[name](server.port), consume: false, defaults: { concurrency: 1 } };
    const { app, publisher, lines } = await startJobs({ providers: [Wait] }, options);
    for (const payload of [1, 2, 3]) await publisher.publish('wait', payload);
    // Longer than an engine that comes back may take for its first answer on a busy machine.
    const drained = app.get(JobsService).drain({ idle: '5s' });
    await until(() => begun === 1, 'the first has begun');
    await server.kill();
    open();
    await until(() => lines.ofJobs('warn', 'error').length > 0, 'the outage is noticed');
    await server.start();
    expect(await drained).toMatchObject({ completed: 3, failed: 0, retried: 0, interrupted: false });
  });
}

describe('on any engine', () => {
  const backend = (): BackendDescription => memory();

  test('a job that is blocked again and again does not keep a drain from its end', async () => {
    const { app, publisher } = await worker(backend());
    await publisher.publish('end', 'blocked');
    const { blocked, completed } = await app.get(JobsService).drain();
    expect(completed).toBe(0);
    expect(blocked).toBeGreaterThan(0);
  });

  test('a handler that never ends does not keep a drain from its end where it has a timeout', async () => {
    @JobHandler('endless', { timeout: 20, attempts: 1 })
    class Endless {
      handle(): Promise<void> {
        return new Promise(() => undefined);
      }
    }
    const { app, publisher } = await startJobs({ providers: [Endless] }, { consume: false });
    await publisher.publishMany([{ name: 'endless' }, { name: 'endless' }]);
    expect(await app.get(JobsService).drain({ idle: 50 })).toEqual({ ...NONE, failed: 2 });
  });

  test('nor, without one, longer than until the grace is over where the application closes', async () => {
    let begun = 0;
    @JobHandler('endless')
    class Endless {
      handle(): Promise<void> {
        begun += 1;
        return new Promise(() => undefined);
      }
    }
    const { app, publisher } = await startJobs({ providers: [Endless] }, { consume: false, shutdownGrace: 20 });
    await publisher.publish('endless');
    const jobs = app.get(JobsService);
    const both = Promise.all([jobs.drain(), jobs.drain({ idle: 50 })]);
    await until(() => begun === 1, 'it has begun');
    await app.close();
    const ended = { ...NONE, handedBack: 1, interrupted: true };
    expect(await both).toEqual([ended, ended]);
  });

  test('two drains at a time both end, and handle each job once', async () => {
    const { app, publisher } = await worker(backend());
    await publisher.publish('count', { from: 2, queue: 'numbers' });
    const jobs = app.get(JobsService);
    const results = await Promise.all([jobs.drain({ idle: 200 }), jobs.drain({ queues: ['numbers'], idle: 400 })]);
    expect(results.map(({ completed }) => completed)).toEqual([3, 3]);
    expect(app.get(Count).counted).toEqual([2, 1, 0]);
  });

  test('after a drain, a process that only publishes takes nothing more', async () => {
    const { app, publisher } = await worker(backend());
    await app.get(JobsService).drain({ idle: 50 });
    await publisher.publish('count', { from: 0 });
    const shared = await app.get(JobsService).drain({ queues: ['default'], idle: 300 });
    expect(shared).toEqual(NONE);
    expect(app.get(Count).counted).toEqual([]);
  });

  test('a list of consumed queues is what is drained by default; others of its handlers may be named', async () => {
    const { app, publisher } = await worker(backend(), { consume: ['numbers'] });
    await publisher.publish('end', 'well');
    await publisher.publish('count', { from: 0 });
    const jobs = app.get(JobsService);
    await jobs.drain({ idle: 100 });
    expect([app.get(Count).counted, app.get(End).runs]).toEqual([[0], 0]);
    expect(await jobs.drain({ queues: ['default'], idle: 100 })).toEqual({ ...NONE, completed: 1 });
  });

  const refused: Record<string, [unknown, RegExp]> = {
    'an unknown queue': [
      { queues: ['numbers', 'mail'] },
      /^drain: expected a queue of this process \(numbers, default, extra\), got the unknown queue "mail"/,
    ],
    'no list': [{ queues: 'numbers' }, /^drain: queues: expected a list of queue names, got "numbers"$/],
    'an empty list': [{ queues: [] }, /^drain: queues: expected a list of queue names, got \[\]$/],
    'a bad name': [{ queues: ['a b'] }, /^drain: queues\[0\]: queue name: expected 1 to 100 of/],
    'a bad duration': [{ idle: 'soon' }, /^drain: idle: expected milliseconds or a duration/],
    'no time to wait': [{ idle: 0 }, /^drain: idle: expected more than 0, got 0$/],
    'an unknown option': [{ queue: 'numbers' }, /^drain: expected of queues, idle, got the unknown option "queue"$/],
  };
  for (const [what, [options, message]] of Object.entries(refused)) {
    test(`refused: ${what}`, async () => {
      const { app } = await worker(backend(), { queues: { extra: {} } });
      await expect(app.get(JobsService).drain(options as object)).rejects.toThrow(message);
    });
  }

  test('refused: a process without queues', async () => {
    const { app } = await startJobs({}, { consume: false });
    await expect(app.get(JobsService).drain()).rejects.toThrow(
      /^drain: expected a queue of this process \(there is none\)\./,
    );
  });

  test('refused: before the application has started', async () => {
    const early: Promise<unknown>[] = [];
    @Injectable()
    class Early {
      constructor(jobs: JobsService) {
        early.push(jobs.drain().catch((error: unknown) => error));
      }
    }
    await startJobs({ providers: [Early] });
    expect(await early[0]).toMatchObject({ message: expect.stringContaining('await app.init() first') as string });
  });
});
