import { Queue } from 'bullmq';
import { expect, test } from 'vitest';
import { COMPLETED, Bench, message, takeOne, until } from '../support.js';
import { isUnreadable } from '../../../../lib/core/message.js';
import { failed, failure, idsOf, inspectorOf, listAll, onInspector, payloadsOf } from './support.js';

const on = onInspector();

const HOUR_MS = 3_600_000;

function key(type: string): string {
  return `${on.bench.prefix}:${on.bench.queue}:${type}`;
}

async function take(): ReturnType<typeof takeOne> {
  return takeOne(on.backend, on.bench.queue);
}

test('a job is shown in each state on its way, with what is known of it', async () => {
  const { queue } = on.bench;
  const before = Date.now();
  await on.backend.publish(queue, [
    message({ id: 'mail-1', payload: { to: 'ada' }, priority: 7, headers: { trace: 't' } }),
  ]);
  const [waiting] = await listAll(on.inspector, queue, 'waiting');
  expect(waiting).toMatchObject({ queue, key: 'mail-1', state: 'waiting', attempts: 0, failures: [] });
  expect(waiting?.content).toMatchObject({
    id: 'mail-1',
    payload: { to: 'ada' },
    priority: 7,
    headers: { trace: 't' },
  });
  expect(waiting?.storedAt).toBeGreaterThanOrEqual(before);

  const first = await take();
  const [active] = await on.inspector.get(queue, 'mail-1');
  expect(active).toMatchObject({ state: 'active', attempts: 1, worker: 'test' });
  expect(active?.leaseEndsAt).toBeGreaterThan(before);

  const at = Date.now() + HOUR_MS;
  await on.backend.settle(first, { kind: 'again', at, countsAttempt: true, failures: [failure(1)] });
  expect(await listAll(on.inspector, queue, 'delayed')).toMatchObject([
    { attempts: 1, readyAt: at, failures: [failure(1)] },
  ]);

  const [delayed] = await on.inspector.get(queue, 'mail-1');
  await on.inspector.change(queue, delayed ? [delayed] : [], { kind: 'reschedule', at: 0 });
  await on.backend.settle(await take(), failed(2));
  const [ended] = await on.inspector.get(queue, 'mail-1');
  expect(ended).toMatchObject({ state: 'failed', attempts: 2, reason: 'attempts spent', failures: [failure(2)] });
  expect(ended?.endedAt).toBeGreaterThanOrEqual(before);
  expect(await on.inspector.get(queue, 'other')).toEqual([]);
});

test('completed and expired jobs are listed, the latest first', async () => {
  const { queue } = on.bench;
  await on.backend.publish(
    queue,
    [1, 2, 3, 4].map((payload) => message({ payload })),
  );
  for (const kind of ['completed', 'completed', 'expired', 'expired'] as const) {
    const delivery = await take();
    const settlement = kind === 'completed' ? COMPLETED : { kind, reason: 'too late', failures: [] };
    await on.backend.settle(delivery, settlement);
    // The next ends in another millisecond.
    const endedAt = Date.now();
    await until('the next millisecond', () => Date.now() > endedAt);
  }
  expect(payloadsOf(await listAll(on.inspector, queue, 'completed', 1))).toEqual([2, 1]);
  expect(payloadsOf(await listAll(on.inspector, queue, 'expired', 1))).toEqual([4, 3]);
  expect((await listAll(on.inspector, queue, 'expired'))[0]).toMatchObject({ reason: 'too late', attempts: 1 });
  expect(await on.inspector.counts(queue)).toMatchObject({
    completed: 2,
    expired: 2,
    waiting: 0,
    oldestWaitingAt: undefined,
  });
});

