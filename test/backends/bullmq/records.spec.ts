import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import type { Backend } from '../../../lib/core/backend.js';
import type { Records } from '../../../lib/core/records.js';
import { Proxy } from '../../servers/proxy.js';
import { PrivateRedis } from '../../servers/redis.js';
import { onRedis } from './on-redis.js';
import { Bench, until } from './support.js';

const MINUTE = 60_000;

const on = onRedis(() => PrivateRedis.start({ appendfsync: 'always' }));

function recordsOf(backend: Backend): Records {
  if (!backend.records) throw new Error('expected records');
  return backend.records;
}

async function open(other = on.bench): Promise<Records> {
  return recordsOf(await other.open());
}

/** Watches a key; tells how often it was told. */
async function watched(records: Records, key: string): Promise<{ told: number; end(): void }> {
  const watch = { told: 0, end: (): void => undefined };
  watch.end = await records.watch(key, () => void watch.told++);
  return watch;
}

async function connections(): Promise<number> {
  return ((await on.redis.client('LIST')) as string).trim().split('\n').length - 1;
}

describe('what is stored', () => {
  test('is a key of Redis under the prefix, which goes when its time is over', async () => {
    const records = await open();
    await records.set('answer 1', 'text', MINUTE);
    expect(await on.redis.keys(`${on.bench.prefix}*`)).toEqual([`${on.bench.prefix}:nestjs-jobs:record:answer 1`]);
    expect(await on.redis.get(`${on.bench.prefix}:nestjs-jobs:record:answer 1`)).toBe('text');
    await records.set('answer 1', 'text', 50);
    await records.claim('answer 2', 'text', 50);
    await until('both to be gone', async () => (await on.redis.keys(`${on.bench.prefix}*`)).length === 0);
    expect(await records.get('answer 1')).toBeUndefined();
  });

  test('keeps half of a surrogate pair, and what looks like the form that it is kept in', async () => {
    const records = await open();
    const texts = ['\uD800', '\uDBFF', '"\\ud800"', '"', '"\\""', ''];
    for (const text of texts) expect(await records.claim(`key ${text}`, text, MINUTE)).toBeUndefined();
    for (const text of texts) {
      expect((await records.get(`key ${text}`))?.text).toBe(text);
      expect(await records.delete(`key ${text}`, `${text}.`)).toBe(false);
      expect(await records.delete(`key ${text}`, text)).toBe(true);
    }
  });

  test('ends when Redis says, by our clock', async () => {
    const records = await open();
    const before = Date.now();
    await records.set('key', 'text', MINUTE);
    const after = Date.now();
    const ends: number[] = [];
    for (let n = 0; n < 5; n++) ends.push((await records.get('key'))?.expiresAt ?? 0);
    // A millisecond may begin between what is left and what time it is, both of which Redis tells in whole ones.
    expect(Math.min(...ends)).toBeGreaterThanOrEqual(before + MINUTE - 1);
    expect(Math.min(...ends)).toBeLessThanOrEqual(after + MINUTE + 1);
    expect(await records.claim('key', 'other', 1)).toEqual({ text: 'text', expiresAt: expect.any(Number) as number });
  });

  test('may be asked to stay for longer than Redis can count', async () => {
    const records = await open();
    await records.set('key', 'text', Number.MAX_VALUE);
    expect((await records.get('key'))?.text).toBe('text');
  });
});

