import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import type { Backend } from '../../../lib/core/backend.js';
import { PrivateRedis } from '../../servers/redis.js';
import { onRedis } from './on-redis.js';
import { Bench, COMPLETED, message, readable, takeOne, until } from './support.js';

const on = onRedis(() => PrivateRedis.start());

async function connections(): Promise<number> {
  return ((await on.redis.client('LIST')) as string).trim().split('\n').length - 1;
}

describe('connections', () => {
  test('are one for publishing, one for the rest, and one for each queue that is waited for', async () => {
    const backend = await on.bench.open();
    expect(await connections()).toBe(2);
    await backend.publish('a', [message(), message()]);
    for (let taken = 0; taken < 2; taken++) await takeOne(backend, 'a');
    expect(await connections()).toBe(2);
    const stop = new AbortController();
    const waiting = ['a', 'b', 'b'].flatMap((queue) => [1, 2].map(() => backend.reserve(queue, 1, stop.signal)));
    // The job of `a` is taken by one of them.
    await backend.publish('a', [message()]);
    await until('both queues to be waited for', async () => (await connections()) === 4);
    stop.abort();
    await Promise.all(waiting);
    await on.bench.close();
    await until('all connections to be closed', async () => (await connections()) === 0);
  });

  test('of a client that was passed in stay open, and are left as they were', async () => {
    const client = new Redis(on.server.url);
    await client.ping();
    const listeners = (): number[] => client.eventNames().map((name) => client.listenerCount(name));
    const before = listeners();
    const own = new Bench(client);
    const backend = await own.open();
    const stop = new AbortController();
    const waiting = backend.reserve('a', 1, stop.signal);
    await until('a connection of its own to wait', async () => (await connections()) === 2);
    await backend.publish('a', [message({ payload: 1 })]);
    const [delivery] = await waiting;
    expect(delivery && (await backend.settle(delivery, COMPLETED))).toBe(true);
    await own.close();
    await until('the duplicate to be closed', async () => (await connections()) === 1);
    expect(await client.ping()).toBe('PONG');
    expect(listeners()).toEqual(before);
    await client.quit();
  });

  test('leave nothing that keeps the process', async () => {
    const kept = (): string[] => process.getActiveResourcesInfo().filter((kind) => /Timeout|TCPSocketWrap/.test(kind));
    await on.redis.ping();
    const before = kept();
    const backend = await on.bench.open();
    const stop = new AbortController();
    const waiting = backend.reserve('a', 1, stop.signal);
    await backend.publish('a', [message({ readyAt: Date.now() + 3_600_000 })]);
    await until('it to be waiting', async () => (await connections()) === 3);
    await on.bench.close();
    await waiting;
    await until('everything to be freed', () => kept().length <= before.length);
  });
});

