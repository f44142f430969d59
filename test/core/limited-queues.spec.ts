import { setTimeout } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { BackendError, type Backend } from '../../lib/core/backend.js';
import { Handlers } from '../../lib/core/handlers.js';
import { LimitedQueues } from '../../lib/core/limited-queues.js';
import { PublishError, QueueFullError } from '../../lib/core/publish-error.js';
import type { PublishedJob } from '../../lib/core/published-job.js';
import { Publisher } from '../../lib/core/publisher.js';
import type { QueueLimits } from '../../lib/core/queue-limits.js';
import { DEFAULTS, handler, queue, START, Work, Workshop } from './workshop.js';

let shop: Workshop;
let engine: Backend;
/** How often the engine was asked. */
let asked: number;

beforeEach(async () => {
  shop = await Workshop.open();
  engine = memoryOf(shop);
  asked = 0;
});

afterEach(() => shop.close());

/** The engine of the workshop, counting how often it is asked. */
function memoryOf({ engine: inner }: Workshop): Backend {
  const { backlog } = inner;
  if (!backlog) throw new Error('the memory backend has no backlog');
  const jobs = (name: string): Promise<number> => {
    asked += 1;
    return backlog.jobs(name);
  };
  return Object.assign(inner, { backlog: { ...backlog, jobs } });
}

function limited(some: Partial<QueueLimits>): LimitedQueues {
  return new LimitedQueues(new Map([['default', limitsOf(some)]]), shop.events);
}

function limitsOf(some: Partial<QueueLimits>): QueueLimits {
  return { maxJobs: undefined, maxBytes: undefined, maxAgeMs: undefined, whenFull: 'reject', ...some };
}

function publisher(some: Partial<QueueLimits>, publishTimeoutMs = 5_000): Publisher {
  return new Publisher({
    backend: () => engine,
    clock: shop.clock,
    handlers: new Handlers(),
    routes: new Map(),
    limits: new Map([['default', limitsOf(some)]]),
    limited: limited(some),
    defaults: DEFAULTS,
    publishTimeoutMs,
    events: shop.events,
  });
}

const dropped = (): unknown[] => shop.happened.flatMap(([name, event]) => (name === 'dropped' ? [event] : []));

async function payloads(): Promise<unknown[]> {
  const stop = new AbortController();
  const taken = await engine.reserve('default', 1_000, AbortSignal.any([stop.signal, AbortSignal.abort()]));
  return taken.map(({ content }) => ('payload' in content ? content.payload : content));
}

async function rejection(publishing: Promise<unknown>): Promise<QueueFullError> {
  const error: unknown = await publishing.catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(QueueFullError);
  return error as QueueFullError;
}

