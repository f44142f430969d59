import type { DynamicModule } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  defineJob,
  getPublisherToken,
  JobHandler,
  JobsModule,
  JobEvents,
  PublisherService,
  PublishError,
} from 'nestjs-jobs';
import { JobsTesting, JobsTestingModule } from 'nestjs-jobs/testing';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { moduleOf } from '../nest/application.js';
import { shop, ShopModule } from './applications.js';

const HOUR = 3_600_000;

describe('in memory', () => {
  test('nothing runs until the test says so; then all that is due, and what that publishes, but nothing later', async () => {
    const { jobs, publisher, lines } = await shop();
    await publisher.publish('order', { to: 'ada' });
    await sleep(20);
    expect(lines).toEqual([]);
    const now = jobs.now();
    expect(await jobs.drain()).toMatchObject({ completed: 2, failed: 0 });
    expect(lines).toEqual(['order of ada', 'mail to ada: Thanks, attempt 1']);
    expect(jobs.now()).toEqual(now);
    expect(await jobs.drain()).toMatchObject({ completed: 0 });
  });

  test('what was published is listed, with its payload and its options', async () => {
    const { jobs, publisher } = await shop();
    await publisher.publish(
      'order',
      { to: 'ada' },
      { priority: 3, headers: { tenant: 'acme' }, expiration: '1h', id: 'x' },
    );
    await publisher.publish('order', { to: 'bob' }, { id: 'x', timeout: '5s', attempts: 2 });
    await jobs.drain();
    expect(jobs.published().map(({ name }) => name)).toEqual(['order', 'order', 'mail', 'mail']);
    expect(jobs.published('order')).toMatchObject([
      {
        id: 'x',
        queue: 'orders',
        payload: { to: 'ada' },
        options: { priority: 3, headers: { tenant: 'acme' }, expiration: HOUR, delay: undefined },
        publishedAt: jobs.now(),
        duplicate: false,
      },
      { id: 'x', options: { timeout: 5000, attempts: 2 }, duplicate: true },
    ]);
    expect(jobs.published(defineJob('mail'))).toMatchObject([
      { payload: { to: 'ada', subject: 'Thanks' }, options: { delay: undefined } },
      { payload: { subject: 'How was it?' }, options: { delay: 3 * 24 * HOUR } },
    ]);
  });

  test('delays fall due as the time is let pass, each at its moment', async () => {
    const { jobs, publisher, lines } = await shop();
    const start = jobs.now().getTime();
    await publisher.publish('order', { to: 'ada' });
    expect(await jobs.advance('2 days')).toMatchObject({ completed: 2 });
    expect(await jobs.advance('1 day')).toMatchObject({ completed: 1 });
    expect(lines.at(-1)).toBe('mail to ada: How was it?, attempt 1');
    expect(jobs.now().getTime() - start).toBe(3 * 24 * HOUR);
  });

  test('backoffs, retries and failures', async () => {
    const { app, jobs, publisher } = await shop();
    const story: [string, number][] = [];
    const start = jobs.now().getTime();
    for (const name of ['retried', 'failed'] as const) {
      app.get(JobEvents).on(name, () => story.push([name, jobs.now().getTime() - start]));
    }
    await publisher.publish('mail', { to: 'broken' });
    expect(await jobs.advance('59s')).toMatchObject({ retried: 1, failed: 0 });
    expect(await jobs.advance('1h')).toMatchObject({ retried: 1, failed: 1 });
    expect(story).toEqual([
      ['retried', 0],
      ['retried', 60_000],
      ['failed', 120_000],
    ]);
  });

  test('expirations', async () => {
    const { jobs, publisher, lines } = await shop();
    await publisher.publish('mail', { to: 'busy' }, { expiration: '45s' });
    expect(await jobs.advance('1h')).toMatchObject({ retried: 1, expired: 1 });
    await publisher.publish('mail', { to: 'ada' }, { delay: '1h', expiration: '2h' });
    expect(await jobs.advance('59m')).toMatchObject({ completed: 0 });
    expect(lines).toEqual([]);
  });

  test('a handler that does real work is waited for, in real time', async () => {
    @JobHandler('slow')
    class Slow {
      async handle(): Promise<void> {
        await sleep(150);
      }
    }
    const module = moduleOf({ imports: [JobsModule.forRoot({ backend: undefined })], providers: [Slow] });
    const compiled = await Test.createTestingModule({ imports: [module, JobsTestingModule] }).compile();
    onTestFinished(() => compiled.close());
    await compiled.init();
    const jobs = compiled.get(JobsTesting);
    const now = jobs.now();
    for (let n = 0; n < 15; n++) await compiled.get(PublisherService).publish('slow');
    expect(await jobs.drain()).toMatchObject({ completed: 15 });
    expect(jobs.now()).toEqual(now);
  });

  test('a handler that waits for its timeout gets it from advance, and drain tells that it still runs', async () => {
    const { jobs, publisher } = await shop();
    await publisher.publish('endless');
    await expect(jobs.drain()).rejects.toThrow(
      'drain: after 4000 ms these jobs are still running: endless. Where a handler waits for its timeout, call advance().',
    );
    expect(await jobs.advance('1h')).toMatchObject({ failed: 1 });
  });

  test('every way to close leaves nothing behind, with handlers that still run too', async () => {
    const { app, jobs, publisher } = await shop();
    await publisher.publish('endless');
    const drained = jobs.drain().catch((error: unknown) => error);
    await sleep(20);
    await app.close();
    expect(await drained).toMatchObject({ message: 'the application has closed' });
    await expect(jobs.drain()).rejects.toThrow('drain: the application has closed');
  });

  test('what was forgotten is neither listed nor run', async () => {
    const { jobs, publisher, lines } = await shop();
    await publisher.publish('order', { to: 'ada' }, { id: 'x' });
    jobs.clear();
    expect(jobs.published()).toEqual([]);
    expect(await jobs.drain()).toMatchObject({ completed: 0 });
    expect(await publisher.publish('order', { to: 'bob' }, { id: 'x' })).toMatchObject({ duplicate: false });
    await jobs.drain();
    expect(lines[0]).toBe('order of bob');
  });
});

