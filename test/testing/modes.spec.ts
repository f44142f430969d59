import { setTimeout as sleep } from 'node:timers/promises';
import { JobHandler, JobsService, PublisherService } from 'nestjs-jobs';
import { expect, test } from 'vitest';
import { shop, ShopModule } from './applications.js';

test('inline: a job has run, and all that it publishes, when publish resolves', async () => {
  const { jobs, publisher, lines } = await shop({ mode: 'inline' });
  await publisher.publish('order', { to: 'ada' });
  expect(lines).toEqual(['order of ada', 'mail to ada: Thanks, attempt 1']);
  expect(await jobs.drain()).toMatchObject({ completed: 0 });
  expect(jobs.published().map(({ name }) => name)).toEqual(['order', 'mail', 'mail']);
});

test('inline: delays and retries wait for the time', async () => {
  const { jobs, publisher, lines } = await shop({ mode: 'inline' });
  await publisher.publish('order', { to: 'ada' });
  expect(await jobs.advance('3 days')).toMatchObject({ completed: 1 });
  expect(lines.at(-1)).toBe('mail to ada: How was it?, attempt 1');
  await publisher.publish('mail', { to: 'broken' });
  expect(await jobs.advance('1h')).toMatchObject({ retried: 1, failed: 1 });
});

test('inline: a handler that fails is no failure of publish, and its place is free for the next', async () => {
  const { publisher, lines } = await shop({ mode: 'inline' }, ShopModule.on({ queues: { mail: { concurrency: 1 } } }));
  await expect(publisher.publish('mail', { to: 'nobody' })).resolves.toMatchObject({ name: 'mail' });
  await publisher.publish('mail', { to: 'ada', subject: 'Hi' });
  expect(lines).toEqual(['mail to ada: Hi, attempt 1']);
});

test('inline: a handler may publish to its own queue of one place', async () => {
  @JobHandler('count', { queue: 'one', concurrency: 1 })
  class Count {
    readonly counted: number[] = [];

    constructor(private readonly publisher: PublisherService) {}

    async handle(from: number): Promise<void> {
      if (from > 0) await this.publisher.publish('count', from - 1);
      await sleep(1);
      this.counted.push(from);
    }
  }
  const module = { ...ShopModule.on(), providers: [Count] };
  const { app, publisher } = await shop({ mode: 'inline' }, module);
  await publisher.publish('count', 3);
  expect(app.get(Count).counted).toEqual([0, 1, 2, 3]);
});

test('inline: a job without a handler here is kept', async () => {
  const { jobs, publisher } = await shop({ mode: 'inline' });
  await publisher.publish('elsewhere', 1);
  expect(jobs.published('elsewhere')).toHaveLength(1);
});

test('fake: of one unique key one job is published until the test forgets its jobs', async () => {
  const { jobs, publisher } = await shop({ mode: 'fake' });
  const publish = async (): Promise<boolean | undefined> =>
    (await publisher.publish('order', { to: 'ada' }, { unique: { key: 'ada' } })).duplicate;
  expect(await publish()).toBe(false);
  expect(await publish()).toBe(true);
  expect(jobs.published('order')).toHaveLength(1);
  jobs.clear();
  expect(await publish()).toBe(false);
});

test('fake: jobs are kept, and nothing runs but what the test runs itself', async () => {
  const { app, jobs, publisher, lines } = await shop({ mode: 'fake' });
  await publisher.publish('order', { to: 'ada' }, { id: 'x' });
  expect(await publisher.publish('order', { to: 'ada' }, { id: 'x' })).toMatchObject({ duplicate: true });
  expect(jobs.published('order')).toHaveLength(2);
  await expect(jobs.drain()).rejects.toThrow("drain: nothing runs in mode 'fake'; use run(), or another mode");
  await expect(jobs.advance('1h')).rejects.toThrow("advance: nothing runs in mode 'fake'");
  expect(await app.get(JobsService).drain({ idle: 30 })).toMatchObject({ completed: 0, handedBack: 0 });
  expect(lines).toEqual([]);
  expect(await jobs.run('mail', { to: 'ada' })).toMatchObject({ kind: 'completed' });
  expect(lines).toEqual(['mail to ada: , attempt 1']);
});

test('memory: what the application drains itself is run', async () => {
  const { app, publisher, lines } = await shop({ mode: 'memory' });
  await publisher.publish('order', { to: 'ada' });
  expect(await app.get(JobsService).drain({ idle: 30 })).toMatchObject({ completed: 2, interrupted: false });
  expect(lines).toHaveLength(2);
});