describe('a full queue that rejects', () => {
  test('takes as many as its limit, whoever publishes at the same time, and tells the others why', async () => {
    const by = publisher({ maxJobs: 10 });
    const ends = await Promise.allSettled(Array.from({ length: 50 }, (_, index) => by.publish('x', index)));
    expect(ends.map(({ status }) => status).lastIndexOf('fulfilled')).toBe(9);
    expect(await payloads()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    const error = await rejection(
      (async () => {
        for (;;) await by.publish('x', null);
      })(),
    );
    expect(error).toBeInstanceOf(PublishError);
    expect(error).toMatchObject({
      name: 'QueueFullError',
      queue: 'default',
      limits: { maxJobs: 10 },
      maybeStored: false,
    });
    expect(error.waiting).toEqual({ jobs: 10, bytes: undefined });
    expect(error.message).toBe('not published: queue "default" is full: 10 jobs wait in it, and its maxJobs is 10');
  });

  test('counts what is delayed, and not what is active', async () => {
    const by = publisher({ maxJobs: 2 });
    await by.publish('x', 0, { delay: '1h' });
    await by.publish('x', 1);
    await rejection(by.publish('x', 2));
    expect(await payloads()).toEqual([1]);
    await by.publish('x', 3);
    await rejection(by.publish('x', 4));
  });

  test('is not asked while it is known to have room', async () => {
    const by = publisher({ maxJobs: 1_000 });
    for (let index = 0; index < 200; index++) await by.publish('x', null);
    expect(asked).toBe(1);
  });

  test('is asked once for all that come together', async () => {
    const by = publisher({ maxJobs: 5 });
    await Promise.allSettled(Array.from({ length: 500 }, () => by.publish('x', null)));
    expect(asked).toBeLessThanOrEqual(2);
  });

  test('is asked again where another process may have published', async () => {
    const [one, other] = [publisher({ maxJobs: 3 }), publisher({ maxJobs: 3 })];
    await one.publish('x', null);
    await other.publishMany([{ name: 'x' }, { name: 'x' }]);
    await setTimeout(1_050);
    await rejection(one.publish('x', null));
  });

  test('of bytes takes what its limit has room for', async () => {
    const by = publisher({ maxBytes: 1_000 });
    await by.publish('x', 'a'.repeat(600));
    const error = await rejection(by.publish('x', 'b'.repeat(600)));
    expect(error.message).toMatch(/is full: \d{3} bytes wait in it, and its maxBytes is 1000$/);
    expect(error.waiting.bytes).toBeGreaterThan(600);
    await by.publish('x', 'c');
    const alone = await rejection(by.publish('x', 'd'.repeat(2_000)));
    expect(alone.message).toMatch(/the message alone has 2\d{3} bytes, and its maxBytes is 1000$/);
  });

  test('stores the first ones of many, and tells how many', async () => {
    const by = publisher({ maxJobs: 3 });
    const many = Array.from({ length: 5 }, (_, payload) => ({ name: 'x', payload }));
    const error = await rejection(
      by.publishMany([{ name: 'x', payload: 'first', options: { queue: 'other' } }, ...many]),
    );
    expect(error.stored).toBe(4);
    expect(await payloads()).toEqual([0, 1, 2]);
  });

  test('drops nothing where its limit was lowered below what is stored, and takes more once there is room', async () => {
    await publisher({}).publishMany(Array.from({ length: 5 }, (_, payload) => ({ name: 'x', payload })));
    const by = publisher({ maxJobs: 2 });
    await rejection(by.publish('x', 'more'));
    expect(await payloads()).toEqual([0, 1, 2, 3, 4]);
    await by.publish('x', 'more');
    expect(await payloads()).toEqual(['more']);
  });

  test('gives back the room of what was not stored', async () => {
    const by = publisher({ maxJobs: 2 });
    const { publish } = engine;
    engine.publish = () => Promise.reject(new BackendError('away', { passing: true }));
    await by.publish('x', null).catch(() => undefined);
    await by.publish('x', null).catch(() => undefined);
    engine.publish = publish;
    await by.publish('x', 0);
    await by.publish('x', 1);
    expect(await payloads()).toEqual([0, 1]);
  });

  test('rejects with what the engine says where it can’t be asked', async () => {
    Object.assign(engine, { backlog: { jobs: () => Promise.reject(new BackendError('away', { passing: true })) } });
    const error: unknown = await publisher({ maxJobs: 2 })
      .publish('x', null)
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PublishError);
    expect(error).not.toBeInstanceOf(QueueFullError);
    expect(error).toMatchObject({ maybeStored: false, message: 'not published to queue "default" of memory: away' });
  });

  test('rejects in time where the engine does not answer', async () => {
    Object.assign(engine, { backlog: { jobs: () => new Promise(() => undefined) } });
    const publishing = publisher({ maxJobs: 2 }, 20).publish('x', null);
    await expect(publishing).rejects.toThrow('not published: no answer of memory within 20 ms');
  });
});