describe('a single run', () => {
  test('tells the outcome of the real consumer, and when the job would run next', async () => {
    const { jobs, lines } = await shop();
    const now = jobs.now().getTime();
    expect(await jobs.run('mail', { to: 'ada', subject: 'Hi' }, { id: 'm1' })).toEqual({
      kind: 'completed',
      result: { sentAs: 'm1' },
    });
    expect(await jobs.run('mail', { to: 'busy' })).toMatchObject({
      kind: 'retried',
      error: { message: 'the mailbox is busy' },
      at: new Date(now + 30_000),
      inMs: 30_000,
    });
    expect(await jobs.run('mail', { to: 'broken' }, { attempt: 2 })).toMatchObject({ kind: 'retried', inMs: 60_000 });
    expect(await jobs.run(defineJob('mail'), { to: 'broken' }, { attempt: 3 })).toMatchObject({
      kind: 'failed',
      reason: 'all 3 attempts have failed',
      error: { message: 'a fault' },
    });
    expect(await jobs.run('mail', { to: 'nobody' })).toMatchObject({ kind: 'failed', reason: 'a fatal error' });
    expect(await jobs.run('mail', { to: 'blocked' })).toMatchObject({ kind: 'blocked', inMs: 300_000 });
    expect(lines).toEqual(['mail to ada: Hi, attempt 1']);
    expect(jobs.published()).toEqual([]);
    expect(await jobs.drain()).toMatchObject({ completed: 0, retried: 0 });
  });

  test('publishes what its handler publishes', async () => {
    const { jobs } = await shop();
    await jobs.run('order', { to: 'ada' });
    expect(jobs.published('mail')).toHaveLength(2);
  });

  test('of a handler that waits for its timeout', async () => {
    const { jobs } = await shop();
    expect(await jobs.run('endless')).toMatchObject({ kind: 'failed', error: { name: 'JobTimeoutError' } });
  });

  test('is refused where it can’t be', async () => {
    const { jobs } = await shop();
    await expect(jobs.run('other')).rejects.toThrow('run: expected a job that has a handler, got "other"');
    await expect(jobs.run('mail', {}, { attempt: 0 })).rejects.toThrow(
      /^run: attempt: expected a whole number of at least 1/,
    );
    await expect(jobs.run('mail', { to: new Date() })).rejects.toThrow(PublishError);
    await expect(jobs.run('mail', {}, { delay: 1 } as object)).rejects.toThrow(
      /a job with a delay does not run at once/,
    );
    await expect(jobs.run('mail', {}, { instance: 'reports' })).rejects.toThrow(
      'run: expected the name of an instance of JobsModule (the default one), got "reports"',
    );
    await expect(jobs.run(ShopModule as never)).rejects.toThrow(/^job name: expected/);
  });
});

