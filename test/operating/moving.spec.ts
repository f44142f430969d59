import { afterEach, expect, test } from 'vitest';
import type { Backend } from '../../lib/core/backend.js';
import { pausedQueues, pauseQueue } from '../../lib/core/fleet-orders.js';
import type { LeftJob } from '../../lib/operating/move-report.js';
import { Move } from '../../lib/operating/moving.js';
import { engines } from '../nest/engines.js';
import { fill, opened, seenIn, stockJob } from './stock.js';

const engine = engines();
const open: Backend[] = [];

afterEach(async () => {
  for (const backend of open.splice(0)) await backend.close();
});

async function anew(name: string): Promise<Backend> {
  const make = engine[name];
  if (!make) throw new Error(`there is no engine ${name}`);
  const backend = await opened(await make());
  open.push(backend);
  return backend;
}

const WAYS: readonly (readonly [string, string])[] = [
  ['memory', 'bullmq'],
  ['bullmq', 'memory'],
  ['bullmq', 'bullmq'],
];

for (const [source, target] of WAYS) {
  test(`every job of ${source} stands in ${target} as it stood, and is gone from where it was`, async () => {
    const [from, to] = [await anew(source), await anew(target)];
    await fill(from, 1_300);
    const before = await seenIn(from);
    expect(before).toHaveLength(1_300);
    const told: [number, number | undefined][] = [];
    const left: LeftJob[] = [];
    const report = await new Move(from, to, {
      onLeft: (job) => left.push(job),
      onProgress: (moved, expected) => told.push([moved, expected]),
    }).run();
    expect(left).toEqual([]);
    expect(report).toMatchObject({ total: 1_300, there: 0, left: 0, complete: true });
    expect(told.at(-1)).toEqual([1_300, 1_300]);
    expect(await seenIn(from)).toEqual([]);
    expect(await seenIn(to)).toEqual(before);
  });
}

test('what was broken off after a job was stored, and before it was removed, goes on: nothing is there twice', async () => {
  const [from, to] = [await anew('memory'), await anew('bullmq')];
  const now = Date.now();
  await fill(from, 60, now);
  const before = await seenIn(from);
  const twice = Array.from({ length: 20 }, (_, n) => stockJob(n, now));
  for (const [queue, turn] of [
    ['mail', 0],
    ['print', 1],
  ] as const) {
    await to.inspector?.store(
      queue,
      twice.filter((_, n) => Math.floor(n / 6) % 2 === turn),
    );
  }
  expect(await new Move(from, to).run()).toMatchObject({ total: 60, there: 20, left: 0 });
  expect(await seenIn(to)).toEqual(before);
  expect(await seenIn(from)).toEqual([]);
});

test('a job whose id another has in the target is told, and left where it is', async () => {
  const [from, to] = [await anew('memory'), await anew('bullmq')];
  const now = Date.now();
  await fill(from, 12, now);
  const other = { ...stockJob(0, now), content: { ...stockJob(1, now).content, id: 'job-0' } };
  await to.inspector?.store('mail', [other]);
  const left: LeftJob[] = [];
  const report = await new Move(from, to, { onLeft: (job) => left.push(job) }).run();
  expect(report).toMatchObject({ total: 11, left: 1, complete: true });
  expect(left).toMatchObject([{ queue: 'mail', id: 'job-0', state: 'waiting' }]);
  expect((await seenIn(from)).map(({ id }) => id)).toEqual(['job-0']);
  expect((await seenIn(to)).filter(({ id }) => id === 'job-0')).toHaveLength(1);
});

test('to beanstalkd and back go jobs that are still to be handled; what it can not keep is told, and stays', async () => {
  const [from, to, back] = [await anew('memory'), await anew('beanstalkd'), await anew('memory')];
  await fill(from, 120);
  const before = await seenIn(from);
  const report = await new Move(from, to).run();
  expect(report).toMatchObject({ moved: { waiting: 60, delayed: 20, failed: 20 }, total: 100, left: 0 });
  expect(report.groups.map(({ state, count }) => [state, count])).toEqual([
    ['expired', 10],
    ['expired', 10],
  ]);
  expect(report.notes).toEqual([expect.stringContaining('beanstalkd does not tell one job of an id from another')]);
  expect((await seenIn(from)).map(({ state }) => state)).toEqual(Array.from({ length: 20 }, () => 'expired'));
  expect(await new Move(to, back).run()).toMatchObject({ total: 100 });
  const living = before.filter(({ state }) => state !== 'expired');
  expect((await seenIn(back)).map(({ id, state }) => [id, state])).toEqual(living.map(({ id, state }) => [id, state]));
});

test('one engine is no target of itself, and keeps its jobs', async () => {
  const make = await engine['bullmq']?.();
  if (!make) throw new Error('there is no bullmq');
  const [from, to] = [await opened(make), await opened(make)];
  open.push(from, to);
  await fill(from, 6);
  await expect(new Move(from, to).run()).rejects.toThrow('expected two engines, got one');
  expect(await seenIn(from)).toHaveLength(6);
});

test('a signal ends it after its batch, and it goes on where it ended', async () => {
  const [from, to] = [await anew('memory'), await anew('bullmq')];
  await fill(from, 900);
  const ended = new AbortController();
  const first = await new Move(from, to, { signal: ended.signal, onProgress: () => ended.abort() }).run();
  expect(first.complete).toBe(false);
  expect(first.total).toBeGreaterThan(0);
  expect((await seenIn(from)).length + first.total).toBe(900);
  expect(await new Move(from, to).run()).toMatchObject({ total: 900 - first.total, there: 0, complete: true });
  expect(await seenIn(to)).toHaveLength(900);
});

test('paused queues, unique keys and what a job has told go along', async () => {
  const [from, to] = [await anew('memory'), await anew('bullmq')];
  const job = stockJob(0, Date.now());
  const headers = { unique_key: 'k', unique_while: 'any', keep_result: '600000' };
  await from.inspector?.store('mail', [{ ...job, content: { ...job.content, headers } }]);
  if (!from.records || !to.records) throw new Error('both keep records');
  await pauseQueue(from.records, 'mail', 'ada', Date.now());
  await from.records.set('unique:make_print:k', '{"id":"job-0","queue":"mail"}', 60_000);
  await from.records.set('progress:mail:job-0', '{"value":7}', 60_000);
  await new Move(from, to).run();
  expect(await pausedQueues(to.records)).toMatchObject([{ queue: 'mail', by: 'ada' }]);
  expect(await to.records.get('unique:make_print:k')).toMatchObject({ text: '{"id":"job-0","queue":"mail"}' });
  expect(await to.records.get('progress:mail:job-0')).toMatchObject({ text: '{"value":7}' });
});

test('a job whose worker has died comes back by its lease, and goes along', { timeout: 90_000 }, async () => {
  const [from, to] = [await anew('bullmq'), await anew('memory')];
  const job = { ...stockJob(0, Date.now()), attempts: 0, failures: [] };
  await from.inspector?.store('mail', [job]);
  const [taken] = await from.reserve('mail', 1, AbortSignal.timeout(10_000));
  expect(taken?.attempt).toBe(1);
  const waits: string[] = [];
  const report = await new Move(from, to, { onWaiting: (message) => waits.push(message) }).run();
  expect(waits).toEqual([expect.stringMatching(/^1 jobs of queue "mail" are active/)]);
  expect(report).toMatchObject({ total: 1, left: 0, groups: [] });
  expect(await seenIn(to)).toMatchObject([{ id: 'job-0', state: 'waiting', rest: { attempts: 1 } }]);
});
