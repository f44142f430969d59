import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Delivery } from '../../lib/core/backend.js';
import { JobShutdownError } from '../../lib/core/errors.js';
import { handler, queue, START, Work, Workshop } from './workshop.js';

const SECOND = 1000;

let shop: Workshop;

beforeEach(async () => {
  shop = await Workshop.open();
});

afterEach(() => shop.close());

async function publish(name: string, ...payloads: unknown[]): Promise<void> {
  for (const payload of payloads) await shop.publisher.publish(name, payload);
}

/** How long the promise takes in virtual time. */
async function lasted(promise: Promise<unknown>): Promise<number> {
  const began = shop.clock.now();
  let ended = false;
  void promise.then(() => (ended = true));
  await shop.now();
  while (!ended && shop.clock.now() < began + 600 * SECOND) await shop.clock.advance(100);
  expect(ended).toBe(true);
  return shop.clock.now() - began;
}

/** Timers that are armed. */
const timers = (): number => shop.clock['timers'].size;

describe('a consumer that stops', () => {
  test('without a job has stopped at once, and left no timer', async () => {
    const consumer = shop.consume([], { queues: [queue('a'), queue('b')] });
    await shop.now();
    expect(await lasted(consumer.stop(30 * SECOND))).toBe(0);
    expect(timers()).toBe(0);
  });

  test('takes no more jobs, and waits for those that run', async () => {
    const work = new Work();
    const consumer = shop.consume([handler('x', work.handle)], { queues: [queue('default', { concurrency: 2 })] });
    await publish('x', 0, 1, 2);
    await shop.now();
    const stopped = consumer.stop(30 * SECOND);
    await shop.clock.advance(5 * SECOND);
    expect(work.started[0].signal.aborted).toBe(false);
    work.end(0, undefined);
    work.fail(1, new Error('busy'));
    await stopped;
    expect(shop.clock.now()).toBe(START + 5 * SECOND);
    expect(shop.story).toEqual(['started', 'started', 'completed', 'retried']);
    expect(work.names).toEqual([0, 1]);
    expect(timers()).toBe(0);
  });

  test('renews the leases of those that it waits for', async () => {
    const work = new Work();
    const consumer = shop.consume([handler('x', work.handle)]);
    await publish('x', 0);
    await shop.now();
    const stopped = consumer.stop(600 * SECOND);
    await shop.clock.advance(500 * SECOND);
    work.end(0, undefined);
    await stopped;
    expect(shop.settled).toMatchObject([{ accepted: true }]);
  });

  test('aborts after the grace those that run, and hands them back at no cost', async () => {
    const work = new Work();
    const consumer = shop.consume([handler('x', work.handle)]);
    await publish('x', 0, 1);
    await shop.now();
    expect(await lasted(consumer.stop(30 * SECOND))).toBe(30 * SECOND);
    for (const job of work.started) expect(job.signal.reason).toBeInstanceOf(JobShutdownError);
    expect(shop.story).toEqual(['started', 'started', 'handedBack', 'handedBack']);
    expect(shop.last('handedBack')).toMatchObject({ reason: 'shutdown', job: { attempt: 1 } });
    expect(timers()).toBe(0);

    const next = new Work();
    shop.consume([handler('x', next.handle)]);
    await shop.now();
    expect(next.started.map((job) => job.attempt)).toEqual([1, 1]);
    work.end(0, 'too late');
    work.fail(1, new Error('too late'));
    await shop.now();
    expect(shop.settled).toHaveLength(2);
  });

  test('without a grace does so at once', async () => {
    const work = new Work();
    const consumer = shop.consume([handler('x', work.handle)]);
    await publish('x', 0);
    await shop.now();
    expect(await lasted(consumer.stop(0))).toBe(0);
    expect(shop.story).toEqual(['started', 'handedBack']);
  });

  test('hands back at once those that wait for a place of their handler', async () => {
    const work = new Work();
    const consumer = shop.consume([handler('x', work.handle, { concurrency: 1 })]);
    await publish('x', 0, 1, 2);
    await shop.now();
    const stopped = consumer.stop(30 * SECOND);
    await shop.now();
    expect(shop.story).toEqual(['started', 'handedBack', 'handedBack']);
    expect(shop.settled.map((one) => one.settlement)).toEqual([
      { kind: 'again', at: START, countsAttempt: false, failures: [] },
      { kind: 'again', at: START, countsAttempt: false, failures: [] },
    ]);
    work.end(0, undefined);
    await stopped;
    expect(work.names).toEqual([0]);
    expect(shop.story.at(-1)).toBe('completed');
  });

  test('begins no job any more, in whichever moment between two jobs it is told', async () => {
    for (let steps = 0; steps < 30; steps++) {
      const one = await Workshop.open();
      const work = new Work();
      const consumer = one.consume([handler('x', work.handle, { concurrency: 1 })]);
      for (const payload of [0, 1, 2]) await one.publisher.publish('x', payload);
      await one.now();
      work.end(0, undefined);
      for (let step = 0; step < steps; step++) await Promise.resolve();
      const begun = work.started.length;
      const stopped = consumer.stop(SECOND);
      await one.clock.advance(SECOND);
      await stopped;
      expect(work.started.length, `after ${steps} steps`).toBe(begun);
      expect(one.settled.every(({ accepted }) => accepted)).toBe(true);
      expect(one.settled).toHaveLength(3);
      await one.close();
    }
  });

  test('hands back what the engine still hands out', async () => {
    const work = new Work();
    const reserve = shop.engine.reserve;
    shop.engine.reserve = async (name, max, signal) => {
      const taken = await reserve(name, max, signal);
      return signal.aborted ? [...taken, ...(await reserve(name, max, signal))] : taken;
    };
    const consumer = shop.consume([handler('x', work.handle)]);
    await shop.now();
    const stopping = consumer.stop(30 * SECOND);
    await publish('x', 0);
    expect(await lasted(stopping)).toBeLessThanOrEqual(100);
    await shop.now();
    expect(work.started).toEqual([]);
    expect(shop.settled.every(({ settlement }) => settlement.kind === 'again' && !settlement.countsAttempt)).toBe(true);
  });

  test('lets a running job publish until its end', async () => {
    const consumer = shop.consume([
      handler('x', async () => {
        await new Promise<void>((resolve) => shop.clock.after(SECOND, resolve));
        await shop.publisher.publish('y', {}, { id: 'child' });
      }),
    ]);
    await publish('x', {});
    await shop.now();
    expect(await lasted(consumer.stop(30 * SECOND))).toBe(SECOND);
    expect(shop.last('published').id).toBe('child');
  });

  test('may be told twice, the second time with less patience', async () => {
    const work = new Work();
    const consumer = shop.consume([handler('x', work.handle)]);
    await publish('x', 0);
    await shop.now();
    const first = consumer.stop(600 * SECOND);
    await shop.clock.advance(SECOND);
    expect(await lasted(Promise.all([first, consumer.stop(0)]))).toBe(0);
    expect(shop.story).toEqual(['started', 'handedBack']);
  });

  test('before it has started, does not start', async () => {
    const never = await Workshop.open();
    const consumer = never.consume([]);
    await consumer.stop(SECOND);
    consumer.start();
    await never.publisher.publish('x', {});
    await never.now();
    expect(never.story).toEqual([]);
    await never.close();
  });

  test('waits a while for an engine that fails, and leaves the rest to the leases', async () => {
    const work = new Work();
    const consumer = shop.consume([handler('x', work.handle)]);
    await publish('x', 0);
    await shop.now();
    shop.engine.settle = () => Promise.reject(new Error('gone'));
    const ms = await lasted(consumer.stop(10 * SECOND));
    expect(ms).toBeGreaterThanOrEqual(10 * SECOND);
    expect(ms).toBeLessThanOrEqual(16 * SECOND);
    await shop.now();
    expect(shop.story).toEqual(['started', 'leaseLost']);
    expect(timers()).toBe(0);
  });

  test('waits no longer for an engine that never answers', async () => {
    const work = new Work();
    const consumer = shop.consume([handler('x', work.handle)]);
    await publish('x', 0);
    await shop.now();
    shop.engine.settle = () => new Promise(() => undefined);
    expect(await lasted(consumer.stop(0))).toBe(5 * SECOND);
    expect(timers()).toBe(0);
  });

  test('leaves no timer though the engine answers after all', async () => {
    let answer: (deliveries: readonly Delivery[]) => void = () => undefined;
    shop.engine.reserve = () => new Promise((resolve) => (answer = resolve));
    const consumer = shop.consume([handler('x', () => undefined)]);
    await shop.now();
    await lasted(consumer.stop(0));
    const content = { id: '1', name: 'x', payload: null, priority: 1, attemptsUsed: 0, headers: {} };
    const leasedAt = shop.clock.monotonic();
    answer([{ queue: 'default', receipt: 'r', attempt: 1, content, storedAt: 0, leasedAt, failures: [] }]);
    await shop.now();
    expect(timers()).toBe(0);
    expect(shop.story).toEqual(['leaseLost']);
  });
});

