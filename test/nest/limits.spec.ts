import { JobHandler, PublishError, QueueFullError, type JobsModuleOptions } from 'nestjs-jobs';
import { memory } from 'nestjs-jobs/memory';
import { describe, expect, test } from 'vitest';
import { start, startJobs, until, moduleOf } from './application.js';
import { engines } from './engines.js';
import { JobsModule } from 'nestjs-jobs';

@JobHandler('send', { queue: 'mail' })
class Send {
  readonly handled: unknown[] = [];

  handle(payload: unknown): void {
    this.handled.push(payload);
  }
}

const only = { consume: false } as const;
const all = engines();

describe('limits of a queue', () => {
  for (const [name, engine] of Object.entries(all)) {
    test(`hold on ${name}, and what is rejected can be published once there is room`, async () => {
      const backend = await engine();
      const { publisher } = await startJobs({}, { ...only, backend, queues: { mail: { maxJobs: 2 } } });
      const toMail = { queue: 'mail' };
      await publisher.publish('send', 0, toMail);
      await publisher.publish('send', 1, toMail);
      const error: unknown = await publisher.publish('send', 2, toMail).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(QueueFullError);
      expect(error).toBeInstanceOf(PublishError);
      expect(error).toMatchObject({ queue: 'mail', limits: { maxJobs: 2 }, waiting: { jobs: 2 }, maybeStored: false });
      const { app } = await startJobs({ providers: [Send] }, { backend, queues: { mail: { maxJobs: 2 } } });
      await until(() => app.get(Send).handled.length === 2, 'both to be handled');
      await publisher.publish('send', 3, toMail);
      await until(() => app.get(Send).handled.length === 3, 'the third to be handled');
    });
  }

  test('are of this process: another with a wider one goes on, and this one rejects until there is room', async () => {
    const backend = await all['filer']?.();
    const narrow = await startJobs({}, { ...only, backend, queues: { mail: { maxJobs: 2 } } });
    const wide = await startJobs({}, { ...only, backend, queues: { mail: { maxJobs: 5 } } });
    const send = (by: typeof wide, payload: number): Promise<unknown> =>
      by.publisher.publish('send', payload, { queue: 'mail' });
    for (const payload of [0, 1, 2, 3, 4]) await send(wide, payload);
    await expect(send(narrow, 5)).rejects.toThrow('5 jobs wait in it, and its maxJobs is 2');
    await expect(send(wide, 5)).rejects.toThrow('5 jobs wait in it, and its maxJobs is 5');
  });

  test('that drop are told by events, and once in the log', async () => {
    const { publisher, events, lines } = await startJobs(
      {},
      { ...only, queues: { mail: { maxJobs: 1, whenFull: 'drop-newest' } } },
    );
    const dropped: unknown[] = [];
    events.on('dropped', ({ job, reason }) => dropped.push([job.id, reason]));
    const jobs = await publisher.publishMany(
      [0, 1, 2].map((payload) => ({ name: 'send', payload, options: { queue: 'mail' } })),
    );
    expect(jobs.map((job) => job.dropped ?? false)).toEqual([false, true, true]);
    expect(dropped).toEqual(jobs.slice(1).map(({ id }) => [id, 'drop-newest']));
    await until(() => lines.ofJobs('warn').length > 0, 'a line in the log');
    await publisher.publish('send', 3, { queue: 'mail' });
    expect(lines.ofJobs('warn')).toEqual([
      `queue "mail" is full: 2 jobs were dropped, the ones that came (whenFull 'drop-newest')`,
    ]);
  });

  test('of age expire what this process publishes', async () => {
    const { publisher } = await startJobs({}, { ...only, queues: { mail: { maxAge: '1h' } } });
    const { expiresAt } = await publisher.publish('send', 0, { queue: 'mail' });
    const inMs = (expiresAt?.getTime() ?? 0) - Date.now();
    expect(inMs).toBeGreaterThan(3_500_000);
    expect(inMs).toBeLessThanOrEqual(3_600_000);
  });

  const refused: [engine: string, options: NonNullable<JobsModuleOptions['queues']>, message: string][] = [
    [
      'beanstalkd',
      { mail: { maxBytes: 1_000 } },
      'queues.mail.maxBytes: expected a backend that can tell how many bytes wait (memory, filer and bullmq can), got beanstalkd',
    ],
    [
      'beanstalkd',
      { mail: { maxJobs: 1, whenFull: 'drop-oldest' } },
      "queues.mail.whenFull 'drop-oldest': expected a backend that can remove what has waited longest (memory, filer and bullmq can), got beanstalkd",
    ],
  ];
  for (const [engine, queues, message] of refused) {
    test(`that ${engine} can’t keep are refused at the start: ${Object.keys(queues['mail'] ?? {}).join(', ')}`, async () => {
      const backend = await all[engine]?.();
      await expect(startJobs({}, { ...only, backend, queues })).rejects.toThrow(message);
    });
  }

  test('are refused at the start where a backend of one’s own can’t tell what waits', async () => {
    const inner = await memory().open({ worker: 'test', warn: () => undefined });
    const own = { ...inner, traits: { ...inner.traits, name: 'mine' }, backlog: undefined };
    for (const verb of ['publish', 'reserve', 'settle', 'extend', 'close'] as const) {
      Object.assign(own, { [verb]: inner[verb].bind(inner) });
    }
    const jobs = JobsModule.forRoot({
      ...only,
      backend: own,
      queues: { mail: { maxJobs: 1 } },
    });
    await expect(start(moduleOf({ imports: [jobs] }))).rejects.toThrow(
      'queues.mail.maxJobs: expected a backend that can tell what waits (memory, filer, bullmq and beanstalkd can), got mine',
    );
  });
});
