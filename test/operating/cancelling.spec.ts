import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Inspector } from '../../lib/core/inspector.js';
import { handler, queue, Work } from '../core/workshop.js';
import { openOffice, operatorWith, type Office } from './office.js';

let office: Office;

beforeEach(async () => {
  office = await openOffice();
});

afterEach(() => office.shop.close());

test('a running job that is cancelled has failed at once, whatever its handler does, and its place is free', async () => {
  const { operator, shop } = office;
  const work = new Work();
  office.consume([handler('work', work.handle)], { queues: [queue('default', { concurrency: 1 })] });
  const first = await office.publish('work', 1);
  await office.publish('work', 2);
  await shop.now();
  const { signal } = work.started[0] ?? {};
  expect(await operator.cancel('default', first)).toBe('done');
  await shop.now();
  expect(signal?.reason).toMatchObject({ name: 'JobCancelledError' });
  expect(work.names).toEqual([1, 2]);
  expect(shop.last('failed')).toMatchObject({
    job: { id: first, attempt: 1 },
    reason: 'the job was cancelled by an operator',
  });
  expect(await operator.get(first)).toMatchObject([
    {
      state: 'failed',
      reason: 'the job was cancelled by an operator',
      failures: [{ error: { name: 'JobCancelledError' } }],
    },
  ]);
  // Too late.
  work.end(0, 'a result');
  await shop.now();
  expect(shop.story.filter((event) => event === 'completed')).toEqual([]);
  expect(await operator.cancel('default', first)).toBe('changed');
  expect(await operator.retry('default', first)).toBe('done');
});

test('one that waits for a place of its handler is cancelled before that is called', async () => {
  const { operator, shop } = office;
  const work = new Work();
  office.consume([handler('work', work.handle, { concurrency: 1 })]);
  await office.publish('work', 1);
  const second = await office.publish('work', 2);
  await shop.now();
  expect(await operator.cancel('default', second)).toBe('done');
  await shop.now();
  expect(work.names).toEqual([1]);
  expect(shop.last('failed').job.id).toBe(second);
});

test('whoever waits for the result of a job is told that it was cancelled', async () => {
  const { operator, shop } = office;
  const work = new Work();
  office.consume([handler('work', work.handle)]);
  const job = await shop.publisher.publish('work', null, { keepResult: '1h' });
  await shop.now();
  const result = job.result({ timeout: '1h' }).catch((error: unknown) => error);
  expect(await operator.cancel('default', job.id)).toBe('done');
  await shop.now();
  expect(await result).toMatchObject({ name: 'JobFailedError', remoteName: 'JobCancelledError' });
});

test('one that waits or is delayed is not cancelled: it is to be removed', async () => {
  const { operator } = office;
  const waiting = await office.publish('work');
  const delayed = await office.publish('work', null, { delay: '1h' });
  await expect(operator.cancel('default', waiting)).rejects.toThrow('is waiting: nobody handles it; remove it instead');
  await expect(operator.cancel('default', delayed)).rejects.toMatchObject({ name: 'JobStateError', state: 'delayed' });
});

test('one whose process says nothing is told as such', async () => {
  const { shop } = office;
  const work = new Work();
  // It does not take part.
  shop.consume([handler('work', work.handle)]);
  const id = await office.publish('work');
  await shop.now();
  const operator = operatorWith(shop, {}, { deadline: 100 });
  await expect(operator.cancel('default', id)).rejects.toThrow(
    /no answer of any process within 50 ms.*its process hangs/,
  );
  // Nothing is left of the order, which would meet the next attempt.
  expect((await shop.engine.records?.get('fleet:orders'))?.text).not.toContain(id);
});

test('where the engine can’t tell whether a job runs, the processes are asked', async () => {
  const { shop } = office;
  const { abilities } = shop.engine.inspector as Inspector;
  const work = new Work();
  office.consume([handler('work', work.handle)]);
  const id = await office.publish('work');
  await shop.now();
  const operator = operatorWith(
    shop,
    {
      abilities: { ...abilities, list: { ...abilities.list, active: { cannot: 'it does not tell' } } },
      get: () => Promise.resolve([]),
    },
    { deadline: '2s' },
  );
  expect(await operator.cancel('default', id)).toBe('done');
  await expect(operator.cancel('default', 'nobody')).rejects.toThrow('it is not running, or its process hangs');
});