describe('a full queue for which is waited', () => {
  test('takes what waits once there is room, in its order', async () => {
    const by = publisher({ maxJobs: 1, whenFull: 'wait' });
    const work = new Work();
    await by.publish('x', 0);
    const waiting = [1, 2, 3].map((payload) => by.publish('x', payload));
    shop.consume([handler('x', work.handle)], { queues: [queue('default', { concurrency: 1 })] });
    for (let index = 0; index < 4; index++) {
      while (work.started.length <= index) await shop.now();
      work.end(index, undefined);
    }
    await Promise.all(waiting);
    expect(work.names).toEqual([0, 1, 2, 3]);
  });

  test('says that it is full when its time is over, and then takes no place', async () => {
    const by = publisher({ maxJobs: 1, whenFull: 'wait' }, 30);
    await by.publish('x', 0);
    const error = await rejection(by.publish('x', 1));
    expect(error.message).toMatch(/its maxJobs is 1; waited 30 ms for room$/);
    expect(await payloads()).toEqual([0]);
    await by.publish('x', 2);
    expect(await payloads()).toEqual([2]);
  });

  test('is asked seldom', async () => {
    const by = publisher({ maxJobs: 1, whenFull: 'wait' }, 200);
    await by.publish('x', 0);
    const before = asked;
    const publishing = rejection(by.publish('x', 1));
    await shop.clock.advance(1_000);
    expect(asked - before).toBeGreaterThan(5);
    expect(asked - before).toBeLessThan(12);
    await publishing;
  });
});

describe('a full queue that drops', () => {
  test('the oldest: they make room, delayed ones last, and each is told', async () => {
    const by = publisher({ maxJobs: 3, whenFull: 'drop-oldest' });
    const late = await by.publish('x', 'late', { delay: '1h' });
    const jobs: PublishedJob[] = [];
    for (const payload of [0, 1, 2, 3]) jobs.push(await by.publish('x', payload));
    expect(dropped()).toEqual(
      jobs.slice(0, 2).map(({ id }) => ({ job: { id, name: 'x', queue: 'default' }, reason: 'drop-oldest' })),
    );
    await by.publishMany([4, 5, 6].map((payload) => ({ name: 'x', payload })));
    expect(dropped()).toHaveLength(5);
    expect(dropped().at(-1)).toMatchObject({ job: { id: late.id } });
    expect(await payloads()).toEqual([4, 5, 6]);
  });

  test('the oldest: never an active one', async () => {
    const by = publisher({ maxJobs: 1, whenFull: 'drop-oldest' });
    const work = new Work();
    shop.consume([handler('x', work.handle)], { queues: [queue('default', { concurrency: 1 })] });
    await by.publish('x', 'active');
    await shop.now();
    await by.publish('x', 'old');
    await by.publish('x', 'new');
    work.end(0, undefined);
    await shop.now();
    expect(work.names).toEqual(['active', 'new']);
    work.end(1, undefined);
  });

  test('the oldest: the last ones of a call that is larger than the limit stay', async () => {
    const by = publisher({ maxJobs: 3, whenFull: 'drop-oldest' });
    const told = await by.publishMany(Array.from({ length: 8 }, (_, payload) => ({ name: 'x', payload })));
    expect(told.map((job) => job.dropped)).toEqual(told.map(() => undefined));
    expect(await payloads()).toEqual([5, 6, 7]);
  });

  test('the oldest: as many as too many bytes ask for, and those that a lowered limit has made too many', async () => {
    await publisher({}).publishMany(Array.from({ length: 40 }, () => ({ name: 'x', payload: 'y'.repeat(80) })));
    const by = publisher({ maxBytes: 1_000, whenFull: 'drop-oldest' });
    await by.publish('x', 'new');
    const bytes = (await engine.backlog?.bytes?.('default')) ?? 0;
    expect(bytes).toBeLessThanOrEqual(1_000);
    expect(bytes).toBeGreaterThan(600);
    expect((await payloads()).at(-1)).toBe('new');
  });

  test('the newest: it is not stored, and its publisher and the listeners are told', async () => {
    const by = publisher({ maxJobs: 2, whenFull: 'drop-newest' });
    const kept = await by.publishMany([0, 1, 2, 3].map((payload) => ({ name: 'x', payload })));
    expect(kept.map((job) => job.dropped ?? false)).toEqual([false, false, true, true]);
    const one = await by.publish('x', 4);
    expect(one).toMatchObject({ name: 'x', dropped: true, duplicate: undefined });
    expect(dropped().at(-1)).toEqual({ job: { id: one.id, name: 'x', queue: 'default' }, reason: 'drop-newest' });
    expect(shop.happened.filter(([name]) => name === 'published')).toHaveLength(2);
    expect(await payloads()).toEqual([0, 1]);
  });

  test('the newest: one that is larger than the limit, and not those behind it', async () => {
    const by = publisher({ maxBytes: 1_000, whenFull: 'drop-newest' });
    const told = await by.publishMany(['a', 'b'.repeat(2_000), 'c'].map((payload) => ({ name: 'x', payload })));
    expect(told.map((job) => job.dropped ?? false)).toEqual([false, true, false]);
  });
});

