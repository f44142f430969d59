import { join } from 'node:path';
import { JobHandler, JobsModule } from 'nestjs-jobs';
import { bullmq } from 'nestjs-jobs/bullmq';
import { filer } from 'nestjs-jobs/filer';
import { memory } from 'nestjs-jobs/memory';
import type { JobsHealthIndicator, QueueHealthOptions } from 'nestjs-jobs/terminus';
import { expect, onTestFinished, test } from 'vitest';
import type { Inspector, StateCounts } from '../../lib/core/inspector.js';
import { temporaryFolder } from '../backends/filer/support/temporary.js';
import { RecordingEngine } from '../core/engine.js';
import { gate } from '../nest/application.js';
import { PrivateRedis } from '../servers/redis.js';
import { healthApplication } from './health-application.js';

@JobHandler('work')
class Works {
  handle(): void {}
}

const both = (jobs: JobsHealthIndicator) => [
  () => jobs.engine('engine', { timeout: '5s' }),
  () => jobs.consuming('workers', { within: 500 }),
];

test('on filer, the engine answers and the queues are read', { timeout: 60_000 }, async () => {
  const backend = filer({ directory: join(await temporaryFolder(), 'jobs') });
  const { becomes } = await healthApplication({ backend }, both, { providers: [Works] });
  expect(await becomes(200)).toEqual({
    code: 200,
    details: { engine: { status: 'up', engine: 'filer' }, workers: { status: 'up', queues: ['default'] } },
  });
});

test('on BullMQ, a Redis that is gone is told, and that it is back', { timeout: 120_000 }, async () => {
  const redis = await PrivateRedis.start();
  onTestFinished(() => redis.stop());
  const backend = bullmq({ connection: redis.url });
  const { health, becomes } = await healthApplication({ backend }, both, { providers: [Works] });
  expect(await becomes(200)).toMatchObject({ details: { engine: { status: 'up', engine: 'bullmq' } } });
  await redis.kill();
  const gone = await becomes(503);
  expect(Object.values(gone.details).some(({ status, message }) => status === 'down' && message !== undefined)).toBe(
    true,
  );
  // Both of them, each in its time.
  const states = async () => Object.values((await health()).details).map(({ status }) => status);
  await expect.poll(states, { timeout: 30_000 }).toEqual(['down', 'down']);
  const { details } = await health();
  expect(details['workers']?.['message']).toMatch(/^queue "default": the engine has failed for [\d.]+ s$/);
  await redis.start();
  expect((await becomes(200)).details).toEqual({
    engine: { status: 'up', engine: 'bullmq' },
    workers: { status: 'up', queues: ['default'] },
  });
});

test('consumers whose places are all taken are well', async () => {
  const { opened, open } = gate();
  const running = gate();
  @JobHandler('long', { concurrency: 1 })
  class Long {
    async handle(): Promise<void> {
      running.open();
      await opened;
    }
  }
  const { health, publisher } = await healthApplication({ backend: memory() }, both, { providers: [Long] });
  await publisher.publish('long');
  await running.opened;
  expect(await health()).toMatchObject({ code: 200 });
  open();
});

test.each([
  ['a process that only publishes', { consume: false }, {}, 'this process reads no queue'],
  ['a queue that is not read', {}, { queues: ['default', 'mail'] }, 'this process does not read mail'],
])('%s is not consuming', async (_, options, asked, message) => {
  const { health } = await healthApplication(
    { backend: memory(), ...options },
    (jobs) => [() => jobs.consuming('workers', asked)],
    { providers: [Works] },
  );
  expect(await health()).toEqual({ code: 503, details: { workers: { status: 'down', message } } });
});

test('an engine that answers nothing is down when its time is over', async () => {
  class Silent extends RecordingEngine {
    readonly backlog = { jobs: () => new Promise<never>(() => undefined) };
  }
  const { health } = await healthApplication({ backend: new Silent(), consume: false }, (jobs) => [
    () => jobs.engine('engine', { timeout: 50 }),
  ]);
  expect(await health()).toEqual({
    code: 503,
    details: { engine: { status: 'down', message: 'no answer within 50 ms' } },
  });
});

