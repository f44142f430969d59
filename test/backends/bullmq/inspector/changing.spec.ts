import { setTimeout as sleep } from 'node:timers/promises';
import { FlowProducer, Queue, Worker } from 'bullmq';
import { expect, test } from 'vitest';
import type { InspectedJob } from '../../../../lib/core/inspector.js';
import { COMPLETED, message, readable, takeOne, until } from '../support.js';
import { failed, failure, inspectorOf, listAll, onInspector, payloadsOf } from './support.js';

const on = onInspector();

const HOUR_MS = 3_600_000;

function connection(): { readonly connection: { readonly url: string }; readonly prefix: string } {
  return { connection: { url: on.server.url }, prefix: on.bench.prefix };
}

async function take(): ReturnType<typeof takeOne> {
  return takeOne(on.backend, on.bench.queue);
}

async function one(id: string): Promise<InspectedJob> {
  const [job] = await on.inspector.get(on.bench.queue, id);
  if (!job) throw new Error(`expected a job ${id}`);
  return job;
}

test('a failed job that is retried has fresh attempts, keeps its failures, and comes behind its equals', async () => {
  const { queue } = on.bench;
  await on.backend.publish(queue, [message({ id: 'a-1', payload: 'a', attemptsUsed: 2 })]);
  const first = await take();
  expect(first.attempt).toBe(3);
  await on.backend.settle(first, failed(3));
  await on.backend.publish(queue, [message({ payload: 'b' })]);
  const place = await one('a-1');
  expect(await on.inspector.change(queue, [place, place], { kind: 'retry' })).toEqual(['done', 'changed']);
  expect(await one('a-1')).toMatchObject({ state: 'waiting', attempts: 0, failures: [failure(3)], reason: undefined });
  expect(readable(await take()).payload).toBe('b');
  const again = await take();
  expect(again).toMatchObject({ attempt: 1, failures: [failure(3)] });
  await on.backend.settle(again, { kind: 'again', at: 0, countsAttempt: true, failures: [] });
  expect((await take()).attempt).toBe(2);
});

test('a job that a plain worker has failed is retried with fresh attempts, by whichever worker', async () => {
  const { queue } = on.bench;
  const theirs = new Queue(queue, connection());
  await theirs.add('job', 'x', { attempts: 2, jobId: 'j-1' });
  const fail = (): Promise<never> => Promise.reject(new Error('no'));
  const worker = new Worker(queue, fail, connection());
  await until('it to fail', async () => (await on.inspector.counts(queue)).failed === 1);
  await worker.close();
  expect(await one('j-1')).toMatchObject({ attempts: 2 });
  expect(await on.inspector.change(queue, [await one('j-1')], { kind: 'retry' })).toEqual(['done']);
  const job = await theirs.getJob('j-1');
  expect([job?.attemptsMade, job?.failedReason]).toEqual([0, undefined]);
  const delivery = await take();
  expect(delivery.attempt).toBe(1);
  await on.backend.settle(delivery, COMPLETED);
  await theirs.close();
});

test('an active job is left alone, whatever is asked for', async () => {
  const { queue } = on.bench;
  await on.backend.publish(queue, [message({ id: 'a-1' })]);
  const waiting = await one('a-1');
  const delivery = await take();
  const active = await one('a-1');
  for (const place of [waiting, active, { ...active, state: 'failed' as const }]) {
    for (const change of [{ kind: 'retry' }, { kind: 'remove' }, { kind: 'reschedule', at: 0 }] as const) {
      expect(await on.inspector.change(queue, [place], change)).toEqual(['changed']);
    }
  }
  expect(await on.backend.settle(delivery, COMPLETED)).toBe(true);
});

