import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { BackendError } from '../../lib/core/backend.js';
import type { JobEventName } from '../../lib/core/events.js';
import type { FollowingTimes } from '../../lib/core/fleet-following.js';
import { changeOrders, ORDERS_KEY, pauseQueue, readOrders, type FollowOrder } from '../../lib/core/fleet-orders.js';
import { toldKey, type TellingTimes } from '../../lib/core/fleet-telling.js';
import { readTold } from '../../lib/core/told-events.js';
import { recordsWith, type Records } from '../../lib/core/records.js';
import { Hearer, jobOf, Teller } from './fleet/teller.js';
import { onMemory } from './fleet/on-memory.js';

/** Machines that run tests stall for seconds. */
const PATIENT = { timeout: 30_000, interval: 5 };
const SOON: TellingTimes = { everyMs: 10, aliveMs: 400 };

let records: Records;

onMemory((given) => (records = given));

async function teller(id: string, times?: TellingTimes, on = records): Promise<Teller> {
  const made = await new Teller(on, id, times).start();
  onTestFinished(() => made.stop());
  return made;
}

async function follow(names: readonly JobEventName[], times?: FollowingTimes): Promise<Hearer> {
  const made = new Hearer(records, names, times);
  onTestFinished(() => made.following.end());
  return made.begin();
}

async function orders(): Promise<readonly FollowOrder[]> {
  return readOrders((await records.get(ORDERS_KEY))?.text).following;
}

/** Records that fail, or tell of what is stored, as the test says. */
function watched(others: Partial<Records>): Records {
  return recordsWith(records, others);
}

test('events of two processes are told once each, in the order of their process, to each who follows them', async () => {
  const [a, b] = [await teller('a'), await teller('b')];
  const [all, some] = [await follow(['started', 'completed']), await follow(['completed'])];
  a.begins(1);
  b.begins(2);
  a.complete(1);
  await expect.poll(() => all.told.length, PATIENT).toBe(3);
  b.complete(2);
  a.begins(3);
  await expect.poll(() => [all.told.length, some.told.length], PATIENT).toEqual([5, 2]);
  const of = (id: string): string[] => all.all.filter(({ worker }) => worker.id === id).map(({ event }) => event);
  expect([of('a'), of('b')]).toEqual([
    ['started', 'completed', 'started'],
    ['started', 'completed'],
  ]);
  expect(some.told).toEqual(['completed 1', 'completed 2']);
  expect(all.all[0]).toEqual({
    event: 'started',
    happenedAt: expect.any(Date),
    worker: { id: expect.stringMatching(/^[ab]$/), host: 'here', pid: 7, instance: 'default' },
    job: jobOf(all.all[0]?.job.id ?? ''),
  });
  expect([all.missing, some.missing]).toEqual([0, 0]);
});

test('who begins later is told only what happens then, be it right after', async () => {
  const a = await teller('a');
  const first = await follow(['completed']);
  a.complete(1, 2);
  const second = await follow(['completed']);
  a.complete(3);
  await expect.poll(() => [first.told.length, second.told.length], PATIENT).toEqual([3, 1]);
  expect(second.told).toEqual(['completed 3']);
});

test('as long as nobody follows, nothing is stored, and nobody listens', async () => {
  const stored: string[] = [];
  const a = await teller(
    'a',
    SOON,
    watched({
      set: (key, ...rest) => {
        stored.push(key);
        return records.set(key, ...rest);
      },
    }),
  );
  stored.length = 0;
  let read = 0;
  const event = {
    get job() {
      read += 1;
      return jobOf(1);
    },
  };
  a.events.emit('started', event);
  await sleep(50);
  expect([stored, read]).toEqual([[], 0]);
  const some = await follow(['completed']);
  stored.length = 0;
  a.events.emit('started', event);
  await sleep(50);
  expect([stored, read]).toEqual([[], 0]);
  await some.following.end();
  await expect.poll(orders, PATIENT).toEqual([]);
  await sleep(20);
  a.complete(1);
  await sleep(50);
  expect(stored).toEqual([]);
});