test('an application that has closed takes no jobs', async () => {
  const { indicator, close } = await healthApplication({ backend: memory() }, () => [], { providers: [Works] });
  expect(indicator.consuming('workers')).toMatchObject({ workers: { status: 'up' } });
  await close();
  expect(indicator.consuming('workers')).toEqual({
    workers: { status: 'down', message: 'the application is closing' },
  });
});

const NOW = 1_800_000_000_000;

class Counting extends RecordingEngine {
  readonly inspector: Inspector;

  constructor(counts: Partial<StateCounts>) {
    super({ now: () => NOW, monotonic: () => NOW, after: () => () => undefined });
    const all = { delayed: 0, active: 0, completed: 0, expired: 0, oldestWaitingAt: undefined, ...counts };
    this.inspector = { counts: () => Promise.resolve(all) } as Partial<Inspector> as Inspector;
  }
}

const minuteOld = { waiting: 3, failed: 2, oldestWaitingAt: NOW - 60_000 };

test.each<[string, Partial<StateCounts>, Omit<QueueHealthOptions, 'queue'>, string | undefined]>([
  ['within all limits', minuteOld, { oldestWaiting: '1m', mostWaiting: 3, mostFailed: 2 }, undefined],
  ['too old', minuteOld, { oldestWaiting: '59s' }, 'a job has been waiting for 60 s, at most 59 s are allowed'],
  ['too many waiting', minuteOld, { mostWaiting: 2 }, '3 jobs are waiting, at most 2 are allowed'],
  ['failed', minuteOld, { mostFailed: 0 }, '2 jobs are failed, at most 0 are allowed'],
  ['an empty queue', { waiting: 0, failed: 0 }, { oldestWaiting: 1 }, undefined],
  [
    'an engine that can’t tell the age',
    { waiting: 1, failed: 0 },
    { oldestWaiting: '1h' },
    "recorder can't tell since when its jobs have been waiting: set mostWaiting instead of oldestWaiting",
  ],
  [
    'an engine that can’t count',
    { waiting: 1, failed: undefined },
    { mostFailed: 5 },
    "recorder can't count the jobs that are failed",
  ],
])('the limits of a queue: %s', async (_, counts, limits, message) => {
  const backend = new Counting(counts);
  const { indicator } = await healthApplication({ backend, consume: false }, () => []);
  const { mail } = await indicator.queue('mail', { queue: 'default', ...limits });
  expect(mail.status).toBe(message === undefined ? 'up' : 'down');
  expect(mail['message']).toBe(message);
});

test('what is asked wrongly is refused: no limit, an unknown option, an unknown instance', async () => {
  const { indicator } = await healthApplication({ backend: memory() }, () => []);
  await expect(indicator.queue('q', { queue: 'default' })).rejects.toThrow(
    'JobsHealthIndicator: options: expected a limit: oldestWaiting, mostWaiting or mostFailed; got none',
  );
  await expect(indicator.engine('e', { timeOut: 1 } as object)).rejects.toThrow('unknown option "timeOut"');
  await expect(indicator.engine('e', { timeout: 0 })).rejects.toThrow('timeout: expected more than 0, got 0');
  await expect(indicator.engine('e', { instance: 'reports' })).rejects.toThrow('no instance "reports" of JobsModule');
  expect(() => indicator.consuming('c', { queues: [] })).toThrow('queues: expected a list of queue names');
});

test('each instance has its health', async () => {
  const reports = JobsModule.forRoot({ name: 'reports', backend: memory(), consume: false });
  const { indicator } = await healthApplication({ backend: memory() }, () => [], {
    providers: [Works],
    imports: [reports],
  });
  await expect(indicator.engine('reports', { instance: 'reports' })).resolves.toEqual({
    reports: expect.objectContaining({ status: 'up' }) as unknown,
  });
  expect(indicator.consuming('own')).toMatchObject({ own: { status: 'up' } });
  expect(indicator.consuming('reports', { instance: 'reports' })).toMatchObject({ reports: { status: 'down' } });
});