describe('a forward into a full queue', () => {
  for (const whenFull of ['reject', 'wait'] as const)
    test(`waits until there is room, where its whenFull is '${whenFull}'`, async () => {
      const by = publisher({ maxJobs: 1, whenFull });
      await by.publish('x', 0);
      const message = { ...(await stored()), id: 'next' };
      const forwarding = limited({ maxJobs: 1, whenFull });
      const { signal } = new AbortController();
      const waiting = forwarding.publish(engine, 'default', [message], { patience: { signal } });
      await setTimeout(60);
      expect(await engine.backlog?.jobs('default')).toBe(1);
      expect(await payloads()).toEqual([0]);
      await shop.clock.advance(250);
      expect(await waiting).toEqual([{ duplicate: false }]);
    });

  test('gives up when its signal aborts, and takes no place then', async () => {
    const by = publisher({ maxJobs: 1 });
    await by.publish('x', 0);
    const message = { ...(await stored()), id: 'next' };
    const forwarding = limited({ maxJobs: 1 });
    const stop = new AbortController();
    const waiting = forwarding.publish(engine, 'default', [message], { patience: { signal: stop.signal } });
    await setTimeout(30);
    stop.abort();
    await rejection(waiting);
    expect(await payloads()).toEqual([0]);
    expect(
      await forwarding.publish(engine, 'default', [message], { patience: { signal: AbortSignal.abort() } }),
    ).toEqual([{ duplicate: false }]);
  });

  test('drops where its whenFull says so', async () => {
    const by = publisher({ maxJobs: 1 });
    await by.publish('x', 0);
    const message = { ...(await stored()), id: 'next' };
    const { signal } = new AbortController();
    const newest = limited({ maxJobs: 1, whenFull: 'drop-newest' });
    expect(await newest.publish(engine, 'default', [message], { patience: { signal } })).toEqual([
      { duplicate: undefined, dropped: true },
    ]);
    const oldest = limited({ maxJobs: 1, whenFull: 'drop-oldest' });
    await oldest.publish(engine, 'default', [message], { patience: { signal } });
    expect(await payloads()).toEqual([1]);
  });

  /** A message as the publisher makes it. */
  async function stored(): Promise<Parameters<Backend['publish']>[1][number]> {
    let made: Parameters<Backend['publish']>[1][number] | undefined;
    const { publish } = engine;
    engine.publish = (_, messages) => {
      [made] = messages;
      return Promise.resolve([{ duplicate: false }]);
    };
    await publisher({}).publish('x', 1);
    engine.publish = publish;
    if (!made) throw new Error('no message was made');
    return made;
  }
});

describe('the age of jobs', () => {
  const HOUR = 3_600_000;

  test('is bounded from when they could start first, by the earlier of it and their expiration', async () => {
    const by = publisher({ maxAgeMs: HOUR });
    const at = async (options: object): Promise<number> =>
      ((await by.publish('x', null, options)).expiresAt?.getTime() ?? NaN) - START;
    expect(await at({})).toBe(HOUR);
    expect(await at({ delay: '1 day' })).toBe(25 * HOUR);
    expect(await at({ expiration: '1m' })).toBe(60_000);
    expect(await at({ expiration: '2h' })).toBe(HOUR);
    expect(asked).toBe(0);
  });

  test('is bounded by who handles them, too', async () => {
    const work = new Work();
    await shop.publisher.publish('x', 'old');
    await shop.publisher.publish('x', 'delayed', { delay: '1h' });
    await shop.clock.advance(HOUR + 1);
    shop.consume([handler('x', work.handle)], { queues: [queue('default', { maxAgeMs: HOUR })] });
    await shop.now();
    expect(work.names).toEqual(['delayed']);
    expect(shop.last('expired').reason).toMatch(/^it was to be handled before 2026-11-21T10:00:00/);
    work.end(0, undefined);
  });
});
