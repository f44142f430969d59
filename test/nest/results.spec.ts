import { setTimeout as sleep } from 'node:timers/promises';
import {
  defineJob,
  JobFailedError,
  JobHandler,
  JobResultClosedError,
  JobResultNotKeptError,
  JobsModule,
  PublisherService,
  PublishError,
  FatalError,
  type Job,
} from 'nestjs-jobs';
import { memory } from 'nestjs-jobs/memory';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { gate, moduleOf, start, startJobs, until } from './application.js';
import { engines } from './engines.js';

const Resize = defineJob('resize', {
  payload: z.object({ width: z.number() }),
  result: z.object({ bytes: z.number() }),
});

@JobHandler(Resize)
class Resizes {
  handle({ width }: { width: number }, job: Job): { bytes: number } {
    if (width < 0) throw new FatalError(`no width of ${width}`);
    job.progress(0.5);
    job.log('half');
    return { bytes: width * 100 };
  }
}

// beanstalkd follows with its records.
const withRecords = Object.entries(engines()).filter(([name]) => name !== 'beanstalkd');

describe.each(withRecords)('on %s', (_, open) => {
  test('a process that only publishes calls a handler of another', async () => {
    const backend = await open();
    await startJobs({ providers: [Resizes] }, { backend });
    const { publisher } = await startJobs({}, { backend, consume: false });
    expect(await publisher.call(Resize, { width: 3 })).toEqual({ bytes: 300 });
    await expect(publisher.call(Resize, { width: -1 }, { timeout: '20s' })).rejects.toMatchObject({
      name: 'JobFailedError',
      message: 'no width of -1',
      remoteName: 'FatalError',
    });
    const job = await publisher.publish(Resize, { width: 4 });
    expect(await job.result()).toEqual({ bytes: 400 });
    expect(await publisher.job(Resize, job.id).result()).toEqual({ bytes: 400 });
    expect(await job.log()).toEqual(['half']);
    const told: unknown[] = [];
    for await (const value of publisher.job('resize', job.id).progress()) told.push(value);
    expect(told).toEqual([0.5]);
  }, 60_000);
});

test('publishMany gives jobs that answer', async () => {
  const { publisher } = await startJobs({ providers: [Resizes] });
  const [one, two] = await publisher.publishMany([
    { job: Resize, payload: { width: 1 } },
    { name: 'resize', payload: { width: 2 }, options: { keepResult: false } },
  ]);
  expect((await one.result()).bytes).toBe(100);
  await expect(two.result()).rejects.toThrow(JobResultNotKeptError);
});

test('options of a handler and of the module say whether results are kept', async () => {
  @JobHandler('kept', { keepResult: '1m' })
  class Kept {
    handle(): string {
      return 'kept';
    }
  }
  @JobHandler('configured')
  class Configured {
    handle(): string {
      return 'configured';
    }
  }
  const { publisher } = await startJobs(
    { providers: [Kept, Configured, Resizes] },
    { handlers: { configured: { keepResult: '1m' }, resize: { keepResult: false } } },
  );
  expect(await (await publisher.publish('kept')).result()).toBe('kept');
  expect(await (await publisher.publish('configured')).result()).toBe('configured');
  await expect((await publisher.publish(Resize, { width: 1 })).result()).rejects.toThrow(JobResultNotKeptError);
  const all = await startJobs({ providers: [Kept, Configured] }, { defaults: { keepResult: '1m' } });
  expect(await (await all.publisher.publish('configured')).result()).toBe('configured');
});

test('a bad keepResult stops the application', async () => {
  await expect(startJobs({}, { defaults: { keepResult: 'long' } })).rejects.toThrow(
    'defaults.keepResult: expected milliseconds or a duration',
  );
  expect(() => JobHandler('x', { keepResult: -1 })(class {} as never)).toThrow('keepResult: expected milliseconds');
});

test('close ends those who wait at once, by an error that says so', async () => {
  const { app, publisher } = await startJobs({});
  const job = await publisher.publish('never', null, { keepResult: '1h' });
  const waits = [
    job.result({ timeout: '1h' }),
    publisher.call('never', null, { timeout: '1h' }),
    job.progress()[Symbol.asyncIterator]().next(),
    ...Array.from({ length: 1_000 }, () => job.result({ timeout: '1h' })),
  ].map((wait) => wait.catch((error: unknown) => error));
  await sleep(20);
  await app.close();
  const errors = await Promise.all(waits);
  expect(errors.filter((error) => !(error instanceof JobResultClosedError))).toEqual([]);
  await expect(job.result()).rejects.toThrow(JobResultClosedError);
  await expect(publisher.call('never', null)).rejects.toThrow(PublishError);
});

test('a handler that waits at close has its job handed back, and no attempt is counted', async () => {
  const waiting = gate();
  @JobHandler('outer')
  class Outer {
    attempts: number[] = [];

    constructor(private readonly publisher: PublisherService) {}

    async handle(_: unknown, job: Job): Promise<unknown> {
      this.attempts.push(job.attempt);
      const inner = this.publisher.call('inner', null, { timeout: '1h' });
      waiting.open();
      return inner;
    }
  }
  const backend = memory();
  const { app, publisher, events } = await startJobs({ providers: [Outer] }, { backend });
  const blocked: unknown[] = [];
  events.on('blocked', ({ error }) => blocked.push(error));
  const { id } = await publisher.publish('outer', null, { keepResult: '1h' });
  await waiting.opened;
  await app.close();
  expect(blocked).toEqual([expect.any(JobResultClosedError)]);

  @JobHandler('inner')
  class Inner {
    handle(): string {
      return 'inner';
    }
  }
  const next = await startJobs({ providers: [Outer, Inner] }, { backend });
  expect(await next.publisher.job('outer', id).result()).toBe('inner');
  expect(next.app.get(Outer).attempts).toEqual([1]);
}, 30_000);

test('each instance waits for its own answers', async () => {
  @JobHandler('report', { instance: 'reports' })
  class Report {
    handle(): string {
      return 'report';
    }
  }
  const imports = [
    JobsModule.forRoot({ backend: memory() }),
    JobsModule.forRoot({ name: 'reports', backend: memory() }),
  ];
  const { publisher, app } = await start(moduleOf({ imports, providers: [Report] }), undefined, 'reports');
  expect(await publisher.call('report', null)).toBe('report');
  const wrong = app.get(PublisherService).call('report', null, { timeout: 20 });
  await expect(wrong).rejects.toMatchObject({ name: 'JobResultTimeoutError', jobName: 'report' });
});

test('events tell of progress and of lines', async () => {
  const { publisher, events } = await startJobs({ providers: [Resizes] });
  const told: unknown[] = [];
  events.on('progress', ({ value }) => told.push(value));
  events.on('log', ({ line }) => told.push(line));
  await publisher.publish(Resize, { width: 1 }, { keepResult: false });
  await until(() => told.length === 2, 'both events');
  expect(told).toEqual([0.5, 'half']);
});

test('a failure tells the caller what the handler’s log would', async () => {
  const { publisher } = await startJobs({ providers: [Resizes] });
  const error: unknown = await publisher.call(Resize, { width: -7 }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(JobFailedError);
  expect((error as JobFailedError).remoteStack).toMatch(/no width of -7[^]*results\.spec/);
});
