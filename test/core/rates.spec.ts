import { afterEach, beforeEach, expect, test } from 'vitest';
import { BackendError, type Backend } from '../../lib/core/backend.js';
import type { Handler } from '../../lib/core/handlers.js';
import { wrapped } from './engine.js';
import { handler, queue, START, Work, Workshop } from './workshop.js';

let shop: Workshop;

beforeEach(async () => {
  shop = await Workshop.open();
});

afterEach(() => shop.close());

async function publish(name: string, count: number): Promise<void> {
  for (let payload = 0; payload < count; payload++) await shop.publisher.publish(name, payload);
}

/** An engine that several processes may share, in virtual time. */
function shared(): Backend {
  return wrapped(shop.engine, { traits: { ...shop.engine.traits, shared: true } });
}

/** A handler that notes when it is called, in milliseconds since the start. */
function noting(calls: number[], special: Partial<Handler> = {}): Handler {
  return handler('x', () => void calls.push(shop.clock.now() - START), special);
}

const RATE = { max: 3, perMs: 10_000 };

test('a queue calls no more handlers than its rate allows, and asks for no jobs while it is used up', async () => {
  const asked: number[] = [];
  const { reserve } = shop.engine;
  shop.engine.reserve = (name, max, signal) => {
    asked.push(max);
    return reserve(name, max, signal);
  };
  const calls: number[] = [];
  await publish('x', 10);
  shop.consume([noting(calls)], { queues: [queue('default', { rate: RATE })] });
  await shop.now();
  expect(calls).toEqual([0, 0, 0]);
  const before = asked.length;
  await shop.clock.advance(9_999);
  expect(asked).toHaveLength(before);
  expect(asked[0]).toBe(3);
  await shop.clock.advance(30_001);
  expect(calls.map((at) => Math.round(at / 10_000))).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2, 3]);
  expect(shop.story).not.toContain('handedBack');
});

test('a handler’s rate hands back what has to wait long, at no cost, until there is a place', async () => {
  const calls: number[] = [];
  await publish('x', 7);
  shop.consume([noting(calls, { rate: RATE, attempts: 1 })]);
  await shop.now();
  expect(calls).toEqual([0, 0, 0]);
  expect(shop.last('handedBack')).toMatchObject({ reason: 'limited', job: { attempt: 1 } });
  await shop.clock.advance(30_000);
  expect(calls.map((at) => Math.round(at / 10_000))).toEqual([0, 0, 0, 1, 1, 1, 2]);
  expect(shop.story.filter((name) => name === 'handedBack')).toHaveLength(4);
  expect(shop.story.filter((name) => name === 'completed')).toHaveLength(7);
});

test('a job waits in its slot for a place that is free soon, and keeps its lease', async () => {
  const calls: number[] = [];
  await publish('x', 3);
  shop.consume([noting(calls, { rate: { max: 1, perMs: 400 } })], { backend: shared() });
  await shop.clock.advance(1_000);
  expect(calls).toHaveLength(3);
  expect(calls[1]).toBeGreaterThanOrEqual(400);
  expect((calls[2] ?? 0) - (calls[1] ?? 0)).toBeGreaterThanOrEqual(400);
  expect(shop.story).not.toContain('handedBack');
});

test('a job that waits for a place hears that its process stops', async () => {
  const calls: number[] = [];
  await publish('x', 2);
  const consumer = shop.consume([noting(calls, { rate: { max: 1, perMs: 900 } })], { backend: shared() });
  await shop.now();
  expect(calls).toEqual([0]);
  const stopping = consumer.stop(60_000);
  await shop.now();
  await stopping;
  expect(shop.last('handedBack')).toMatchObject({ reason: 'shutdown', job: { attempt: 1 } });
  expect(calls).toEqual([0]);
});

test('a job that has waited for a place is admitted again', async () => {
  const calls: number[] = [];
  await publish('x', 1);
  await shop.publisher.publish('x', 'late', { expiration: 500 });
  shop.consume([noting(calls, { rate: { max: 1, perMs: 800 } })], { backend: shared() });
  await shop.clock.advance(2_000);
  expect(calls).toEqual([0]);
  expect(shop.story).toContain('expired');
  // The place that it had got is there for the next.
  await publish('x', 1);
  await shop.now();
  expect(calls).toHaveLength(2);
});

test('both rates hold, and a place of one is not lost where the other is used up', async () => {
  const calls: number[] = [];
  await publish('x', 6);
  shop.consume([noting(calls, { rate: { max: 2, perMs: 1_000 } })], {
    queues: [queue('default', { rate: { max: 4, perMs: 10_000 } })],
  });
  await shop.clock.advance(9_999);
  expect(calls).toHaveLength(4);
  await shop.clock.advance(10_001);
  expect(calls).toHaveLength(6);
});

test('two workers share a rate', async () => {
  const calls: number[] = [];
  await publish('x', 9);
  for (const _ of [1, 2]) shop.consume([noting(calls)], { queues: [queue('default', { rate: RATE })] });
  await shop.clock.advance(5_000);
  expect(calls).toHaveLength(3);
  await shop.clock.advance(40_000);
  expect(calls).toHaveLength(9);
  for (const at of calls) expect(calls.filter((other) => other >= at && other < at + 10_000).length).toBeLessThan(4);
});

test('jobs of other queues and handlers go on', async () => {
  const work = new Work();
  const calls: number[] = [];
  await publish('x', 5);
  await publish('y', 1);
  shop.consume([noting(calls, { rate: { max: 1, perMs: 60_000 } }), handler('y', work.handle)]);
  await shop.now();
  expect(calls).toHaveLength(1);
  expect(work.started).toHaveLength(1);
  work.end(0, undefined);
});

test('while the engine fails to tell, a job waits, and its outage is told', async () => {
  const calls: number[] = [];
  const { records } = shop.engine;
  const failing = { claim: () => Promise.reject(new BackendError('away', { passing: true })) };
  const engine = wrapped(shop.engine, { records: Object.assign(Object.create(records ?? null), failing) as never });
  await publish('x', 1);
  shop.consume([noting(calls, { rate: RATE })], { backend: engine });
  await shop.clock.advance(1_000);
  expect(calls).toEqual([]);
  Object.assign(engine, { records });
  Reflect.deleteProperty(failing, 'claim');
  expect(shop.lines.all.join('\n')).toMatch(/memory fails: away/);
});

test('an engine without records keeps rates within the process, and says so once', async () => {
  const calls: number[] = [];
  await publish('x', 5);
  shop.consume([noting(calls)], {
    backend: wrapped(shop.engine, { records: undefined }),
    queues: [queue('default', { rate: RATE })],
  });
  await shop.clock.advance(100);
  expect(calls).toHaveLength(3);
  expect(shop.lines.all).toEqual([
    'warn: the rate of queue "default" is kept within this process only: memory keeps no records',
  ]);
});