test('waiting jobs are listed as they are served, whoever added them, and delayed ones as they fall due', async () => {
  const { queue } = on.bench;
  const drafts = [5, 3, 5, 3].map((priority, payload) => message({ payload, priority }));
  await on.backend.publish(queue, drafts);
  const later = [30, 10, 20].map((s) => message({ payload: s, readyAt: Date.now() + s * 60_000 }));
  await on.backend.publish(queue, later);
  const foreign = new Queue(queue, { connection: { url: on.server.url }, prefix: on.bench.prefix });
  for (const n of ['x', 'y', 'z']) await foreign.add('job', n);
  await foreign.close();
  for (const limit of [1, 2, 3, 100]) {
    const waiting = await listAll(on.inspector, queue, 'waiting', limit);
    expect(payloadsOf(waiting)).toEqual(['x', 'y', 'z', 1, 3, 0, 2]);
    expect(payloadsOf(await listAll(on.inspector, queue, 'delayed', limit))).toEqual([10, 20, 30]);
  }
  const served: unknown[] = [];
  while (served.length < 7) {
    const delivery = await take();
    served.push(isUnreadable(delivery.content) ? undefined : delivery.content.payload);
    await on.backend.settle(delivery, COMPLETED);
  }
  expect(served).toEqual(['x', 'y', 'z', 1, 3, 0, 2]);
});

test('a job that has fallen due waits, though no worker has queued it yet', async () => {
  const { queue } = on.bench;
  const readyAt = Date.now() + 50;
  await on.backend.publish(queue, [message({ id: 'a', readyAt })]);
  await until('it to be due', async () => (await on.inspector.counts(queue)).waiting === 1);
  expect(await on.inspector.counts(queue)).toMatchObject({ waiting: 1, delayed: 0, oldestWaitingAt: readyAt });
  expect(await listAll(on.inspector, queue, 'delayed')).toEqual([]);
  const [job] = await listAll(on.inspector, queue, 'waiting');
  expect(job).toMatchObject({ state: 'waiting', readyAt });
  expect(await on.inspector.get(queue, 'a')).toEqual([job]);
  expect(await on.inspector.change(queue, job ? [job] : [], { kind: 'remove' })).toEqual(['done']);
  expect(await on.inspector.counts(queue)).toMatchObject({ waiting: 0, delayed: 0 });
});

test('the one that has waited longest is told, whatever its priority, from the end of its delay', async () => {
  const { queue } = on.bench;
  const now = Date.now();
  const stored = [
    { priority: 900, storedAt: now - 5_000 },
    { priority: 900, storedAt: now - 4_000 },
    { priority: 3, storedAt: now - 3_000 },
  ].map(({ priority, storedAt }) => ({
    ...{ state: 'waiting' as const, content: message({ priority }), attempts: 0, storedAt, failures: [] },
  }));
  await on.inspector.store(queue, stored);
  expect((await on.inspector.counts(queue)).oldestWaitingAt).toBe(now - 5_000);
  // Published long before, and put off until just now.
  const late = { state: 'waiting' as const, content: message({ priority: 1 }), attempts: 1, failures: [failure(1)] };
  await on.inspector.store(queue, [{ ...late, storedAt: now - HOUR_MS, readyAt: now - 6_000 }]);
  expect((await on.inspector.counts(queue)).oldestWaitingAt).toBe(now - 6_000);
});

test('jobs that nobody can read, and what is no job at all, are listed and never break a page', async () => {
  const { queue } = on.bench;
  const bytes = Buffer.from([0xff, 0x00, 0xfe]);
  await on.backend.publish(queue, [message({ payload: 'ours' })]);
  await on.redis.hset(key('torn'), { name: 'job', data: bytes, opts: '{', timestamp: 'soon', priority: 'much' });
  await on.redis.set(key('text'), 'no hash');
  await on.redis.zadd(key('failed'), 1, 'torn', 2, 'text', 3, 'gone', 4, '__proto__');
  await on.redis.lpush(key('wait'), 'torn', 'gone', '0:0', 'wait');
  const failedOnes = await listAll(on.inspector, queue, 'failed', 2);
  expect(failedOnes.map(({ key: id }) => id)).toEqual(['__proto__', 'gone', 'text', 'torn']);
  expect(failedOnes.every(({ content }) => isUnreadable(content))).toBe(true);
  const torn = failedOnes.at(-1);
  expect(torn && isUnreadable(torn.content) && Buffer.from(torn.content.bytes)).toEqual(bytes);
  expect(payloadsOf(await listAll(on.inspector, queue, 'waiting', 2)).at(-1)).toBe('ours');
  expect(idsOf(await listAll(on.inspector, queue, 'waiting', 1)).slice(0, 3)).toEqual(['torn', 'gone', 'wait']);
  // What is listed can be taken away, though nothing stands behind it.
  expect(await on.inspector.change(queue, failedOnes.slice(1, 2), { kind: 'remove' })).toEqual(['done']);
  expect(await on.redis.zscore(key('failed'), 'gone')).toBeNull();
});

