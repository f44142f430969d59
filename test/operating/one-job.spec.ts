import { afterEach, beforeEach, expect, test } from 'vitest';
import { drain } from '../../lib/core/drain.js';
import type { Inspector } from '../../lib/core/inspector.js';
import { handler, queue, Work } from '../core/workshop.js';
import { openOffice, operatorWith, type Office } from './office.js';

let office: Office;

beforeEach(async () => {
  office = await openOffice();
});

afterEach(() => office.shop.close());

test('a job is found by its id in whichever queue, with each of its attempts', async () => {
  const { operator, shop } = office;
  const id = await office.publish('send', 'x', { attempts: 2, backoff: { kind: 'fixed', base: 1_000 } });
  let attempts = 0;
  office.consume([
    handler('send', () => {
      throw new RangeError(`failure ${++attempts}`);
    }),
  ]);
  await shop.clock.advance(10_000);
  const [job, ...others] = await operator.get(id);
  expect(others).toEqual([]);
  expect(job).toMatchObject({
    id,
    queue: 'default',
    state: 'failed',
    attempts: 2,
    reason: 'all 2 attempts have failed',
  });
  expect(job?.failures.map(({ attempt, error }) => [attempt, error.name, error.message])).toEqual([
    [1, 'RangeError', 'failure 1'],
    [2, 'RangeError', 'failure 2'],
  ]);
  expect(job?.endedAt).toEqual(new Date(Date.parse(job?.failures[1]?.at ?? '')));
  expect(await operator.get(id, { queue: 'default' })).toEqual([job]);
  expect(await operator.get('nobody')).toEqual([]);
});

test('what a running job has said of itself is shown where it keeps its result', async () => {
  const { operator, shop } = office;
  const work = new Work();
  office.consume([handler('work', work.handle)]);
  const id = await office.publish('work', null, { keepResult: '1h' });
  await shop.now();
  work.started[0]?.progress({ done: 3 });
  work.started[0]?.log('three done');
  await shop.now();
  expect(await operator.get(id)).toMatchObject([{ state: 'active', progress: { done: 3 }, log: ['three done'] }]);
});

test('a failed job is retried once, with fresh attempts', async () => {
  const { operator, shop } = office;
  const [id = ''] = await office.fail('send', ['x']);
  expect(await operator.retry('default', id)).toBe('done');
  expect(await operator.retry('default', id)).toBe('changed');
  const work = new Work();
  office.consume([handler('send', work.handle)]);
  await shop.now();
  expect(work.started[0]?.attempt).toBe(1);
  expect(await operator.retry('default', id)).toBe('changed');
  work.end(0, null);
  await shop.now();
  await expect(operator.retry('default', id)).rejects.toMatchObject({ name: 'JobStateError', state: 'completed' });
});

test('a job is removed, but not one that is being handled', async () => {
  const { operator, shop } = office;
  const waiting = await office.publish('work');
  expect(await operator.remove('default', waiting)).toBe('done');
  await expect(operator.remove('default', waiting)).rejects.toMatchObject({ name: 'JobNotFoundError', id: waiting });
  const [failed = ''] = await office.fail('send', ['x']);
  expect(await operator.remove('default', failed, { state: 'waiting' })).toBe('changed');
  expect(await operator.remove('default', failed, { state: 'failed' })).toBe('done');
  const work = new Work();
  office.consume([handler('work', work.handle)]);
  const running = await office.publish('work');
  await shop.now();
  await expect(operator.remove('default', running)).rejects.toThrow(
    /is active: a worker handles it; cancel it, or wait for its end$/,
  );
});

test('a delayed job runs now, or when it is told to', async () => {
  const { operator, shop } = office;
  const [failed = ''] = await office.fail('send', ['x']);
  const work = new Work();
  office.consume([handler('work', work.handle)]);
  const ids = [1, 2, 3];
  for (const n of ids) await office.publish('work', n, { delay: '1 day', id: `job-${n}` });
  expect(await operator.runNow('default', 'job-2')).toBe('done');
  await shop.now();
  expect(work.names).toEqual([2]);
  expect(await operator.reschedule('default', 'job-3', '1m')).toBe('done');
  expect(await operator.reschedule('default', 'job-1', new Date(shop.clock.now() + 120_000))).toBe('done');
  await shop.clock.advance(60_000);
  expect(work.names).toEqual([2, 3]);
  await shop.clock.advance(60_000);
  expect(work.names).toEqual([2, 3, 1]);
  expect(await operator.runNow('default', 'job-1')).toBe('changed');
  await expect(operator.runNow('default', failed)).rejects.toThrow('is failed: retry it instead');
});

