import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Inspector, JobPlace } from '../../lib/core/inspector.js';
import { describeReport, type BulkProgress } from '../../lib/operating/bulk-action.js';
import { handler, Work } from '../core/workshop.js';
import { openOffice, operatorWith, type Office } from './office.js';

let office: Office;

beforeEach(async () => {
  office = await openOffice();
});

afterEach(() => office.shop.close());

/** So many jobs that have failed, by the payloads 0 and so on. */
function failed(count: number, name = 'send'): Promise<string[]> {
  return office.fail(
    name,
    Array.from({ length: count }, (_, n) => n),
  );
}

test('all that is meant is retried, what had changed is told, and repeating does no harm', async () => {
  const { operator, shop } = office;
  const ids = await failed(230);
  const honest = shop.engine.inspector as Inspector;
  const meddled = operatorWith(shop, {
    // Somebody else retries some of them just before.
    change: async (queue, places, change) => {
      if (change.kind === 'retry') for (const id of ids.slice(0, 18)) await operator.retry(queue, id);
      return honest.change(queue, places, change);
    },
  });
  const report = await meddled.retryAll({ queue: 'default' });
  expect(report).toEqual({ total: 230, done: 212, changed: 18, complete: true });
  expect(describeReport(report)).toBe('212 of 230 done, 18 had changed');
  expect((await operator.queue('default')).counts).toMatchObject({ waiting: 230, failed: 0 });
  const again = await operator.retryAll({ queue: 'default' });
  expect(describeReport(again)).toBe('0 of 0 done');
});

test('batches go through thousands of jobs, in all queues, and tell how far they are', async () => {
  const { operator, shop } = office;
  await failed(1_200);
  const progress: BulkProgress[] = [];
  const report = await operator.removeAll({}, { onProgress: (one) => progress.push(one) });
  expect(report).toEqual({ total: 1_200, done: 1_200, changed: 0, complete: true });
  expect(progress.map(({ done, expected }) => [done, expected])).toEqual([
    [500, 1_200],
    [1_000, 1_200],
    [1_200, 1_200],
  ]);
  expect(await shop.engine.inspector?.counts('default')).toMatchObject({ failed: 0 });
});

test('what the filter does not mean is left', async () => {
  const { operator, shop } = office;
  await failed(10);
  await failed(3, 'print');
  await shop.clock.advance(60_000);
  expect(await operator.retryAll({ name: 'print' })).toMatchObject({ done: 3 });
  expect(await operator.removeAll({ text: '7' })).toMatchObject({ total: 1, done: 1 });
  expect(await operator.removeAll({ since: '30s' })).toMatchObject({ total: 0 });
  expect(await operator.retryAll({ until: '30s', name: 'send' })).toMatchObject({ done: 9 });
});

test('what fails again meanwhile is not retried again', async () => {
  const { operator, shop } = office;
  await failed(600);
  let runs = 0;
  office.consume([
    handler('send', () => {
      runs += 1;
      throw new Error('still broken');
    }),
  ]);
  // Time goes on between the retry and the next failure.
  const honest = shop.engine.inspector as Inspector;
  const ticking = operatorWith(shop, {
    change: async (...args) => {
      await shop.clock.advance(1);
      const results = await honest.change(...args);
      await shop.clock.advance(1);
      return results;
    },
  });
  expect(await ticking.retryAll({})).toEqual({ total: 600, done: 600, changed: 0, complete: true });
  while (runs < 600) await shop.now();
  await shop.now();
  expect(runs).toBe(600);
  expect((await operator.queue('default')).counts.failed).toBe(600);
});

test('a signal ends it between two batches, with what was done', async () => {
  const { operator } = office;
  await failed(1_200);
  const stop = new AbortController();
  const report = await operator.removeAll({}, { signal: stop.signal, onProgress: () => stop.abort() });
  expect(report).toEqual({ total: 500, done: 500, changed: 0, complete: false });
  expect(describeReport(report)).toBe('500 of 500 done; there may be more');
});

