import { Queue, QueueEvents, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Backend } from '../../../lib/core/backend.js';
import { PrivateRedis } from '../../servers/redis.js';
import { Bench, COMPLETED, message, readable, takeOne, until } from './support.js';

let server: PrivateRedis;
let bench: Bench;
let backend: Backend;
let queue: Queue;

beforeAll(async () => {
  server = await PrivateRedis.start();
}, 300_000);

afterAll(() => server.stop());

beforeEach(async () => {
  bench = new Bench(server.url);
  backend = await bench.open();
  queue = new Queue(bench.queue, { connection: { url: server.url }, prefix: bench.prefix });
});

afterEach(async () => {
  await queue.close();
  await bench.close();
});

test('the next job has the place and the id, and nothing else of the one before', async () => {
  await backend.publish(bench.queue, [message({ id: 'a-1', name: 'first', payload: 1, maxAttempts: 3 })]);
  const tried = await takeOne(backend, bench.queue);
  const failures = [
    {
      attempt: 1,
      at: new Date(0).toISOString(),
      worker: 'test',
      durationMs: 1,
      error: { name: 'Error', message: 'no' },
    },
  ];
  const again = { kind: 'again', at: 0, countsAttempt: true, failures } as const;
  expect(await backend.settle(tried, again)).toBe(true);
  const first = await takeOne(backend, bench.queue);
  expect([first.attempt, first.failures.length]).toEqual([2, 1]);
  const next = message({ id: 'a-1', name: 'second', payload: { a: '\uD800' }, priority: 7 });
  expect(await backend.settle(first, { kind: 'replaced', message: next })).toBe(true);
  const [receipt] = await backend.publish(bench.queue, [message({ id: 'a-1' })]);
  expect(receipt).toEqual({ duplicate: true });
  expect(await queue.getJobCounts()).toMatchObject({ active: 0, completed: 0, prioritized: 1 });
  const second = await takeOne(backend, bench.queue);
  expect([second.attempt, second.failures]).toEqual([1, []]);
  expect(readable(second)).toMatchObject({ id: 'a-1', name: 'second', payload: { a: '\uD800' }, priority: 7 });
  expect(await backend.settle(second, COMPLETED)).toBe(true);
  expect(await queue.getJobCounts()).toMatchObject({ active: 0, completed: 1, prioritized: 0 });
});

test('whoever waits for the queue is woken, at once or when the next job is due', async () => {
  await backend.publish(bench.queue, [message({ id: 'a' }), message({ id: 'b' })]);
  const deliveries = [await takeOne(backend, bench.queue), await takeOne(backend, bench.queue)];
  const taking = takeOne(await bench.open(), bench.queue);
  const [first, second] = deliveries;
  const readyAt = Date.now() + 300;
  if (second) {
    const late = message({ id: readable(second).id, payload: 'late', readyAt });
    expect(await backend.settle(second, { kind: 'replaced', message: late })).toBe(true);
  }
  expect(await queue.getJobCounts()).toMatchObject({ delayed: 1, active: 1 });
  if (first) {
    const now = message({ id: readable(first).id, payload: 'now' });
    expect(await backend.settle(first, { kind: 'replaced', message: now })).toBe(true);
  }
  expect(readable(await taking).payload).toBe('now');
  expect(readable(await takeOne(backend, bench.queue)).payload).toBe('late');
  expect(Date.now()).toBeGreaterThanOrEqual(readyAt);
});

test('a lost lease changes nothing, be the job gone, done or in other hands', async () => {
  const short = await bench.open({ lease: 300 });
  await short.publish(bench.queue, [message({ id: 'a', payload: 'old' })]);
  const lost = await takeOne(short, bench.queue);
  const second = await takeOne(short, bench.queue);
  const replaced = { kind: 'replaced', message: message({ id: 'a', payload: 'new' }) } as const;
  expect(await short.settle(lost, replaced)).toBe(false);
  expect(readable(second).payload).toBe('old');
  expect(await short.settle(second, COMPLETED)).toBe(true);
  expect(await short.settle(second, replaced)).toBe(false);
  const redis = new Redis(server.url);
  await redis.flushdb();
  expect(await short.settle(second, replaced)).toBe(false);
  expect(await redis.keys(`${bench.prefix}*`)).toEqual([]);
  await redis.quit();
});

test("one of another program's keeps the id that it has in BullMQ, whose tools hear of both", async () => {
  const events = new QueueEvents(bench.queue, {
    connection: { url: server.url },
    prefix: bench.prefix,
    lastEventId: '0',
  });
  await events.waitUntilReady();
  const heard: string[] = [];
  events.on('completed', ({ jobId }) => heard.push(`completed ${jobId}`));
  events.on('added', ({ jobId, name }) => heard.push(`added ${jobId} ${name}`));
  const job = await queue.add('foreign', { a: 1 });
  const delivery = await takeOne(backend, bench.queue);
  const { id } = readable(delivery);
  expect(id).toBe(job.id);
  expect(await backend.settle(delivery, { kind: 'replaced', message: message({ id, name: 'own', payload: 2 }) })).toBe(
    true,
  );
  const worker = new Worker(bench.queue, (taken) => Promise.resolve(taken.data as unknown), {
    connection: { url: server.url },
    prefix: bench.prefix,
  });
  await until('it to be done', () => heard.length === 4);
  expect(heard).toEqual([`added ${id} foreign`, `completed ${id}`, `added ${id} own`, `completed ${id}`]);
  expect((await queue.getJob(id))?.returnvalue).toBe(2);
  await worker.close();
  await events.close();
});

test('a replacement that got no answer is found to have been carried out', async () => {
  await backend.publish(bench.queue, [message({ id: 'a' })]);
  const delivery = await takeOne(backend, bench.queue);
  const replaced = { kind: 'replaced', message: message({ id: 'a', payload: 'new' }) } as const;
  server.signal('SIGSTOP');
  const settling = backend.settle(delivery, replaced);
  await expect(settling).rejects.toMatchObject({ name: 'BackendError', passing: true });
  server.signal('SIGCONT');
  await until('it to be carried out', async () => (await queue.getJobCounts())['prioritized'] === 1);
  expect(await backend.settle(delivery, replaced)).toBe(true);
  expect(readable(await takeOne(backend, bench.queue)).payload).toBe('new');
});