test('an id may be that of any key', async () => {
  const { queue } = on.bench;
  await on.backend.publish(queue, [message({ id: 'wait' }), message({ id: 'a:lock' }), message({ id: '5' })]);
  for (const id of ['wait', 'a:lock', '5']) {
    expect(idsOf(await on.inspector.get(queue, id))).toEqual([id]);
  }
  for (const id of ['meta', 'events', 'prioritized', 'id', '', '*', '../x', 'a\0b', '\uD800', 'x'.repeat(1_000)]) {
    expect(await on.inspector.get(queue, id)).toEqual([]);
  }
});

test('a job that a plain worker has failed tells why', async () => {
  const { queue } = on.bench;
  await on.redis.hset(key('9'), {
    ...{ name: 'job', data: '{"a":1}', opts: '{"attempts":3}', timestamp: 1_000, delay: 0, priority: 0 },
    ...{ ats: 3, atm: 3, processedOn: 2_000, finishedOn: 2_500, pb: 'theirs', failedReason: 'no such mailbox' },
    stacktrace: JSON.stringify(['Error: first', 'Error: no such mailbox\n    at send']),
  });
  await on.redis.zadd(key('failed'), 2_500, '9');
  const [job] = await on.inspector.get(queue, '9');
  expect(job).toMatchObject({ state: 'failed', attempts: 3, reason: 'no such mailbox', endedAt: 2_500 });
  expect(job?.failures).toEqual([
    {
      ...{ at: new Date(2_500).toISOString(), worker: 'theirs', attempt: 3, durationMs: 500 },
      error: { name: 'Error', message: 'no such mailbox', stack: 'Error: no such mailbox\n    at send' },
    },
  ]);
});

test('queues are found by what BullMQ keeps of them, those of other programs and strange names too', async () => {
  await on.backend.publish('mail', [message()]);
  await on.backend.publish('a.b_c-d', [message({ id: 'meta' })]);
  const foreign = new Queue('of others*', { connection: { url: on.server.url }, prefix: on.bench.prefix });
  await foreign.add('job', 1);
  await foreign.close();
  await on.backend.records?.set('meta', 'a record', 60_000);
  const other = new Bench(on.server.url, `${on.bench.prefix}:mail`);
  await (await other.open()).publish('inner', [message()]);
  await other.close();
  expect(await on.inspector.queues()).toEqual(['a.b_c-d', 'mail', 'of others*']);
  const strange = new Bench(on.server.url, `[${on.bench.prefix}]*?\\`);
  const second = await strange.open();
  await second.publish('mail', [message()]);
  expect(await inspectorOf(second).queues()).toEqual(['mail']);
  await strange.close();
});

test('pages over 10,000 jobs show each that stays once, while others are served, removed and added', async () => {
  const { queue } = on.bench;
  const numbers = Array.from({ length: 10_000 }, (_, n) => n);
  await on.backend.publish(
    queue,
    numbers.map((n) => message({ payload: n, priority: n % 3, freshId: true })),
  );
  const order = numbers.toSorted((a, b) => (a % 3) - (b % 3) || a - b);
  const gone = new Set<number>();
  const seen: number[] = [];
  let cursor: string | undefined;
  let pages = 0;
  do {
    const page = await on.inspector.list(queue, 'waiting', { limit: 250, cursor });
    seen.push(...payloadsOf(page.jobs).map(Number));
    cursor = page.cursor;
    pages += 1;
    // The last ones of the page are removed, the first of the queue are served, and others come.
    await on.inspector.change(queue, page.jobs.slice(-5), { kind: 'remove' });
    for (const delivery of await on.backend.reserve(queue, 10, AbortSignal.timeout(5_000))) {
      gone.add(isUnreadable(delivery.content) ? -1 : Number(delivery.content.payload));
      await on.backend.settle(delivery, COMPLETED);
    }
    await on.backend.publish(queue, [message({ payload: -1, priority: 1 })]);
  } while (cursor !== undefined);
  expect(pages).toBeGreaterThanOrEqual(40);
  const ours = seen.filter((n) => n >= 0);
  expect(new Set(ours).size).toBe(ours.length);
  const missed = order.filter((n) => !ours.includes(n) && !gone.has(n));
  expect(missed).toEqual([]);
  const stayed = ours.filter((n) => !gone.has(n));
  expect(stayed).toEqual(order.filter((n) => !gone.has(n)));
});