describe('consumers of one queue', () => {
  test('share its jobs, each of which is handled once', async () => {
    const handled: string[] = [];
    for (const name of ['a', 'b', 'c']) {
      shop.consume([handler('x', (payload) => handled.push(`${payload as number}`), { origin: name })]);
    }
    await publish('x', ...Array.from({ length: 200 }, (_, n) => n));
    await shop.clock.advance(SECOND);
    expect(handled).toHaveLength(200);
    expect(new Set(handled).size).toBe(200);
  });
});

test('jobs, retries and leases leave no timer behind once all is done', async () => {
  const consumer = shop.consume(
    [
      handler('well', () => undefined, { timeoutMs: 5000 }),
      handler('badly', () => Promise.reject(new Error('x')), { attempts: 2, timeoutMs: 5000 }),
      handler('never', () => new Promise(() => undefined), { attempts: 2, timeoutMs: 5000, concurrency: 1 }),
    ],
    { queues: [queue('default', { concurrency: 100 })] },
  );
  for (let n = 0; n < 10; n++) for (const name of ['well', 'badly', 'never']) await publish(name, n);
  await shop.clock.advance(600 * SECOND);
  const ends = shop.story.filter((name) => name !== 'started');
  expect(ends.filter((name) => name === 'completed')).toHaveLength(10);
  expect(ends.filter((name) => name === 'retried')).toHaveLength(20);
  expect(ends.filter((name) => name === 'failed')).toHaveLength(20);
  // The engine's own wait for the next job is all that is left.
  expect(timers()).toBe(1);
  await consumer.stop(0);
  expect(timers()).toBe(0);
});
