import {
  JobHandler,
  JobSchedule,
  type Backend,
  type BackendContext,
  type Job,
  type JobScheduleOptions,
} from 'nestjs-jobs';
import { memory, VirtualClock } from 'nestjs-jobs/memory';
import { JobsTesting, JobsTestingModule } from 'nestjs-jobs/testing';
import { Test } from '@nestjs/testing';
import { JobsModule, PublisherService } from 'nestjs-jobs';
import { expect, onTestFinished, test } from 'vitest';
import { moduleOf, start, startJobs, turns } from './application.js';

const START = Date.parse('2026-11-21T09:00:00.000Z');

class Reports {
  readonly made: unknown[] = [];

  @JobHandler('report')
  @JobSchedule('0 10 * * *', { payload: { kind: 'daily' }, priority: 3 })
  @JobSchedule('*/30 * * * *', { name: 'report_often', payload: { kind: 'often' } })
  report(payload: unknown, job: Job): void {
    this.made.push([job.id, payload, job.priority]);
  }
}

/** The job of a class, which recurs. */
function recurring(options: JobScheduleOptions): new () => { readonly ids: string[] } {
  @JobHandler('tidy')
  @JobSchedule('* * * * *', options)
  class Tidy {
    readonly ids: string[] = [];

    handle(_payload: unknown, job: Job): void {
      this.ids.push(job.id);
    }
  }
  return Tidy;
}

test('the jobs of methods and classes recur, each tick once over two applications', async () => {
  const clock = new VirtualClock(START);
  const backend = memory({ clock });
  const Tidy = recurring({});
  const apps = await Promise.all(
    [1, 2].map(() => startJobs({ providers: [Reports, Tidy] }, { backend, queues: { default: { concurrency: 5 } } })),
  );
  await clock.advance(61 * 60_000);
  const made = apps.flatMap(({ app }) => app.get(Reports).made);
  made.sort((a, b) => (String(a) < String(b) ? -1 : 1));
  expect(made).toEqual([
    ['report-2026-11-21T10.00.00.000Z', { kind: 'daily' }, 3],
    ['report_often-2026-11-21T09.30.00.000Z', { kind: 'often' }, 1024],
    ['report_often-2026-11-21T10.00.00.000Z', { kind: 'often' }, 1024],
  ]);
  const ids = apps.flatMap(({ app }) => app.get(Tidy).ids);
  expect([ids.length, new Set(ids).size]).toEqual([61, 61]);
});

test.each([{ consume: false }, { consume: ['elsewhere'] }])('a process with %j publishes no ticks', async (options) => {
  const clock = new VirtualClock(START);
  const backend = memory({ clock });
  const { events } = await startJobs({ providers: [recurring({})] }, { backend, ...options });
  const published: unknown[] = [];
  events.on('published', (job) => published.push(job.id));
  await clock.advance(180_000);
  expect(published).toEqual([]);
});

test('a schedule by the publisher begins at once, and ends when it is cancelled', async () => {
  const clock = new VirtualClock(START);
  const { publisher, events } = await startJobs({}, { backend: memory({ clock }) });
  const ids: string[] = [];
  events.on('published', (job) => ids.push(job.id));
  const ref = publisher.schedule('invoice', { month: 11 }, { cron: '0 * * * *', timeZone: 'Europe/Berlin' });
  expect([ref.name, ref.cron, ref.next]).toEqual(['invoice', '0 * * * *', new Date(START + 3_600_000)]);
  expect(() => publisher.schedule('invoice', {}, { cron: '@daily' })).toThrow('there is a schedule "invoice" already');
  await clock.advance(2 * 3_600_000);
  expect(ids).toEqual(['invoice-2026-11-21T10.00.00.000Z', 'invoice-2026-11-21T11.00.00.000Z']);
  ref.cancel();
  expect(ref.next).toBe(undefined);
  await clock.advance(2 * 3_600_000);
  expect(ids.length).toBe(2);
});

test('an application that closes publishes no tick any more, and refuses schedules', async () => {
  const clock = new VirtualClock(START);
  const backend = memory({ clock });
  const { app, publisher, events } = await startJobs({ providers: [recurring({})] }, { backend });
  const ids: string[] = [];
  events.on('published', (job) => ids.push(job.id));
  await app.close();
  await clock.advance(180_000);
  await turns();
  expect(ids).toEqual([]);
  expect(() => publisher.schedule('x', null, { cron: '@daily' })).toThrow('the application has closed');
});

test('an engine without records is refused where a job recurs', async () => {
  const description = memory();
  const backend = {
    name: 'plain',
    open: async (context: BackendContext): Promise<Backend> => {
      const inner = await description.open(context);
      return Object.create(inner, { records: { value: undefined } }) as Backend;
    },
  };
  await expect(startJobs({ providers: [recurring({})] }, { backend })).rejects.toThrow(/memory keeps no records/);
});

test('bad schedules stop the application, and name what is wrong', async () => {
  class Lonely {
    @JobSchedule('@daily')
    tidy(): void {}
  }
  await expect(startJobs({ providers: [Lonely] })).rejects.toThrow(
    /^Lonely\.tidy in AppModule has @JobSchedule, but no @JobHandler/,
  );
  class Twice {
    @JobHandler('a')
    @JobSchedule('@daily', { name: 'x' })
    a(): void {}

    @JobHandler('b')
    @JobSchedule('@hourly', { name: 'x' })
    b(): void {}
  }
  await expect(startJobs({ providers: [Twice] })).rejects.toThrow('there is a schedule "x" already');
  expect(() => JobSchedule('61 * * * *')(Lonely)).toThrow(
    /^@JobSchedule\("61 \* \* \* \*"\) on Lonely: cron: expected/,
  );
  expect(() => JobSchedule('@daily', { timeZone: 'Mars/X' })(Lonely)).toThrow(/on Lonely: timeZone: expected/);
});

test('in the testing module jobs recur in its time', async () => {
  const module = await Test.createTestingModule({
    imports: [JobsModule.forRoot({ backend: 'memory:' }), JobsTestingModule.forRoot()],
    providers: [Reports],
  }).compile();
  onTestFinished(() => module.close());
  await module.init();
  const jobs = module.get(JobsTesting);
  await jobs.advance('1 day');
  const names = jobs.published('report').map(({ id }) => id.replace(/-\d{4}-.*/, ''));
  expect(names.filter((name) => name === 'report').length).toBe(1);
  expect(names.filter((name) => name === 'report_often').length).toBe(48);
  expect(module.get(Reports).made.length).toBe(49);
  expect(module.get(PublisherService)).toBeDefined();
});

test('an application of another start has the schedules of its own', async () => {
  const App = moduleOf({
    imports: [JobsModule.forRoot({ backend: memory() })],
    providers: [recurring({ name: 'own' })],
  });
  const { app } = await start(App);
  await app.close();
  await start(App);
});