test('pages of jobs without a priority, which lie in a list, go on where they ended', async () => {
  const { queue } = on.bench;
  const foreign = new Queue(queue, { connection: { url: on.server.url }, prefix: on.bench.prefix });
  const numbers = Array.from({ length: 300 }, (_, n) => n);
  await foreign.addBulk(numbers.map((data) => ({ name: 'job', data })));
  const seen: number[] = [];
  const served = new Set<number>();
  let cursor: string | undefined;
  do {
    const page = await on.inspector.list(queue, 'waiting', { limit: 20, cursor });
    seen.push(...payloadsOf(page.jobs).map(Number));
    cursor = page.cursor;
    // All that were seen are removed, but for some that are served.
    await on.inspector.change(queue, page.jobs.slice(3), { kind: 'remove' });
    const delivery = await take();
    served.add(isUnreadable(delivery.content) ? -1 : Number(delivery.content.payload));
    await on.backend.settle(delivery, COMPLETED);
    await foreign.add('job', 1_000 + seen.length);
  } while (cursor !== undefined && seen.length < 1_000);
  await foreign.close();
  expect(seen.slice(0, 300)).toEqual(numbers);
  expect(new Set(seen).size).toBe(seen.length);
  expect(served.size).toBeGreaterThan(10);
});

test('thousands of jobs that ended in the same millisecond are listed once each, while some of them go', async () => {
  const { queue } = on.bench;
  const ids = Array.from({ length: 2_000 }, (_, n) => `job-${n}-${n % 2 ? 'ä' : 'Z'}`);
  const endedAt = Date.now();
  const states = ids.map((id) => ({
    ...{ state: 'failed' as const, content: message({ id }), attempts: 1, endedAt, reason: 'no', failures: [] },
  }));
  expect(new Set(await on.inspector.store(queue, states))).toEqual(new Set(['stored']));
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await on.inspector.list(queue, 'failed', { limit: 90, cursor });
    seen.push(...idsOf(page.jobs));
    cursor = page.cursor;
    // The last of the page, by which the next is found, among them.
    await on.inspector.change(queue, page.jobs.slice(-2), { kind: 'remove' });
  } while (cursor !== undefined);
  expect(seen.toSorted()).toEqual(ids.toSorted());
});

test('a page of active jobs goes on behind those that have ended meanwhile', async () => {
  const { queue } = on.bench;
  await on.backend.publish(
    queue,
    Array.from({ length: 50 }, (_, payload) => message({ payload, freshId: true })),
  );
  const held = [];
  while (held.length < 50) held.push(...(await on.backend.reserve(queue, 50, AbortSignal.timeout(5_000))));
  const first = await on.inspector.list(queue, 'active', { limit: 20 });
  const listed = new Set(first.jobs.map(({ key: id }) => id));
  for (const delivery of held.filter(({ content }) => listed.has(content.id)))
    await on.backend.settle(delivery, COMPLETED);
  const second = await on.inspector.list(queue, 'active', { limit: 100, cursor: first.cursor });
  expect(second.jobs).toHaveLength(30);
  expect(second.jobs.some(({ key: id }) => listed.has(id))).toBe(false);
  expect(second.cursor).toBeUndefined();
  for (const delivery of held) await on.backend.settle(delivery, COMPLETED);
});

test('a cursor that no page gave is refused', async () => {
  for (const cursor of [
    '',
    'x',
    'WzldfQ',
    Buffer.from('[9]').toString('base64url'),
    Buffer.from('[0,{}]').toString('base64url'),
  ]) {
    await expect(on.inspector.list(on.bench.queue, 'failed', { limit: 1, cursor })).rejects.toThrow(
      /^cursor: expected what/,
    );
  }
});
