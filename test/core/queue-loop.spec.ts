import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Backend } from '../../lib/core/backend.js';
import { Consumer } from '../../lib/core/consumer.js';
import { JobEvents } from '../../lib/core/events.js';
import { RecordingEngine, wrapped } from './engine.js';
import { DEFAULTS, handler, queue, Work, Workshop } from './workshop.js';

const SECOND = 1000;

let shop: Workshop;

beforeEach(async () => {
  shop = await Workshop.open();
});

afterEach(() => shop.close());

async function publish(name: string, ...payloads: unknown[]): Promise<void> {
  for (const payload of payloads) await shop.publisher.publish(name, payload);
}

describe('a queue', () => {
  test('hands out at most as many jobs at a time as its concurrency', async () => {
    const work = new Work();
    shop.consume([handler('x', work.handle, { concurrency: 100 })], { queues: [queue('default', { concurrency: 3 })] });
    await publish('x', 0, 1, 2, 3, 4);
    await shop.now();
    expect(work.names).toEqual([0, 1, 2]);
    work.end(1, undefined);
    await shop.now();
    expect(work.names).toEqual([0, 1, 2, 3]);
    work.fail(0, new Error('x'));
    await shop.now();
    expect(work.names).toEqual([0, 1, 2, 3, 4]);
  });

  test('asks the engine for as many as have a place, never for more, and not while there is none', async () => {
    const asked: number[] = [];
    const reserve = shop.engine.reserve;
    shop.engine.reserve = (name, max, signal) => {
      asked.push(max);
      return reserve(name, max, signal);
    };
    const work = new Work();
    shop.consume([handler('x', work.handle, { concurrency: 100 })], { queues: [queue('default', { concurrency: 3 })] });
    await publish('x', 0);
    await shop.now();
    await publish('x', 1, 2);
    await shop.clock.advance(60 * SECOND);
    const before = asked.length;
    await shop.clock.advance(60 * SECOND);
    expect(asked.slice(0, 2)).toEqual([3, 2]);
    expect(asked).toHaveLength(before);
    expect(Math.min(...asked)).toBe(1);
    work.end(0, undefined);
    work.end(2, undefined);
    await shop.now();
    expect(asked.slice(before).at(-1)).toBe(2);
  });

  for (const [atOnce, asked] of [
    [undefined, [1]],
    [1, [1]],
    [2, [1, 1]],
  ] as const)
    test(`is asked ${asked.length} at a time by ${atOnce}, as long as all is given, and for no more than have a place`, async () => {
      Object.assign(shop.engine, { traits: { ...shop.engine.traits, reservesAtOnce: atOnce } });
      let answer = (): void => undefined;
      let answered = Promise.resolve();
      const underWay: number[] = [];
      const reserve = shop.engine.reserve;
      shop.engine.reserve = async (name, max, signal) => {
        underWay.push(max);
        await answered;
        underWay.splice(underWay.indexOf(max), 1);
        return reserve(name, max, signal);
      };
      const work = new Work();
      await publish('x', 0, 1, 2, 3, 4, 5, 6);
      shop.consume([handler('x', work.handle)], { queues: [queue('default', { concurrency: 4 })] });
      await shop.now();
      expect(work.names).toEqual([0, 1, 2, 3]);
      answered = new Promise((resolve) => (answer = resolve));
      for (const ended of [0, 1, 2]) {
        work.end(ended, undefined);
        await shop.now();
      }
      expect(underWay).toEqual(asked);
      answer();
      await shop.now();
      expect(work.names).toEqual([0, 1, 2, 3, 4, 5, 6]);
    });

  test('begins the next while the last are being settled, and holds no more of those than may run', async () => {
    const settle = shop.engine.settle;
    let goOn = (): void => undefined;
    const gate = new Promise<void>((resolve) => (goOn = resolve));
    shop.engine.settle = async (delivery, settlement) => {
      await gate;
      return settle(delivery, settlement);
    };
    const served: unknown[] = [];
    await publish('x', 0, 1, 2, 3, 4, 5);
    shop.consume([handler('x', (payload) => served.push(payload))], { queues: [queue('default', { concurrency: 2 })] });
    await shop.now();
    expect(served).toEqual([0, 1, 2, 3]);
    goOn();
    await shop.now();
    expect(served).toEqual([0, 1, 2, 3, 4, 5]);
  });

  test('serves the most urgent first, and equals in the order in which they were published', async () => {
    const served: unknown[] = [];
    for (const [payload, priority] of [
      ['c', 10],
      ['a', 0],
      ['d', 10],
      ['e', 4_294_967_295],
      ['b', 1],
    ] as const) {
      await shop.publisher.publish('x', payload, { priority });
    }
    shop.consume([handler('x', (payload) => served.push(payload))], { queues: [queue('default', { concurrency: 1 })] });
    await shop.now();
    expect(served).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  test('lets an urgent job that comes last go before all that wait', async () => {
    const work = new Work();
    shop.consume([handler('x', work.handle)], { queues: [queue('default', { concurrency: 1 })] });
    await publish('x', ...Array.from({ length: 100 }, (_, n) => n));
    await shop.now();
    await shop.publisher.publish('x', 'urgent', { priority: 0 });
    work.end(0, undefined);
    await shop.now();
    expect(work.names).toEqual([0, 'urgent']);
  });

  test('does not wait for another queue', async () => {
    const work = new Work();
    const queues = [queue('slow', { concurrency: 1 }), queue('fast', { concurrency: 1 })];
    shop.consume([handler('x', work.handle)], { queues });
    await shop.publisher.publish('x', 'slow 1', { queue: 'slow' });
    await shop.publisher.publish('x', 'slow 2', { queue: 'slow' });
    await shop.publisher.publish('x', 'fast 1', { queue: 'fast' });
    await shop.now();
    expect(new Set(work.names)).toEqual(new Set(['slow 1', 'fast 1']));
  });

  test('that is not read keeps its jobs', async () => {
    shop.consume([handler('x', () => undefined, { queue: 'other' })], { queues: [queue('default')] });
    await shop.publisher.publish('x', {}, { queue: 'other' });
    await shop.clock.advance(60 * SECOND);
    expect(shop.story).toEqual([]);
  });
});

describe('a handler', () => {
  test('is called for at most as many jobs at a time as its concurrency, over all queues', async () => {
    const work = new Work();
    shop.consume([handler('x', work.handle, { concurrency: 2 })], { queues: [queue('a'), queue('b')] });
    for (let n = 0; n < 3; n++) {
      await shop.publisher.publish('x', `a${n}`, { queue: 'a' });
      await shop.publisher.publish('x', `b${n}`, { queue: 'b' });
    }
    await shop.now();
    expect(work.names).toHaveLength(2);
    for (let n = 0; n < 6; n++) {
      work.end(n, undefined);
      await shop.now();
      expect(work.names).toHaveLength(Math.min(n + 3, 6));
    }
    expect(shop.story.filter((name) => name === 'completed')).toHaveLength(6);
  });

  test('is by default called for as many as the defaults say', async () => {
    const work = new Work();
    shop.consume([handler('x', work.handle)], {
      queues: [queue('default', { concurrency: 100 })],
      defaults: { ...DEFAULTS, concurrency: 4 },
    });
    await publish('x', ...Array.from({ length: 10 }, (_, n) => n));
    await shop.now();
    expect(work.names).toEqual([0, 1, 2, 3]);
  });

  test('at its limit does not hold up another’s jobs, as long as its queue has places', async () => {
    const [slow, fast] = [new Work(), new Work()];
    shop.consume([handler('slow', slow.handle, { concurrency: 1 }), handler('fast', fast.handle)], {
      queues: [queue('default', { concurrency: 4 })],
    });
    await publish('slow', 1, 2, 3);
    await publish('fast', 1, 2);
    await shop.now();
    expect([slow.names, fast.names]).toEqual([[1], [1]]);
    fast.end(0, undefined);
    await shop.now();
    expect([slow.names, fast.names]).toEqual([[1], [1, 2]]);
  });

  test('takes those that wait for it in their order', async () => {
    const work = new Work();
    shop.consume([handler('x', work.handle, { concurrency: 1 })]);
    await publish('x', 0, 1, 2, 3, 4);
    for (let n = 0; n < 5; n++) {
      await shop.now();
      work.end(n, undefined);
    }
    expect(work.names).toEqual([0, 1, 2, 3, 4]);
  });
});

describe('an engine that can not be asked', () => {
  test('is asked again with growing pauses, which is said once, as is that it is back', async () => {
    const reserve = shop.engine.reserve;
    const tries: number[] = [];
    shop.engine.reserve = () => {
      tries.push(shop.clock.now());
      return Promise.reject(new Error('ECONNREFUSED'));
    };
    shop.consume([handler('x', () => 'done')]);
    await shop.clock.advance(600 * SECOND);
    const pauses = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
    expect(Math.max(...pauses.slice(0, 2))).toBeLessThanOrEqual(200);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(10 * SECOND);
    expect(Math.min(...pauses.slice(7))).toBeGreaterThanOrEqual(5 * SECOND);
    await publish('x', {});
    shop.engine.reserve = reserve;
    await shop.clock.advance(10 * SECOND);
    expect(shop.story).toEqual(['started', 'completed']);
    expect(shop.lines.all).toEqual([
      'error: memory fails: ECONNREFUSED. Trying again until it is back.',
      expect.stringMatching(/^log: memory is back after 60\d(\.\d+)? s$/),
    ]);
  });

  test('is said to be so once for all queues', async () => {
    shop.engine.reserve = () => Promise.reject(new Error('ECONNREFUSED'));
    shop.consume([], { queues: Array.from({ length: 20 }, (_, n) => queue(`queue_${n}`)) });
    await shop.clock.advance(60 * SECOND);
    expect(shop.lines.all).toHaveLength(1);
  });

  test('while some queues can be asked is no end of the outage', async () => {
    const reserve = shop.engine.reserve;
    shop.engine.reserve = (name, max, signal) =>
      name === 'bad' ? Promise.reject(new Error('EACCES')) : reserve(name, max, signal);
    shop.consume([handler('x', () => 'done')], { queues: [queue('default'), queue('bad')] });
    for (let n = 0; n < 30; n++) {
      await publish('x', n);
      await shop.clock.advance(SECOND);
    }
    expect(shop.story.filter((name) => name === 'completed')).toHaveLength(30);
    expect(shop.lines.all).toEqual(['error: memory fails: EACCES. Trying again until it is back.']);
  });

  test('with any thrown value is an outage as well', async () => {
    shop.engine.reserve = () => Promise.reject(undefined);
    shop.consume([]);
    await shop.clock.advance(SECOND);
    expect(shop.lines.all).toEqual([expect.stringContaining('undefined was thrown')]);
  });

  test('is not asked any more once the consumer has stopped', async () => {
    let tries = 0;
    shop.engine.reserve = () => {
      tries += 1;
      return Promise.reject(new Error('ECONNREFUSED'));
    };
    const consumer = shop.consume([]);
    await shop.clock.advance(60 * SECOND);
    await consumer.stop(0);
    const before = tries;
    await shop.clock.advance(60 * SECOND);
    expect(tries).toBe(before);
  });
});

test('many queues and many jobs in an outage are no leak', async () => {
  const warnings: Error[] = [];
  const hear = (warning: Error): unknown => warnings.push(warning);
  process.on('warning', hear);
  const engine = new RecordingEngine(shop.clock);
  const content = { id: '1', name: 'x', payload: null, priority: 1, attemptsUsed: 0, headers: {} };
  const backend = wrapped(engine, {
    reserve: (name, max, signal) => {
      if (signal.aborted) return Promise.resolve([]);
      const leasedAt = shop.clock.monotonic();
      const delivery = { queue: name, receipt: 'r', attempt: 1, content, storedAt: 0, leasedAt, failures: [] };
      return Promise.resolve(Array.from({ length: max }, () => delivery));
    },
    settle: () => Promise.reject(new Error('gone')),
    extend: () => Promise.reject(new Error('gone')),
  });
  const consumer = shop.consume([handler('x', () => undefined)], {
    backend,
    queues: Array.from({ length: 20 }, (_, n) => queue(`queue_${n}`)),
  });
  await shop.clock.advance(11 * SECOND);
  const stopped = consumer.stop(0);
  await shop.clock.advance(60 * SECOND);
  await stopped;
  await setImmediate();
  process.off('warning', hear);
  expect(warnings).toEqual([]);
});

test('jobs that follow each other without a pause let timers and sockets have their turn', async () => {
  const total = 50_000;
  let given = 0;
  let done: () => void = () => undefined;
  const all = new Promise<void>((resolve) => (done = resolve));
  const content = { id: '1', name: 'x', payload: null, priority: 1, attemptsUsed: 0, headers: {} };
  const backend: Backend = wrapped(new RecordingEngine(), {
    settle: () => Promise.resolve(true),
    reserve: (name, max, signal) => {
      if (signal.aborted || given >= total) {
        return new Promise((resolve) => signal.addEventListener('abort', () => resolve([])));
      }
      const leasedAt = performance.now();
      given += max;
      const delivery = { queue: name, receipt: 'r', attempt: 1, content, storedAt: 0, leasedAt, failures: [] };
      return Promise.resolve(Array.from({ length: max }, () => delivery));
    },
  });
  let handled = 0;
  const consumer = new Consumer({
    backend,
    handlers: [handler('x', () => (++handled >= total ? done() : undefined))],
    queues: [queue('default')],
    defaults: DEFAULTS,
    errors: {},
    unknownJobGraceMs: 0,
    blockedForMs: 0,
    events: new JobEvents(),
    reporter: shop.lines,
    worker: 'host:1',
  });
  consumer.start();
  let turns = 0;
  while (handled < total) {
    await setImmediate();
    turns += 1;
  }
  await all;
  await consumer.stop(0);
  expect(turns).toBeGreaterThan(3);
  expect(handled).toBe(total);
});