test('where the engine fails on the way, it is told what was done, and the rest is done by repeating', async () => {
  const { operator, shop } = office;
  await failed(1_200);
  const honest = shop.engine.inspector as Inspector;
  let batches = 0;
  const failing = operatorWith(shop, {
    change: (...args) => (++batches === 2 ? Promise.reject(new Error('ECONNRESET')) : honest.change(...args)),
  });
  await expect(failing.retryAll({ queue: 'default' })).rejects.toMatchObject({
    name: 'BulkActionError',
    message: 'retry failed jobs ended after 500 jobs: ECONNRESET. It is safe to repeat.',
    report: { total: 500, done: 500, changed: 0 },
  });
  expect(await operator.retryAll({ queue: 'default' })).toMatchObject({ done: 700 });
});

test('of an engine that shows its first job only, one after the other is taken', async () => {
  const { operator, shop } = office;
  await failed(5);
  await failed(1, 'print');
  const honest = shop.engine.inspector as Inspector;
  const abilities = { ...honest.abilities, list: { ...honest.abilities.list, failed: 'head' as const } };
  const poor = operatorWith(shop, {
    abilities,
    list: async (queue, state) => ({ ...(await honest.list(queue, state, { limit: 1 })), cursor: undefined }),
  });
  // The first is another's, and nobody sees past it.
  const { jobs } = await poor.list({ queue: 'default', state: 'failed' });
  const name = jobs[0]?.name === 'send' ? 'print' : 'send';
  expect(await poor.retryAll({ name })).toEqual({ total: 0, done: 0, changed: 0, complete: false });
  expect(await poor.retryAll({})).toEqual({ total: 6, done: 6, changed: 0, complete: true });
  expect((await operator.queue('default')).counts.waiting).toBe(6);
});

test('a queue is cleared of all but what is being handled', async () => {
  const { operator, shop } = office;
  await failed(3);
  const work = new Work();
  const consumer = office.consume([handler('work', work.handle)], { queues: [{ ...PLAN, concurrency: 1 }] });
  for (let n = 0; n < 4; n++) await office.publish('work', n);
  await office.publish('work', 4, { delay: '1h' });
  await shop.now();
  expect(await operator.clear('default', { states: ['delayed'] })).toMatchObject({ done: 1 });
  expect(await operator.clear('default')).toMatchObject({ total: 6, done: 6 });
  expect((await operator.queue('default')).counts).toMatchObject({ waiting: 0, delayed: 0, active: 1, failed: 0 });
  work.end(0, null);
  await consumer.stop(0);
});

const PLAN = { name: 'default', rawJob: undefined };

test('jobs that are being handled are neither removed nor cleared', async () => {
  const refused = { name: 'UnsupportedActionError', why: expect.stringContaining('cancel them') };
  await expect(office.operator.removeAll({ state: 'active' })).rejects.toMatchObject(refused);
  await expect(office.operator.clear('default', { states: ['active'] })).rejects.toMatchObject(refused);
});

test('what an engine can’t list or remove is left by clear, unless it is named', async () => {
  const { shop } = office;
  const honest = shop.engine.inspector as Inspector;
  const cannot = { cannot: 'it forgets them' };
  const asked: string[] = [];
  const operator = operatorWith(shop, {
    abilities: {
      ...honest.abilities,
      list: { ...honest.abilities.list, completed: cannot },
      remove: { ...honest.abilities.remove, expired: cannot },
    },
    list: (queue, state, page) => {
      asked.push(state);
      return honest.list(queue, state, page);
    },
    change: (queue, places: readonly JobPlace[], change) => honest.change(queue, places, change),
  });
  await operator.clear('default');
  expect(asked).toEqual(['waiting', 'delayed', 'failed']);
  await expect(operator.clear('default', { states: ['completed'] })).rejects.toMatchObject({ why: cannot.cannot });
});

test.each([
  [{ queue: '' }, {}, 'queue name: expected 1 to 100'],
  [{ id: 'x' }, {}, 'got the unknown option "id"'],
  [{}, { signal: true }, 'retryAll: signal: expected an AbortSignal, got true'],
  [{}, { onProgress: 1 }, 'retryAll: onProgress: expected a function, got 1'],
])('%o with %o is refused', async (filter, options, message) => {
  await expect(office.operator.retryAll(filter as never, options as never)).rejects.toThrow(message);
});