describe('watching', () => {
  test('takes one connection for a thousand keys, and leaves nothing behind', async () => {
    const [records, other] = [await open(), await open()];
    const before = await connections();
    const keys = Array.from({ length: 1_000 }, (_, index) => `key ${index}`);
    const watches = await Promise.all(keys.map((key) => watched(records, key)));
    expect(await connections()).toBe(before + 1);
    await Promise.all(keys.map((key) => other.set(key, 'text', MINUTE)));
    await until('all to be told', () => watches.every(({ told }) => told === 1));
    for (const { end } of watches) end();
    await until('nothing to be subscribed', async () => {
      return ((await on.redis.pubsub('CHANNELS', `${on.bench.prefix}*`)) as string[]).length === 0;
    });
    await on.bench.close();
    await until('all connections to be closed', async () => (await connections()) === 0);
  });

  test('goes on when Redis was killed and is back, and tells of what may have been set meanwhile', async () => {
    const [records, other] = [await open(), await open()];
    const watches = [await watched(records, 'a'), await watched(records, 'b'), await watched(records, 'b')];
    await on.server.kill();
    await on.server.start();
    await until('all to be told', () => watches.every(({ told }) => told > 0));
    const before = watches.map(({ told }) => told);
    await until('Redis to be back for the other', () => other.set('b', 'text', MINUTE).then(...both));
    await until('those of b to be told', () => watches.slice(1).every(({ told }, at) => told > (before[at + 1] ?? 0)));
    expect(watches[0]?.told).toBe(before[0]);
  });

  test('hears nothing of what ended while Redis was away', async () => {
    const records = await open();
    const [ended, kept] = [await watched(records, 'ended'), await watched(records, 'kept')];
    await on.server.kill();
    ended.end();
    await on.server.start();
    await until('the other to be told', () => kept.told > 0);
    expect(ended.told).toBe(0);
    const channels = (await on.redis.pubsub('CHANNELS', `${on.bench.prefix}*`)) as string[];
    expect(channels).toEqual([`${on.bench.prefix}:nestjs-jobs:record:kept`]);
  });

  test('finds out that a connection is dead which nobody has closed', async () => {
    const proxy = await Proxy.to(on.server.port);
    const far = new Bench({ host: '127.0.0.1', port: proxy.port }, on.bench.prefix);
    const watch = await watched(await open(far), 'key');
    const before = proxy.connections;
    proxy.swallowAnswers();
    await (await open()).set('key', 'text', MINUTE);
    await until('it to be given up', () => proxy.connections < before);
    expect(watch.told).toBe(0);
    proxy.mend();
    await until('it to be told', () => watch.told > 0);
    await far.close();
    await proxy.close();
  }, 60_000);

  test('of two of one key goes on for one when the other ends', async () => {
    const records = await open();
    const [first, second] = [await watched(records, 'key'), await watched(records, 'key')];
    first.end();
    first.end();
    await records.set('key', 'text', MINUTE);
    await until('the second to be told', () => second.told === 1);
    expect(first.told).toBe(0);
  });
});

/** Whether a promise was kept. */
const both = [() => true, () => false] as const;

describe('where Redis is away', () => {
  test('everything fails soon, and says where Redis is', async () => {
    const proxy = await Proxy.to(on.server.port);
    const far = new Bench({ host: '127.0.0.1', port: proxy.port });
    const records = await open(far);
    proxy.cut(true);
    const fault = { name: 'BackendError', passing: true, message: expect.stringContaining(`${proxy.port}`) as string };
    await expect(records.set('key', 'text', MINUTE)).rejects.toMatchObject(fault);
    await expect(records.claim('key', 'text', MINUTE)).rejects.toMatchObject(fault);
    await expect(records.get('key')).rejects.toMatchObject(fault);
    await expect(records.delete('key')).rejects.toMatchObject(fault);
    await expect(records.watch('key', () => undefined)).rejects.toMatchObject(fault);
    proxy.mend();
    await until('it to be back', () => records.set('key', 'text', MINUTE).then(...both));
    const watch = await watched(records, 'key');
    await records.set('key', 'text', MINUTE);
    await until('it to be told', () => watch.told > 0);
    await far.close();
    await proxy.close();
  });

  test('closing ends the tries to hear again', async () => {
    const proxy = await Proxy.to(on.server.port);
    const far = new Bench({ host: '127.0.0.1', port: proxy.port });
    const watch = await watched(await open(far), 'key');
    proxy.cut(true);
    await far.close();
    proxy.mend();
    expect(watch.told).toBe(0);
    await until('no connection to be left', () => proxy.connections === 0);
    await proxy.close();
  });
});

test('after close nothing is done any more', async () => {
  const records = await open();
  await records.set('key', 'text', MINUTE);
  const watching = records.watch('key', () => undefined);
  watching.catch(() => undefined);
  await on.bench.close();
  await expect(records.get('key')).rejects.toThrow('bullmq is closed');
  await expect(records.watch('key', () => undefined)).rejects.toThrow('bullmq is closed');
  await until('all connections to be closed', async () => (await connections()) === 0);
});

test('a client that was passed in stays open, and is left as it was', async () => {
  const client = new Redis(on.server.url);
  await client.ping();
  const listeners = (): number[] => client.eventNames().map((name) => client.listenerCount(name));
  const before = listeners();
  const own = new Bench(client);
  const records = await open(own);
  const watch = await watched(records, 'key');
  await records.set('key', 'text', MINUTE);
  await until('it to be told', () => watch.told === 1);
  await own.close();
  await until('the duplicate to be closed', async () => (await connections()) === 1);
  expect(await client.ping()).toBe('PONG');
  expect(listeners()).toEqual(before);
  await client.quit();
});