test('what changes between the look and the act is told as changed', async () => {
  const { shop } = office;
  const honest = shop.engine.inspector as Inspector;
  const [id = ''] = await office.fail('send', ['x']);
  const operator = operatorWith(shop, {
    change: async (...args) => {
      await office.operator.remove('default', id);
      return honest.change(...args);
    },
  });
  expect(await operator.retry('default', id)).toBe('changed');
});

test('what the engine can’t do is refused before it is asked', async () => {
  const { shop } = office;
  const { abilities } = shop.engine.inspector as Inspector;
  const cannot = { cannot: 'it keeps what is done only' };
  const operator = operatorWith(shop, {
    abilities: {
      ...abilities,
      retry: cannot,
      reschedule: cannot,
      remove: { ...abilities.remove, waiting: cannot },
    },
    change: () => Promise.reject(new Error('was asked')),
  });
  const id = await office.publish('work');
  for (const act of [
    operator.retry('default', id),
    operator.runNow('default', id),
    operator.remove('default', id),
    operator.retryAll({}),
    operator.removeAll({ state: 'waiting' }),
    operator.clear('default', { states: ['waiting'] }),
  ]) {
    await expect(act).rejects.toMatchObject({ name: 'UnsupportedActionError', why: cannot.cannot });
  }
});

test.each([
  ['', 'job id: expected a text of 1 to 1000 bytes, got ""'],
  ['x'.repeat(1_001), 'job id: expected a text of 1 to 1000 bytes'],
])('id %j is refused', async (id, message) => {
  await expect(office.operator.get(id)).rejects.toThrow(message);
  await expect(office.operator.retry('default', id)).rejects.toThrow(message);
});

test.each(['../x', '__proto__', 'a\0b', '💥', '{}', '"', 'x'.repeat(1_000)])('id %j is just an id', async (id) => {
  expect(await office.operator.get(id)).toEqual([]);
  await expect(office.operator.remove('default', id)).rejects.toMatchObject({ name: 'JobNotFoundError', id });
  await expect(office.operator.cancel('default', id)).rejects.toMatchObject({ name: 'JobNotFoundError', id });
});

test.each([
  [new Date(NaN), 'expected a duration from now or a Date'],
  [new Date(-1), 'expected a duration from now or a Date'],
  ['later', 'reschedule: at: expected milliseconds or a duration'],
])('at %s no job can start', async (at, message) => {
  const id = await office.publish('work', null, { queue: 'other', delay: '1h' });
  await expect(office.operator.reschedule('other', id, at)).rejects.toThrow(message);
});

test('a paused queue is left: what runs ends, a drain ends at once and says so', async () => {
  const { operator, shop } = office;
  const work = new Work();
  const consumer = office.consume([handler('work', work.handle)], { queues: [queue('default', { concurrency: 2 })] });
  await office.publish('work', 1);
  await shop.now();
  expect(await operator.pause('default')).toBe(true);
  expect(await operator.pause('default')).toBe(false);
  await office.publish('work', 2);
  await shop.clock.advance(60_000);
  expect(work.names).toEqual([1]);
  work.end(0, null);
  await shop.clock.advance(60_000);
  expect(shop.story).toEqual(['started', 'completed']);

  // An hour of idling would be noticed.
  expect(await drain(consumer, [queue('default')], 3_600_000)).toMatchObject({ completed: 0, paused: ['default'] });

  expect(await operator.resume('default')).toBe(true);
  expect(await operator.resume('default')).toBe(false);
  await shop.clock.advance(0);
  expect(work.names).toEqual([1, 2]);
  work.end(1, null);
  await shop.now();
});

test('what waits for a place of its handler is given back at no cost when its queue is paused', async () => {
  const { operator, shop } = office;
  const work = new Work();
  office.consume([handler('work', work.handle, { concurrency: 1 })]);
  await office.publish('work', 1);
  await office.publish('work', 2);
  await shop.now();
  await operator.pause('default');
  await shop.now();
  expect(shop.last('handedBack')).toMatchObject({ reason: 'paused', job: { attempt: 1 } });
  work.end(0, null);
  await shop.now();
  await operator.resume('default');
  await shop.now();
  expect(work.started.map(({ attempt }) => attempt)).toEqual([1, 1]);
});