test('every instance is replaced, each has its own jobs, and all share the time', async () => {
  @JobHandler('report', { instance: 'reports', queue: 'late' })
  class Report {
    readonly payloads: unknown[] = [];

    handle(payload: unknown): void {
      this.payloads.push(payload);
    }
  }
  const module = {
    ...ShopModule.on({ consume: ['orders', 'mail'] }, { name: 'reports', backend: 'beanstalkd://127.0.0.1:1' }),
    providers: [Report],
  };
  const { app, jobs, publisher } = await shop({}, module);
  await app.get<PublisherService>(getPublisherToken('reports')).publish('report', 1, { delay: '1h' });
  await publisher.publish('mail', { to: 'ada' }, { delay: '1h' });
  expect(jobs.published('report')).toEqual([]);
  expect(jobs.published('report', { instance: 'reports' })).toHaveLength(1);
  expect(await jobs.advance('1h')).toMatchObject({ completed: 2 });
  expect(app.get(Report).payloads).toEqual([1]);
  expect(await jobs.run('report', 2, { instance: 'reports' })).toMatchObject({ kind: 'completed' });
  expect(() => jobs.published('report', { instance: 'mail' })).toThrow(
    'published: expected the name of an instance of JobsModule (the default one, "reports"), got "mail"',
  );
});

test('options that would be refused without it still are, but a backend that is not there is none of them', async () => {
  const boot = (options: object): Promise<unknown> => shop({}, ShopModule.on(options));
  await expect(boot({ backend: undefined })).resolves.toBeDefined();
  await expect(boot({ backend: 'http://x' })).rejects.toThrow(/^JobsModule: backend: expected a URL/);
  await expect(boot({ consume: 'mail' })).rejects.toThrow(/^JobsModule: consume: expected/);
  await expect(boot({ handler: {} })).rejects.toThrow(/^JobsModule: options: expected of .* unknown option "handler"/);
  expect(() => JobsTestingModule.forRoot({ mode: 'real' as never })).toThrow(
    /^JobsTestingModule: mode: expected 'memory', 'inline' or 'fake', got "real"$/,
  );
});

test('an application that was not started publishes, but runs nothing', async () => {
  const compiled = await Test.createTestingModule({ imports: [ShopModule.on(), JobsTestingModule] }).compile();
  onTestFinished(() => compiled.close());
  await compiled.get(PublisherService).publish('order', { to: 'ada' });
  const jobs = compiled.get(JobsTesting);
  expect(jobs.published()).toHaveLength(1);
  await expect(jobs.drain()).rejects.toThrow('await app.init() first');
  await compiled.init();
  expect(await jobs.drain()).toMatchObject({ completed: 2 });
});

test('without @nestjs/testing it does the same', async () => {
  const module = moduleOf({ imports: [ShopModule.on(), JobsTestingModule] });
  const app = await NestFactory.createApplicationContext(module, { logger: false });
  onTestFinished(() => app.close());
  await app.get(PublisherService).publish('order', { to: 'ada' });
  expect(await app.get(JobsTesting).drain()).toMatchObject({ completed: 2 });
});

