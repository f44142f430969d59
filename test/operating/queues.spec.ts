import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Inspector } from '../../lib/core/inspector.js';
import { JobsOperator } from '../../lib/operating/jobs-operator.js';
import { RecordingEngine, wrapped } from '../core/engine.js';
import { handler, queue, Work } from '../core/workshop.js';
import { openOffice, operatorWith, type Office } from './office.js';

let office: Office;

beforeEach(async () => {
  office = await openOffice();
});

afterEach(() => office.shop.close());

test('a queue is shown with what stands in each state, how long the oldest waits, and who reads it', async () => {
  const { operator, shop } = office;
  const work = new Work();
  office.consume([handler('work', work.handle)], { queues: [queue('default', { concurrency: 1 })] });
  await office.publish('work');
  await shop.now();
  await office.publish('work');
  await office.publish('work', null, { delay: '1h' });
  await office.publish('work', null, { queue: 'other' });
  await shop.clock.advance(5_000);
  const [first, second] = await operator.queues();
  expect(first).toMatchObject({
    name: 'default',
    counts: { waiting: 1, delayed: 1, active: 1, completed: 0, failed: 0, expired: 0 },
    counted: [],
    oldestWaitingMs: 5_000,
    paused: false,
    workers: 1,
    error: undefined,
  });
  expect(second).toMatchObject({ name: 'other', counts: { waiting: 1 }, workers: 0 });
  expect(await operator.queue('other')).toEqual(second);
  await expect(operator.queue('../etc')).rejects.toThrow('queue name: expected 1 to 100 of');
});

test('a queue that has been paused is shown, by whom and since when, also where it holds nothing', async () => {
  const { operator, shop } = office;
  await operator.pause('empty');
  expect(await operator.queues()).toMatchObject([
    {
      name: 'empty',
      paused: true,
      pausedSince: new Date(shop.clock.now()),
      pausedBy: expect.stringMatching(`:${process.pid}$`),
    },
  ]);
});

test('an engine that keeps no completed jobs has those of the last 48 hours, by our own count', async () => {
  const { shop } = office;
  const honest = shop.engine.inspector as Inspector;
  const forgetful = operatorWith(shop, {
    counts: async (name) => ({ ...(await honest.counts(name)), completed: undefined, expired: undefined }),
  });
  const hour = async (runs: number): Promise<void> => {
    const consumer = office.consume([handler('work', () => undefined)]);
    for (let n = 0; n < runs; n++) await office.publish('work');
    await shop.now();
    await consumer.stop(0);
  };
  await hour(3);
  await shop.clock.advance(3_600_000);
  await hour(2);
  const view = await forgetful.queue('default');
  expect(view).toMatchObject({ counts: { completed: 5, expired: 0, waiting: 0 }, counted: ['completed', 'expired'] });
  expect(view.hours.map(({ completed }) => completed)).toEqual([3, 2]);
  expect(JSON.parse(JSON.stringify(view))).toMatchObject({ hours: [{ from: '2026-11-21T09:00:00.000Z' }, {}] });
  await shop.clock.advance(47 * 3_600_000);
  expect((await forgetful.queue('default')).counts.completed).toBe(2);
  await shop.clock.advance(3_600_000);
  expect((await forgetful.queue('default')).counts.completed).toBe(0);
});

test('queues that do not answer, or fail, say so; the others are shown', async () => {
  const { shop } = office;
  const honest = shop.engine.inspector as Inspector;
  for (const name of ['a', 'b', 'c']) await office.publish('work', null, { queue: name });
  const operator = operatorWith(
    shop,
    {
      counts: (name) => {
        if (name === 'a') return new Promise(() => undefined);
        return name === 'b' ? Promise.reject(new Error('ECONNRESET')) : honest.counts(name);
      },
    },
    { deadline: 200 },
  );
  const [a, b, c] = await operator.queues();
  expect(a?.error).toMatch(/^no answer of memory within \d+(\.\d+)? ms, when asked to count the jobs of queue "a"$/);
  expect(a?.counts.waiting).toBeUndefined();
  expect(b?.error).toBe('ECONNRESET');
  expect(c).toMatchObject({ counts: { waiting: 1 }, error: undefined });
});

test('an engine that does not answer at all is not waited for', async () => {
  const operator = operatorWith(office.shop, { queues: () => new Promise(() => undefined) }, { deadline: '100ms' });
  await expect(operator.queues()).rejects.toThrow('no answer of memory within 100 ms, when asked to tell its queues');
});

test('an engine without an inspector refuses, and says why', async () => {
  const operator = new JobsOperator(new RecordingEngine());
  const refused = { name: 'UnsupportedActionError', engine: 'recorder', why: expect.stringContaining('no inspector') };
  expect(operator.abilities).toEqual({ cannot: expect.stringContaining('no inspector') });
  await expect(operator.queues()).rejects.toMatchObject(refused);
  await expect(operator.queue('a')).rejects.toMatchObject(refused);
  await expect(operator.list({ queue: 'a', state: 'failed' })).rejects.toMatchObject(refused);
  await expect(operator.get('1')).rejects.toMatchObject(refused);
  await expect(operator.failures()).rejects.toMatchObject(refused);
  await expect(operator.retry('a', '1')).rejects.toMatchObject(refused);
  await expect(operator.remove('a', '1')).rejects.toMatchObject(refused);
  await expect(operator.runNow('a', '1')).rejects.toMatchObject(refused);
  await expect(operator.retryAll({})).rejects.toMatchObject(refused);
  await expect(operator.removeAll({})).rejects.toMatchObject(refused);
  await expect(operator.clear('a')).rejects.toMatchObject(refused);
  const unheard = { name: 'UnsupportedActionError', why: expect.stringContaining('no records') };
  await expect(operator.pause('a')).rejects.toMatchObject(unheard);
  await expect(operator.resume('a')).rejects.toMatchObject(unheard);
  await expect(operator.cancel('a', '1')).rejects.toMatchObject(unheard);
  await expect(operator.workers()).rejects.toMatchObject(unheard);
  await expect(operator.trace('a')).rejects.toMatchObject(unheard);
  await expect(operator.follow('failed')).rejects.toMatchObject(unheard);
});

test('an engine without records shows its queues all the same', async () => {
  await office.publish('work');
  const operator = new JobsOperator(wrapped(office.shop.engine, { records: undefined }));
  expect(await operator.queues()).toMatchObject([
    { name: 'default', counts: { waiting: 1 }, paused: false, workers: 0 },
  ]);
});

test.each([
  [{ deadline: 'soon' }, 'operator: deadline: expected milliseconds or a duration'],
  [{ deadline: 0 }, 'operator: deadline: expected more than 0'],
  [{ redact: true }, 'operator: redact: expected a function, got true'],
  [{ warn: 'aloud' }, 'operator: warn: expected a function, got "aloud"'],
  [{ timeout: 1 }, 'operator: expected of deadline, redact, warn, got the unknown option "timeout"'],
])('%o is refused', (options, message) => {
  expect(() => new JobsOperator(office.shop.engine, options as object)).toThrow(message);
});