describe('traits and warnings', () => {
  test('tell what the server keeps', async () => {
    const settings = async (appendonly: string, appendfsync: string, policy: string): Promise<Backend> => {
      await on.redis.config('SET', 'appendonly', appendonly);
      await on.redis.config('SET', 'appendfsync', appendfsync);
      await on.redis.config('SET', 'maxmemory-policy', policy);
      on.bench.warnings.length = 0;
      return on.bench.open();
    };
    expect((await settings('yes', 'everysec', 'noeviction')).traits.durability).toBe('process');
    expect(on.bench.warnings).toEqual([]);
    expect((await settings('yes', 'always', 'noeviction')).traits.durability).toBe('power cut');
    expect((await settings('no', 'always', 'allkeys-lru')).traits.durability).toBe('process');
    expect(on.bench.warnings).toEqual([
      expect.stringContaining('appendonly off'),
      expect.stringContaining('maxmemory-policy allkeys-lru'),
    ]);
    await settings('yes', 'everysec', 'noeviction');
  });

  test('are the same where the server tells nothing of its settings', async () => {
    await on.redis.acl('SETUSER', 'shy', 'on', '>secret', '~*', '+@all', '-config', '-info');
    const { port } = on.server;
    const shy = new Bench({ port, host: '127.0.0.1', username: 'shy', password: 'secret', enableReadyCheck: false });
    expect((await shy.open()).traits).toMatchObject({ name: 'bullmq', durability: 'process', shared: true });
    expect(shy.warnings).toEqual([]);
    await shy.close();
  });

  test('a wrong password stops the application, and is not told', async () => {
    const wrong = new Bench({ port: on.server.port, host: '127.0.0.1', username: 'none', password: 'hidden' });
    const opening = wrong.open();
    await expect(opening).rejects.toThrow(/Redis at 127\.0\.0\.1:\d+ can't be used: .*WRONGPASS/);
    await expect(opening).rejects.not.toThrow('hidden');
    await until('its connections to be closed', async () => (await connections()) === 0);
  });
});

describe('retention', () => {
  async function settleMany(backend: Backend, kind: 'completed' | 'failed' | 'expired'): Promise<void> {
    await backend.publish(
      on.bench.queue,
      [1, 2, 3, 4, 5].map((payload) => message({ id: `${kind}-${payload}`, payload })),
    );
    for (let count = 0; count < 5; count++) {
      const delivery = await takeOne(backend, on.bench.queue);
      await backend.settle(delivery, kind === 'completed' ? COMPLETED : { kind, reason: 'done', failures: [] });
    }
  }

  test.for(['completed', 'failed', 'expired'] as const)('keeps so many %s jobs, the newest', async (kind) => {
    const backend = await on.bench.open({ retention: { [kind]: { count: 2 } } });
    await settleMany(backend, kind);
    const key = `${on.bench.prefix}:${on.bench.queue}:`;
    expect((await on.redis.zrange(`${key}${kind}`, '0', '-1')).sort()).toEqual([`${kind}-4`, `${kind}-5`]);
    const kept = (await on.redis.keys(`${key}${kind}-*`)).sort();
    expect(kept).toEqual([`${key}${kind}-4`, `${key}${kind}-5`]);
    const [receipt] = await backend.publish(on.bench.queue, [message({ id: `${kind}-5` })]);
    expect(receipt?.duplicate).toBe(kind === 'failed');
    expect(await on.redis.zcard(`${key}${kind}`)).toBe(kind === 'failed' ? 2 : 1);
  });

  test.for(['completed', 'failed', 'expired'] as const)('of none keeps no %s job', async (kind) => {
    const backend = await on.bench.open({ retention: { [kind]: false } });
    await settleMany(backend, kind);
    expect(await on.redis.keys(`${on.bench.prefix}:${on.bench.queue}:${kind}*`)).toEqual([]);
  });

  test('by age drops a job when the next ends', async () => {
    const backend = await on.bench.open({ retention: { completed: { age: 50 } } });
    const completed = `${on.bench.prefix}:${on.bench.queue}:completed`;
    for (const id of ['old-1', 'new-1']) {
      await backend.publish(on.bench.queue, [message({ id })]);
      await backend.settle(await takeOne(backend, on.bench.queue), COMPLETED);
      const score = Number(await on.redis.zscore(completed, id));
      await until('it to be old', () => Date.now() > score + 60);
    }
    expect(await on.redis.zrange(completed, '0', '-1')).toEqual(['new-1']);
  });
});

describe('a job', () => {
  test('is refused by a token that means no lock to BullMQ', async () => {
    const backend = await on.bench.open();
    await backend.publish(on.bench.queue, [message()]);
    const delivery = await takeOne(backend, on.bench.queue);
    expect(await backend.settle({ ...delivery, receipt: '0' }, COMPLETED)).toBe(false);
    expect(await backend.settle(delivery, COMPLETED)).toBe(true);
  });

  test('may stall as often as it likes: BullMQ doesn’t fail it on its own', async () => {
    const backend = await on.bench.open({ lease: 200 });
    await backend.publish(on.bench.queue, [message({ payload: 'kills' })]);
    for (const attempt of [1, 2, 3, 4]) {
      expect((await takeOne(backend, on.bench.queue)).attempt).toBe(attempt);
    }
    const plain = new Queue(on.bench.queue, { connection: { url: on.server.url }, prefix: on.bench.prefix });
    expect(await plain.getFailedCount()).toBe(0);
    await plain.close();
  });

  test('that falls due while its worker is busy is left to another', async () => {
    const [busy, idle] = [await on.bench.open(), await on.bench.open()];
    const stop = new AbortController();
    // It takes the marker of the delayed job, and then waits for nothing any more.
    const first = busy.reserve(on.bench.queue, 1, stop.signal);
    await until('it to be waiting', async () => (await connections()) === 5);
    await busy.publish(on.bench.queue, [message({ payload: 'delayed', readyAt: Date.now() + 400 })]);
    await until(
      'the marker to be taken',
      async () => (await on.redis.exists(`${on.bench.prefix}:${on.bench.queue}:marker`)) === 0,
    );
    stop.abort();
    await first;
    const began = Date.now();
    expect(readable(await takeOne(idle, on.bench.queue)).payload).toBe('delayed');
    expect(Date.now() - began).toBeLessThan(3_000);
  });

  test('of an idle queue starts at once', async () => {
    const backend = await on.bench.open();
    for (let round = 0; round < 5; round++) {
      const before = await connections();
      const taking = takeOne(backend, on.bench.queue);
      await until('it to be waiting', async () => (await connections()) === Math.max(before, 3));
      const began = performance.now();
      await backend.publish(on.bench.queue, [message()]);
      await backend.settle(await taking, COMPLETED);
      expect(performance.now() - began).toBeLessThan(1_000);
    }
  });
});