test('a removed job is gone from every state, and its id is free', async () => {
  const { queue } = on.bench;
  const readyAt = Date.now() + HOUR_MS;
  await on.backend.publish(
    queue,
    ['c-1', 'f-1', 'e-1'].map((id) => message({ id })),
  );
  const endings = [COMPLETED, failed(), { kind: 'expired', reason: 'late', failures: [] }] as const;
  for (const settlement of endings) await on.backend.settle(await take(), settlement);
  await on.backend.publish(queue, [message({ id: 'w-1' }), message({ id: 'd-1', readyAt })]);
  const ids = ['c-1', 'f-1', 'e-1', 'w-1', 'd-1'];
  const places = await Promise.all(ids.map(one));
  expect(places.map(({ state }) => state)).toEqual(['completed', 'failed', 'expired', 'waiting', 'delayed']);
  const wrong = places.map(({ key, state }) => ({ key, state: state === 'failed' ? 'expired' : 'failed' }) as const);
  expect(new Set(await on.inspector.change(queue, wrong, { kind: 'remove' }))).toEqual(new Set(['changed']));
  expect(await on.inspector.change(queue, places, { kind: 'remove' })).toEqual(ids.map(() => 'done'));
  expect(await on.inspector.change(queue, places, { kind: 'remove' })).toEqual(ids.map(() => 'changed'));
  const left = await on.redis.keys(`${on.bench.prefix}:${queue}:*-1*`);
  expect(left).toEqual([]);
  const receipts = await on.backend.publish(
    queue,
    ids.map((id) => message({ id })),
  );
  expect(receipts.some(({ duplicate }) => duplicate)).toBe(false);
});

test('a delayed job is put forward and back, and the core hears no other time than that', async () => {
  const { queue } = on.bench;
  const now = Date.now();
  await on.backend.publish(queue, [
    message({ id: 'a-1', readyAt: now + HOUR_MS, headers: { big: '9007199254740993' } }),
  ]);
  const reserving = takeOne(on.backend, queue);
  expect(await on.inspector.change(queue, [await one('a-1')], { kind: 'reschedule', at: now + 2 * HOUR_MS })).toEqual([
    'done',
  ]);
  expect(await one('a-1')).toMatchObject({ state: 'delayed', readyAt: now + 2 * HOUR_MS });
  expect((await one('a-1')).content).toMatchObject({ readyAt: now + 2 * HOUR_MS });
  expect(await on.inspector.change(queue, [await one('a-1')], { kind: 'reschedule', at: 0 })).toEqual(['done']);
  const delivery = await reserving;
  expect(readable(delivery)).toMatchObject({ readyAt: undefined, headers: { big: '9007199254740993' } });
  await on.backend.settle(delivery, COMPLETED);
});

test('a waiting job is put off, a worker that waits is woken when it falls due', async () => {
  const { queue } = on.bench;
  await on.backend.publish(queue, [
    message({ id: 'a-1', payload: 'first', priority: 1 }),
    message({ payload: 'second' }),
  ]);
  const at = Date.now() + 700;
  expect(await on.inspector.change(queue, [await one('a-1')], { kind: 'reschedule', at })).toEqual(['done']);
  const second = await take();
  expect(readable(second).payload).toBe('second');
  await on.backend.settle(second, COMPLETED);
  const first = await take();
  expect(readable(first).payload).toBe('first');
  expect(Date.now()).toBeGreaterThanOrEqual(at);
  await on.backend.settle(first, COMPLETED);
});

test('a job without a priority is put off from its list, and comes back to it', async () => {
  const { queue } = on.bench;
  const theirs = new Queue(queue, connection());
  await theirs.add('job', 1, { jobId: 'j-1' });
  const place = await one('j-1');
  expect(await on.inspector.change(queue, [place], { kind: 'reschedule', at: Date.now() + HOUR_MS })).toEqual(['done']);
  expect(await theirs.getDelayedCount()).toBe(1);
  expect(await on.inspector.change(queue, [place], { kind: 'reschedule', at: 0 })).toEqual(['changed']);
  expect(await on.inspector.change(queue, [await one('j-1')], { kind: 'reschedule', at: 0 })).toEqual(['done']);
  expect(await theirs.getWaitingCount()).toBe(1);
  await theirs.close();
});

