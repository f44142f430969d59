import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  getJobsToken,
  JobHandler,
  JobsModule,
  JobsService,
  PublisherService,
  type Job,
  type JobsModuleOptions,
} from 'nestjs-jobs';
import { memory } from 'nestjs-jobs/memory';
import { JobsTesting, JobsTestingModule } from 'nestjs-jobs/testing';
import { Test } from '@nestjs/testing';
import { describe, expect, onTestFinished, test } from 'vitest';
import { compiled } from '../compiled.js';
import { Lines, moduleOf, start, startJobs, until } from './application.js';
import { engines } from './engines.js';

@JobHandler('work', { attempts: 1 })
class Worker {
  readonly running = new Map<string, Job>();

  async handle(payload: unknown, job: Job): Promise<void> {
    if (payload === 'fail') throw new RangeError(`no mailbox ${job.id}`);
    if (payload !== 'hold') return;
    this.running.set(job.id, job);
    await new Promise((resolve) => job.signal.addEventListener('abort', resolve));
    this.running.delete(job.id);
  }
}

describe.each(Object.entries(engines()))('on %s', (_, engine) => {
  test('queues are paused, running jobs cancelled, and processes listed, by JobsService', async () => {
    const { app, publisher } = await startJobs({ providers: [Worker] }, { backend: await engine() });
    const jobs = app.get(JobsService);
    const worker = app.get(Worker);
    const { id } = await publisher.publish('work', 'hold');
    await until(() => worker.running.has(id), 'the job runs');
    await expect.poll(async () => (await jobs.workers()).length, { timeout: 30_000 }).toBe(1);
    expect(await jobs.workers()).toMatchObject([
      { pid: process.pid, instance: 'default', queues: ['default'], concurrency: 10, stale: false, traceable: false },
    ]);
    expect(await jobs.pause('default')).toBe(true);
    expect(await jobs.cancel('default', id)).toBe('done');
    await until(() => worker.running.size === 0, 'its signal aborts');
    expect(await jobs.drain({ idle: '1 day' })).toMatchObject({ completed: 0, paused: ['default'] });
    expect(await jobs.resume('default')).toBe(true);
    await app.close();
  });

  test('what happens to jobs in another application is followed until this one closes', async () => {
    const backend = await engine();
    const other = await startJobs({ providers: [Worker] }, { backend });
    const { app, publisher } = await startJobs({}, { backend, consume: false });
    await expect.poll(async () => (await app.get(JobsService).workers()).length, { timeout: 30_000 }).toBe(1);
    const told: string[] = [];
    const stream = await app.get(JobsService).follow(['failed', 'completed']);
    const reading = (async () => {
      for await (const { event, job, worker } of stream) told.push(`${event} ${job.id} ${worker.instance}`);
    })();
    const { id } = await publisher.publish('work', 'fail');
    await until(() => told.length === 1, 'it is told');
    expect(told).toEqual([`failed ${id} default`]);
    await app.close();
    await reading;
    await other.app.close();
  });

  test('failed jobs are found, grouped, retried and removed', async () => {
    const { app, publisher, events } = await startJobs({ providers: [Worker] }, { backend: await engine() });
    const jobs = app.get(JobsService);
    let failed = 0;
    events.on('failed', () => (failed += 1));
    const ids = [await publisher.publish('work', 'fail'), await publisher.publish('work', 'fail')].map(({ id }) => id);
    const [first = ''] = ids;
    await until(() => failed === 2, 'both have failed');
    expect(await jobs.failures()).toMatchObject({
      groups: [{ name: 'work', error: 'RangeError', message: 'no mailbox <id>', count: 2, queues: ['default'] }],
      complete: true,
    });
    const { jobs: listed } = await jobs.list({ queue: 'default', state: 'failed', name: 'work', text: 'MAILBOX' });
    expect(listed.map(({ id }) => id).sort()).toEqual(ids.sort());
    expect(await jobs.get(first)).toMatchObject([{ id: first, state: 'failed', failures: [{ attempt: 1 }] }]);
    expect(await jobs.retry('default', first)).toBe('done');
    await until(() => failed === 3, 'it has failed again');
    expect(await jobs.retryAll({ queue: 'default' })).toMatchObject({ done: 2, changed: 0, complete: true });
    await until(() => failed === 5, 'both have failed again');
    expect(await jobs.removeAll({ queue: 'default' })).toMatchObject({ done: 2, changed: 0, complete: true });
    expect(await jobs.queue('default')).toMatchObject({ counts: { waiting: 0, failed: 0 }, error: undefined });
    expect((await jobs.queues()).map(({ name }) => name)).toEqual(['default']);
  });

  test('delayed jobs are brought forward and cleared, or it is said why not', async () => {
    const { app, publisher } = await startJobs({ providers: [Worker] }, { backend: await engine() });
    const jobs = app.get(JobsService);
    const abilities = await jobs.abilities();
    if ('cannot' in abilities) throw new Error('expected an inspector');
    const { id } = await publisher.publish('work', 'hold', { delay: '1h' });
    const worker = app.get(Worker);
    if (typeof abilities.reschedule === 'object') {
      await expect(jobs.runNow('default', id)).rejects.toMatchObject({ why: abilities.reschedule.cannot });
    } else {
      expect(await jobs.reschedule('default', id, '2h')).toBe('done');
      expect(await jobs.runNow('default', id)).toBe('done');
      await until(() => worker.running.has(id), 'it runs');
      const again = await jobs.runNow('default', id).catch((error: unknown) => (error as Error).message);
      expect(again).toMatch(typeof abilities.list.active === 'object' ? /or a worker has it/ : /^changed$/);
      expect(await jobs.cancel('default', id)).toBe('done');
      await until(() => !worker.running.has(id), 'it ends');
    }
    for (let n = 0; n < 3; n++) await publisher.publish('work', null, { delay: '1h' });
    const cleared = await jobs.clear('default', { states: ['delayed'] });
    expect(cleared).toMatchObject({ done: typeof abilities.reschedule === 'object' ? 4 : 3, complete: true });
    expect(await jobs.queue('default')).toMatchObject({ counts: { delayed: 0 } });
  });
});