test('one who is killed is given up after a while, though others go on to say that they follow', async () => {
  const a = await teller('a', SOON);
  const killed = await follow(['started'], { everyMs: 3_600_000, aliveMs: 3_600_000 });
  const other = await follow(['completed'], { everyMs: 20, aliveMs: 400 });
  a.begins(1);
  await expect.poll(() => killed.told, PATIENT).toEqual(['started 1']);
  const tellsKilled = async (): Promise<boolean> => {
    const told = readTold((await records.get(toldKey('a')))?.text);
    return told?.since[killed.following.token] !== undefined;
  };
  await expect
    .poll(async () => {
      a.complete(1);
      return tellsKilled();
    }, PATIENT)
    .toBe(false);
  a.begins(2);
  const before = other.told.length;
  a.complete(2);
  await expect.poll(() => other.told.at(-1), PATIENT).toBe('completed 2');
  expect(other.told.length).toBeGreaterThan(before);
  expect(killed.told).toEqual(['started 1']);
});

test('one who was given up and is there again is told what happens from then on', async () => {
  const a = await teller('a', { everyMs: 10, aliveMs: 40 });
  const slow = await follow(['completed'], { everyMs: 300, aliveMs: 3_600_000 });
  const heard = (): number => slow.told.length;
  await expect
    .poll(() => {
      a.complete('x');
      return heard();
    }, PATIENT)
    .toBeGreaterThan(0);
  // Given up for most of the time, and heard again at each renewal.
  const once = heard();
  await sleep(400);
  await expect
    .poll(() => {
      a.complete('y');
      return heard();
    }, PATIENT)
    .toBeGreaterThan(once);
});

test('orders of followers that died are taken away by whoever changes them next', async () => {
  const dead = { token: 'dead', names: ['failed'] as const, until: Date.now() - 1 };
  await records.set(ORDERS_KEY, JSON.stringify({ paused: [], cancels: [], following: [dead], later: 'kept' }), 1e9);
  await pauseQueue(records, 'mail', 'an operator', Date.now());
  expect(JSON.parse((await records.get(ORDERS_KEY))?.text ?? '')).toMatchObject({
    paused: [{ queue: 'mail' }],
    following: [],
    later: 'kept',
  });
});

test.each(['{}', '{"following":7}', '{"following":[null,7,{"token":"x"}]}', 'nonsense'])(
  'orders that say %s are as if nobody followed',
  (text) => {
    expect(readOrders(text).following).toEqual([]);
  },
);

test('of a flood the latest are told, the rest is counted, and what is stored stays small', async () => {
  let longest = 0;
  const small = watched({
    set: (key, text, ttlMs) => {
      longest = Math.max(longest, Buffer.byteLength(text));
      return records.set(key, text, ttlMs);
    },
  });
  const a = await teller('a', { everyMs: 20, aliveMs: 60_000 }, small);
  const [all, some] = [await follow(['completed', 'failed']), await follow(['failed'])];
  for (let n = 0; n < 20_000; n++) {
    a.complete(n);
    if (n % 1_000 === 0) a.events.emit('failed', { job: jobOf(n), error: new Error('x'), reason: 'y', durationMs: 1 });
    if (n % 2_000 === 0) await sleep(0);
  }
  a.complete('last');
  await expect.poll(() => all.told.at(-1), PATIENT).toBe('completed last');
  expect(all.told.length + all.missing).toBe(20_021);
  expect(all.missing).toBeGreaterThan(15_000);
  // Those of which there are few are not pushed out by those of which there are many.
  expect([some.told.length, some.missing]).toEqual([20, 0]);
  expect(all.told.filter((one) => one.startsWith('failed'))).toHaveLength(20);
  expect(longest).toBeLessThanOrEqual(30_000);
  expect(new Set(all.told).size).toBe(all.told.length);
});