test('the furthest time and the strangest are taken', async () => {
  const { queue } = on.bench;
  await on.backend.publish(queue, [message({ id: 'a-1', readyAt: Date.now() + HOUR_MS })]);
  const last = Date.UTC(9999, 11, 31, 23, 59, 59, 999);
  for (const at of [last, Infinity, Number.MAX_VALUE]) {
    expect(await on.inspector.change(queue, [await one('a-1')], { kind: 'reschedule', at })).toEqual(['done']);
    expect((await one('a-1')).content).toMatchObject({ readyAt: last });
  }
  expect(await on.inspector.change(queue, [await one('a-1')], { kind: 'reschedule', at: -1 })).toEqual(['done']);
  expect(await one('a-1')).toMatchObject({ state: 'waiting' });
});

test('a schedule of BullMQ and a flow stay whole', async () => {
  const { queue } = on.bench;
  const theirs = new Queue(queue, connection());
  await theirs.upsertJobScheduler('tick', { every: HOUR_MS, offset: 1_000 }, { name: 'job' });
  const flows = new FlowProducer(connection());
  const child = { name: 'child', queueName: queue, opts: { jobId: 'child-1' } };
  await flows.add({ name: 'parent', queueName: queue, opts: { jobId: 'parent-1' }, children: [child] });
  const delayed = await listAll(on.inspector, queue, 'delayed');
  const next = delayed.find(({ key }) => key.startsWith('repeat:'));
  const parent = delayed.find(({ key }) => key === 'parent-1');
  expect(await on.inspector.counts(queue)).toMatchObject({ delayed: delayed.length });
  expect(await on.inspector.change(queue, next ? [next] : [], { kind: 'remove' })).toEqual(['changed']);
  expect(await on.inspector.change(queue, parent ? [parent] : [], { kind: 'reschedule', at: 0 })).toEqual(['changed']);
  expect(await on.inspector.change(queue, [await one('child-1')], { kind: 'remove' })).toEqual(['done']);
  // Nothing holds the parent back any more.
  expect(await one('parent-1')).toMatchObject({ state: 'waiting' });
  await Promise.all([theirs.close(), flows.close()]);
});

test('of two who change the same 2,000 jobs, one has done each', async () => {
  const { queue } = on.bench;
  const failedOnes = Array.from({ length: 2_000 }, () => ({
    ...{ state: 'failed' as const, content: message(), attempts: 1, reason: 'no', failures: [] },
  }));
  await on.inspector.store(queue, failedOnes);
  const places = await listAll(on.inspector, queue, 'failed', 1_000);
  const other = inspectorOf(await on.bench.open());
  const [mine, theirs] = await Promise.all([
    on.inspector.change(queue, places, { kind: 'retry' }),
    other.change(queue, places.toReversed(), { kind: 'remove' }),
  ]);
  const results = places.map((_, at) => [mine[at], theirs.toReversed()[at]].toSorted().join());
  expect(new Set(results)).toEqual(new Set(['changed,done']));
  const { waiting, failed: left } = await on.inspector.counts(queue);
  expect([waiting, left]).toEqual([mine.filter((result) => result === 'done').length, 0]);
});

test('a waiting worker hears of what was retried, and of nothing while the queue is paused', async () => {
  const { queue } = on.bench;
  const theirs = new Queue(queue, connection());
  await on.backend.publish(queue, [message({ id: 'a-1', payload: 1 })]);
  await on.backend.settle(await take(), failed());
  const taking = take();
  await sleep(100);
  await on.inspector.change(queue, [await one('a-1')], { kind: 'retry' });
  const delivery = await taking;
  expect(readable(delivery).payload).toBe(1);
  const told = await on.redis.xrange(`${on.bench.prefix}:${queue}:events`, '-', '+');
  expect(told.filter(([, fields]) => fields.includes('waiting')).map(([, fields]) => fields.at(-1))).toContain(
    'failed',
  );
  await theirs.pause();
  await on.backend.settle(delivery, { kind: 'again', at: Date.now() + HOUR_MS, countsAttempt: true, failures: [] });
  await on.inspector.change(queue, [await one('a-1')], { kind: 'reschedule', at: 0 });
  expect(payloadsOf(await listAll(on.inspector, queue, 'waiting'))).toEqual([1]);
  expect(await on.backend.reserve(queue, 1, AbortSignal.timeout(300))).toEqual([]);
  await theirs.resume();
  await on.backend.settle(await take(), COMPLETED);
  await theirs.close();
});