test('each instance operates its own engine', async () => {
  const { app } = await start(
    moduleOf({
      imports: [JobsModule.forRoot({ backend: memory() }), JobsModule.forRoot({ name: 'reports', backend: memory() })],
    }),
  );
  const reports = app.get<JobsService>(getJobsToken('reports'));
  await reports.pause('monthly');
  expect((await reports.queues()).map(({ name }) => name)).toEqual(['monthly']);
  expect(await app.get(JobsService).queues()).toEqual([]);
});

test('payloads are shown as the option says', async () => {
  const { app, publisher } = await startJobs({}, { consume: false, operate: { redact: () => '…', deadline: '1s' } });
  const { id } = await publisher.publish('work', { password: 'x' });
  expect(await app.get(JobsService).get(id)).toMatchObject([{ payload: '…' }]);
});

test.each([
  [{ operate: true }, 'operate: expected an object, got true'],
  [{ operate: { trace: 'yes' } }, 'operate.trace: expected true or false, got "yes"'],
  [{ operate: { redact: {} } }, 'operate.redact: expected a function, got {}'],
  [{ operate: { deadline: 0 } }, 'operate.deadline: expected more than 0, got 0'],
  [{ operate: { redacted: 1 } }, 'got the unknown option "redacted"'],
])('option %o is refused', async (options, message) => {
  const module = moduleOf({ imports: [JobsModule.forRoot({ ...(options as JobsModuleOptions), backend: memory() })] });
  await expect(
    NestFactory.createApplicationContext(module, { logger: new Lines(), abortOnError: false }),
  ).rejects.toThrow(message);
});

test('an application under test is operated, too: a paused queue is left by drain', async () => {
  @Module({ imports: [JobsModule.forRoot({ backend: memory() })], providers: [Worker] })
  class App {}
  const module = await Test.createTestingModule({ imports: [App, JobsTestingModule] }).compile();
  await module.init();
  onTestFinished(() => module.close());
  const testing = module.get(JobsTesting);
  const jobs = module.get(JobsService);
  await jobs.pause('default');
  await module.get(PublisherService).publish('work', null);
  expect(await testing.drain()).toMatchObject({ completed: 0 });
  expect(await testing.advance('1 day')).toMatchObject({ completed: 0 });
  expect(await jobs.queue('default')).toMatchObject({ counts: { waiting: 1 }, paused: true });
  await jobs.resume('default');
  expect(await testing.drain()).toMatchObject({ completed: 1 });
  expect(await jobs.workers()).toEqual([]);
});

test('a process that allows it is traced, and none else', async () => {
  const script = `
    import 'reflect-metadata';
    import { Module } from '@nestjs/common';
    import { NestFactory } from '@nestjs/core';
    import { JobHandler, JobsModule, JobsService, PublisherService } from './lib/index.js';
    class Note { handle() { this.render(); } render() { for (const end = Date.now() + 3000; Date.now() < end; ); } }
    JobHandler('note')(Note);
    class App {}
    Module({ imports: [JobsModule.forRoot({ backend: 'memory:', operate: { trace: process.env.TRACE === '1' } })], providers: [Note] })(App);
    const app = await NestFactory.createApplicationContext(App, { logger: false });
    const jobs = app.get(JobsService);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await app.get(PublisherService).publish('note');
    try {
      for (let looks = 0; looks < 200; looks++) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        const [worker] = await jobs.workers();
        const { blocked } = await jobs.trace(worker.id);
        if (blocked.length === 0) continue;
        console.log(blocked[0].ms >= 2000, blocked[0].stack.split('\\n')[0]);
        break;
      }
    } catch (error) { console.log(error.message); }
    await app.close();
  `;
  const run = async (trace: string): Promise<string> => {
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      cwd: compiled(),
      timeout: 60_000,
      env: { ...process.env, TRACE: trace },
    });
    return stdout;
  };
  expect(await run('1')).toMatch(/^true at render \(/);
  expect(await run('0')).toMatch(
    /^memory can't trace worker ".*": that process does not allow it; it does with operate/,
  );
}, 120_000);