test('few events of long texts fit, too', async () => {
  const a = await teller('a');
  const all = await follow(['failed']);
  const error = Object.assign(new Error('"'.repeat(50_000)), { stack: '"'.repeat(50_000) });
  for (let n = 0; n < 50; n++) a.events.emit('failed', { job: jobOf(n), error, reason: 'r', durationMs: 1 });
  await expect.poll(() => all.told.at(-1), PATIENT).toBe('failed 49');
  expect(all.told.length).toBeGreaterThanOrEqual(3);
  expect(all.told.length + all.missing).toBe(50);
  expect(Buffer.byteLength((await records.get(toldKey('a')))?.text ?? '')).toBeLessThanOrEqual(30_000);
});

test('what the engine does not take is told as soon as it does, without another event', async () => {
  let failing = false;
  const a = await teller(
    'a',
    SOON,
    watched({
      set: (...args) => (failing ? Promise.reject(new BackendError('away', { passing: true })) : records.set(...args)),
    }),
  );
  const all = await follow(['completed'], { everyMs: 50, aliveMs: 400 });
  failing = true;
  a.complete(1);
  await sleep(100);
  expect(all.told).toEqual([]);
  failing = false;
  await expect.poll(() => all.told, PATIENT).toEqual(['completed 1']);
});

test('the last events of a process that ends are told, and those of one that comes later', async () => {
  const a = await teller('a', { everyMs: 3_600_000, aliveMs: 3_600_000 });
  const all = await follow(['completed']);
  a.complete(1, 2);
  await a.stop();
  await expect.poll(() => all.told, PATIENT).toEqual(['completed 1', 'completed 2']);
  const b = await teller('b');
  await expect.poll(async () => (await records.get(toldKey('b')))?.text ?? '', PATIENT).toContain(all.following.token);
  b.complete(3);
  await expect.poll(() => all.told.at(-1), PATIENT).toBe('completed 3');
});

test('one that was taken for dead and comes back goes on where it was', async () => {
  const a = await teller('a');
  const all = await follow(['completed']);
  a.complete(1);
  await expect.poll(() => all.told, PATIENT).toEqual(['completed 1']);
  await records.set('fleet:workers', '[]', 1e9);
  // Read for the last time.
  await sleep(100);
  a.complete(2);
  await a.list();
  await expect.poll(() => all.told, PATIENT).toEqual(['completed 1', 'completed 2']);
  expect(all.missing).toBe(0);
});

test('who has ended is told nothing, and nothing of it is left', async () => {
  const a = await teller('a');
  const all = await follow(['completed']);
  expect(await orders()).toMatchObject([{ token: all.following.token, names: ['completed'] }]);
  a.complete(1);
  await all.following.end();
  await all.following.end();
  expect(await orders()).toEqual([]);
  await sleep(50);
  expect(all.told).toEqual([]);
});

test('one that ends while it begins leaves no order', async () => {
  const hearer = new Hearer(records, ['completed']);
  const begun = hearer.following.begin();
  await hearer.following.end();
  await begun;
  await hearer.following.heard(60_000);
  expect(await orders()).toEqual([]);
});

test('no more than 100 follow at a time', async () => {
  const full = Array.from({ length: 100 }, (_, n) => ({
    token: String(n),
    names: ['failed'] as const,
    until: Date.now() + 60_000,
  }));
  await changeOrders(records, Date.now(), (before) => ({ ...before, following: full }));
  await expect(follow(['failed'])).rejects.toThrow('follow: expected at most 100 who follow events at a time');
  expect(await orders()).toHaveLength(100);
});

test('an order that was lost is given again', async () => {
  const a = await teller('a');
  const all = await follow(['completed'], { everyMs: 30, aliveMs: 60_000 });
  await records.set(ORDERS_KEY, '{}', 1e9);
  await expect.poll(async () => (await orders()).length, PATIENT).toBe(1);
  await expect
    .poll(() => {
      a.complete('later');
      return all.told.at(-1);
    }, PATIENT)
    .toBe('completed later');
});
