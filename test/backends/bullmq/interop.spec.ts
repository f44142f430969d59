import { Queue, Worker, type Job } from 'bullmq';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Backend } from '../../../lib/core/backend.js';
import { isUnreadable } from '../../../lib/core/message.js';
import { redisServer, type RedisServer } from '../../servers/redis.js';
import { Bench, COMPLETED, message, readable, takeOne, until } from './support.js';

let server: RedisServer;
let bench: Bench;
let backend: Backend;
let plain: Queue;
let redis: Redis;

beforeAll(async () => {
  server = await redisServer();
}, 300_000);

afterAll(() => server.stop());

beforeEach(async () => {
  bench = new Bench(server.url);
  backend = await bench.open();
  plain = new Queue(bench.queue, { connection: { url: server.url }, prefix: bench.prefix });
  redis = new Redis(server.url);
});

afterEach(async () => {
  await bench.close();
  await plain.close();
  await redis.quit();
});

const publish = (draft: Parameters<typeof message>[0]): ReturnType<Backend['publish']> =>
  backend.publish(bench.queue, [message(draft)]);

describe('what other programs add', () => {
  test('is handled, with its options', async () => {
    const added = await plain.add('send_email', { to: 'ada' }, { attempts: 3, backoff: { type: 'fixed', delay: 70 } });
    const delivery = await takeOne(backend, bench.queue);
    const content = readable(delivery);
    expect(content).toMatchObject({ id: added.id, name: 'send_email', payload: { to: 'ada' }, priority: 0 });
    expect(content).toMatchObject({ maxAttempts: 3, backoff: { kind: 'fixed', base: 70, jitter: 0 }, headers: {} });
    expect(delivery.attempt).toBe(1);
    expect(Math.abs(delivery.storedAt - Date.now())).toBeLessThan(10_000);
    expect(await backend.settle(delivery, COMPLETED)).toBe(true);
    expect(await plain.getCompletedCount()).toBe(1);
  });

  test('comes first where it has no priority, and in BullMQ’s order where it has', async () => {
    await publish({ payload: 'ours', priority: 0 });
    await plain.add('job', 'after', { priority: 2 });
    await plain.add('job', 'among', { priority: 1 });
    await plain.add('job', 'first');
    const order = [];
    for (let taken = 0; taken < 4; taken++) order.push(readable(await takeOne(backend, bench.queue)).payload);
    expect(order).toEqual(['first', 'ours', 'among', 'after']);
  });

  test('is delayed and retried as it asks for', async () => {
    const addedAt = Date.now();
    await plain.add('job', 'later', { delay: 150 });
    const delivery = await takeOne(backend, bench.queue);
    expect(Date.now() - addedAt).toBeGreaterThanOrEqual(150);
    await backend.settle(delivery, { kind: 'again', at: 0, countsAttempt: true, failures: [] });
    expect((await takeOne(backend, bench.queue)).attempt).toBe(2);
  });

  test.for<[title: string, hash: Record<string, string | Buffer>]>([
    ['data that is no JSON', { name: 'job', data: 'hello', opts: '{}' }],
    ['data that is no text', { name: 'job', data: Buffer.of(0xff, 0xfe, 0), opts: '{}' }],
    ['options that are no JSON', { name: 'job', data: '1', opts: '{' }],
    ['a progress that is no JSON', { name: '', data: '1', opts: '{}', progress: '{' }],
    ['nothing', { timestamp: '1' }],
  ])('is told and failed where it has %s, and holds up no other', async ([, hash]) => {
    const key = `${bench.prefix}:${bench.queue}`;
    await redis.hset(`${key}:odd`, hash);
    await redis.rpush(`${key}:wait`, 'odd');
    await publish({ payload: 'next' });
    const odd = await takeOne(backend, bench.queue);
    expect(isUnreadable(odd.content) && Buffer.from(odd.content.bytes)).toEqual(Buffer.from(hash['data'] ?? ''));
    expect(readable(await takeOne(backend, bench.queue)).payload).toBe('next');
    expect(await backend.settle(odd, { kind: 'failed', reason: 'unreadable', failures: [] })).toBe(true);
    expect(await redis.hgetBuffer(`${key}:odd`, 'data')).toEqual(hash['data'] ? Buffer.from(hash['data']) : null);
    expect(await plain.getFailedCount()).toBe(1);
  });
});