test('sixty applications in one process leave nothing behind', { timeout: 60_000 }, async () => {
  const before = process.getActiveResourcesInfo().length;
  const warnings: Error[] = [];
  const hear = (warning: Error): unknown => warnings.push(warning);
  process.on('warning', hear);
  for (let n = 0; n < 60; n++) {
    const compiled = await Test.createTestingModule({ imports: [ShopModule.on(), JobsTestingModule] }).compile();
    const app = await compiled.createNestApplication({ logger: false }).init();
    await app.get(PublisherService).publish('order', { to: `${n}` });
    await app.get(JobsTesting).advance('4 days');
    await app.close();
  }
  process.off('warning', hear);
  expect(warnings).toEqual([]);
  expect(process.getActiveResourcesInfo().length).toBeLessThanOrEqual(before);
});

test('two applications of two instances each, at once: each has its own jobs and its own time', async () => {
  @JobHandler('report', { instance: 'reports' })
  class Report {
    readonly payloads: unknown[] = [];

    handle(payload: unknown): void {
      this.payloads.push(payload);
    }
  }
  const module = (): DynamicModule => ({
    ...ShopModule.on({}, { name: 'reports', backend: 'beanstalkd://127.0.0.1:1' }),
    providers: [Report],
  });
  const [one, other] = await Promise.all([shop({}, module()), shop({}, module())]);
  const startedAt = other.jobs.now();
  for (const { app, publisher } of [one, other]) {
    await publisher.publish('order', { to: 'ada' });
    await app.get<PublisherService>(getPublisherToken('reports')).publish('report', 1, { delay: '1h' });
  }
  expect(await one.jobs.advance('1h')).toMatchObject({ completed: 3 });
  expect(other.jobs.now()).toEqual(startedAt);
  expect(other.jobs.published()).toHaveLength(1);
  expect([other.lines, other.app.get(Report).payloads]).toEqual([[], []]);
  await one.app.close();
  expect(await other.jobs.advance('1h')).toMatchObject({ completed: 3 });
  expect(other.app.get(Report).payloads).toEqual([1]);
  expect(other.jobs.published('report', { instance: 'reports' })).toHaveLength(1);
});

test('an application of one named instance needs not name it', async () => {
  @JobHandler('report', { instance: 'reports' })
  class Report {
    handle(): void {}
  }
  const imports = [JobsModule.forRoot({ name: 'reports', backend: undefined }), JobsTestingModule];
  const compiled = await Test.createTestingModule({ imports, providers: [Report] }).compile();
  onTestFinished(() => compiled.close());
  await compiled.init();
  const jobs = compiled.get(JobsTesting);
  await compiled.get<PublisherService>(getPublisherToken('reports')).publish('report');
  expect(jobs.published('report')).toHaveLength(1);
  expect(await jobs.run('report')).toMatchObject({ kind: 'completed' });
});

test('an application without jobs, and one that imports the module twice, are told so', async () => {
  const compiled = await Test.createTestingModule({ imports: [JobsTestingModule] }).compile();
  onTestFinished(() => compiled.close());
  await expect(compiled.get(JobsTesting).drain()).rejects.toThrow('drain: the application imports no JobsModule');
  expect(() => compiled.get(JobsTesting).published()).toThrow(/\(the application imports none\), got none$/);
  const twice = [JobsTestingModule, JobsTestingModule.forRoot({ mode: 'inline' })];
  await expect(Test.createTestingModule({ imports: twice }).compile()).rejects.toThrow(
    /^JobsTestingModule is imported twice in one application/,
  );
});

test('a runner’s fake timers do not disturb it', async () => {
  const { jobs, publisher, lines } = await shop();
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  await publisher.publish('order', { to: 'ada' });
  expect(await jobs.advance('3 days')).toMatchObject({ completed: 3 });
  expect(await jobs.run('mail', { to: 'ada' })).toMatchObject({ kind: 'completed' });
  expect(lines).toHaveLength(4);
});

test('what is mocked where nothing is provided does not stand in its place', async () => {
  const builder = Test.createTestingModule({ imports: [ShopModule.on(), JobsTestingModule] });
  const compiled = await builder.useMocker(() => ({})).compile();
  onTestFinished(() => compiled.close());
  await compiled.init();
  await compiled.get(PublisherService).publish('order', { to: 'ada' });
  expect(await compiled.get(JobsTesting).drain()).toMatchObject({ completed: 2 });
});