describe('a plain BullMQ program', () => {
  test('finds in our job its name, its data and its options', async () => {
    await publish({ name: 'send_email', payload: { n: 1 }, priority: 10, maxAttempts: 4, headers: { tenant: 'a' } });
    const [job] = (await plain.getPrioritized()) as [Job];
    expect(job.name).toBe('send_email');
    expect(job.data).toEqual({ n: 1 });
    expect(job.opts).toMatchObject({ priority: 11, attempts: 4 });
    const told = JSON.parse((job.opts as Record<string, unknown>)['nestjs-jobs'] as string) as unknown;
    expect(told).toMatchObject({ header: { request_type: 'send_email', priority: 10, tenant: 'a' } });
  });

  test('finds no option of ours in a job that says nothing which its own fields could not', async () => {
    await publish({ name: 'send_email', payload: { n: 1 }, priority: 10, publishedAt: Date.now() - 3 });
    const [job] = (await plain.getPrioritized()) as [Job];
    expect(job.opts).not.toHaveProperty('nestjs-jobs');
    const { content } = await takeOne(backend, bench.queue);
    expect(content).toMatchObject({ name: 'send_email', payload: { n: 1 }, priority: 10, publishedAt: job.timestamp });
  });

  test('handles our jobs, the most urgent first, and those that are put back', async () => {
    await publish({ payload: 'less', priority: 2 });
    await publish({ payload: 'more', priority: 1 });
    await publish({ payload: 'most', priority: 0 });
    const taken = await takeOne(backend, bench.queue);
    await backend.settle(taken, { kind: 'again', at: 0, countsAttempt: false, failures: [] });
    const seen: unknown[] = [];
    const worker = new Worker(bench.queue, async (job) => void seen.push(job.data), {
      connection: { url: server.url },
      prefix: bench.prefix,
    });
    await until('all jobs to be handled', () => seen.length === 3);
    await until('all jobs to be completed', async () => (await plain.getCompletedCount()) === 3);
    await worker.close();
    expect(seen).toEqual(['most', 'more', 'less']);
  });

  test('sees why a job of ours failed, and its retry gives it all its attempts', async () => {
    await publish({ id: 'job-1', payload: 1, maxAttempts: 2 });
    const record = (attempt: number): object => ({ at: '', worker: '', attempt, durationMs: 1 });
    const error = { name: 'MailboxBusy', message: '450 busy', stack: 'MailboxBusy: 450 busy\n    at x' };
    const failures = [1, 2].map((attempt) => ({ ...record(attempt), error })) as never[];
    const first = await takeOne(backend, bench.queue);
    await backend.settle(first, { kind: 'again', at: 0, countsAttempt: true, failures: failures.slice(0, 1) });
    const second = await takeOne(backend, bench.queue);
    expect(second.failures).toEqual(failures.slice(0, 1));
    await backend.settle(second, { kind: 'failed', reason: 'all 2 attempts have failed', failures });
    const [job] = (await plain.getFailed()) as [Job];
    expect(job.id).toBe('job-1');
    expect(job.failedReason).toBe('all 2 attempts have failed: MailboxBusy: 450 busy');
    expect(job.stacktrace).toEqual([error.stack]);
    expect(job.finishedOn).toBeGreaterThan(0);
    for (const options of [{}, { resetAttemptsMade: true, resetAttemptsStarted: true }]) {
      await ((await plain.getJob('job-1')) as Job).retry('failed', options);
      const again = await takeOne(backend, bench.queue);
      expect([again.attempt, readable(again).id]).toEqual([1, 'job-1']);
      await backend.settle(again, { kind: 'again', at: 0, countsAttempt: true, failures: [] });
      const next = await takeOne(backend, bench.queue);
      expect(next.attempt).toBe(2);
      await backend.settle(next, { kind: 'failed', reason: 'again', failures: [] });
    }
  });

  test('that pauses the queue and lets it go on is heeded', async () => {
    await plain.pause();
    await publish({ payload: 'held' });
    expect(await backend.reserve(bench.queue, 1, AbortSignal.timeout(300))).toEqual([]);
    const taking = takeOne(backend, bench.queue);
    await plain.resume();
    expect(readable(await taking).payload).toBe('held');
  });

  test.each([
    ['together', () => plain.setGlobalConcurrency(3)],
    ['in a minute', () => plain.setGlobalRateLimit(3, 60_000)],
  ])('that says how many jobs may start %s is heeded, also where many are taken at once', async (_, limit) => {
    await limit();
    await backend.publish(
      bench.queue,
      Array.from({ length: 10 }, () => message()),
    );
    const taken = await backend.reserve(bench.queue, 10, AbortSignal.timeout(5_000));
    expect(taken).toHaveLength(3);
    expect(await backend.reserve(bench.queue, 10, AbortSignal.timeout(100))).toEqual([]);
  });

  test('that dies while it holds our job has its job rescued', async () => {
    await bench.close();
    backend = await bench.open({ lease: 300 });
    await publish({ payload: 'rescued' });
    const worker = new Worker(bench.queue, null, {
      connection: { url: server.url },
      prefix: bench.prefix,
      lockDuration: 300,
    });
    expect((await worker.getNextJob('token'))?.data).toBe('rescued');
    await worker.close(true);
    const delivery = await takeOne(backend, bench.queue);
    expect([readable(delivery).payload, delivery.attempt]).toEqual(['rescued', 2]);
  });
});
