import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { RecordLetters, letterHead } from '../../../lib/backends/bullmq/record-letters.js';
import type { RecordNotices } from '../../../lib/backends/bullmq/record-notices.js';
import type { Letters } from '../../../lib/core/letters.js';
import { PrivateRedis } from '../../servers/redis.js';
import { onRedis } from './on-redis.js';
import { until } from './support.js';

const MINUTE = 60_000;

const on = onRedis(() => PrivateRedis.start({ appendfsync: 'always' }));

async function open(): Promise<Letters> {
  const letters = (await on.bench.open()).records?.letters;
  if (!letters) throw new Error('expected letters');
  return letters;
}

async function addressOf(letters: Letters): Promise<string> {
  await until('it to have an address', () => letters.address() !== undefined);
  return letters.address() ?? '';
}

async function channels(): Promise<string[]> {
  return (await on.redis.pubsub('CHANNELS', `${on.bench.prefix}*`)) as string[];
}

test('a process hears all its letters by one channel, and none is subscribed for a letter', async () => {
  const [caller, worker] = [await open(), await open()];
  const address = await addressOf(caller);
  const texts: string[] = [];
  for (let n = 0; n < 100; n++) caller.hear(`key ${n}`, (text) => texts.push(text));
  await Promise.all(
    Array.from({ length: 100 }, (_, n) =>
      worker.send(address, `key ${n}`, n % 2 === 0 ? `${n}` : `${n} `.repeat(20_000), MINUTE),
    ),
  );
  await until('all to be heard', () => texts.length >= 100);
  expect(new Set(texts.map((text) => parseInt(text)))).toHaveLength(100);
  expect(await channels()).toEqual([`${on.bench.prefix}:nestjs-jobs:letters:${address}`]);
});

test('what was sent while the connection was lost is found by the next', async () => {
  const [caller, worker] = [await open(), await open()];
  const address = await addressOf(caller);
  const texts: string[] = [];
  caller.hear('key', (text) => texts.push(text));
  await on.redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
  await worker.send(address, 'key', 'text', MINUTE);
  await until('it to be heard', () => texts.length > 0);
  expect(texts[0]).toBe('text');
  await until('it to be reachable again', () => caller.address() === address);
  caller.hear('other', (text) => texts.push(text));
  await worker.send(address, 'other', 'later', MINUTE);
  await until('the other to be heard', () => texts.includes('later'));
});

test('letters go on when Redis was killed and is back', async () => {
  const [caller, worker] = [await open(), await open()];
  const address = await addressOf(caller);
  const texts: string[] = [];
  caller.hear('key', (text) => texts.push(text));
  await on.server.kill();
  expect(await worker.send(address, 'key', 'away', MINUTE).catch(() => 'away')).toBe('away');
  await on.server.start();
  await until('Redis to be back', () =>
    worker.send(address, 'key', 'text', MINUTE).then(
      () => true,
      () => false,
    ),
  );
  await until('it to be heard', () => texts.includes('text'));
  expect(await addressOf(caller)).toBe(address);
});

test('one whose time is over when it comes is not heard', async () => {
  const caller = await open();
  const address = await addressOf(caller);
  const texts: string[] = [];
  caller.hear('key', (text) => texts.push(text));
  const channel = `${on.bench.prefix}:nestjs-jobs:letters:${address}`;
  await on.redis.publish(channel, `${JSON.stringify({ key: 'key', expiresAt: Date.now() - 1 })}\nlate`);
  await on.redis.publish(channel, 'no letter');
  await caller.send(address, 'key', 'in time', MINUTE);
  await until('the other to be heard', () => texts.length > 0);
  expect(texts[0]).toBe('in time');
});

test('after close nobody hears', async () => {
  const letters = await open();
  const address = await addressOf(letters);
  await on.bench.close();
  expect(letters.address()).toBeUndefined();
  await expect(letters.send(address, 'key', 'text', MINUTE)).rejects.toThrow('bullmq is closed');
});

test('what is sent while it is looked for is looked for again, and so is what could not be read', async () => {
  let told = (_: string | undefined): void => undefined;
  const looks: { found(text: string | undefined): void; fail(error: Error): void }[] = [];
  const letters = new RecordLetters({
    notices: {
      isLinked: true,
      watch: (_: string, listener: typeof told) => {
        told = listener;
        return Promise.resolve(() => undefined);
      },
    } as unknown as RecordNotices,
    channelOf: (address) => address,
    store: () => Promise.resolve(),
    textOf: () => new Promise((resolve, reject) => looks.push({ found: resolve, fail: reject })),
    read: (stored) => stored,
  });
  await until('it to have an address', () => letters.address() !== undefined);
  const texts: string[] = [];
  letters.hear('key', (text) => texts.push(text));
  // The connection was lost, and nothing was there yet; then a long text comes, which a letter only tells of.
  told(undefined);
  expect(looks).toHaveLength(1);
  told(letterHead('key', Date.now() + MINUTE));
  looks[0]?.found(undefined);
  await until('it to look again', () => looks.length === 2);
  looks[1]?.fail(new Error('away'));
  await until('it to look once more', () => looks.length === 3);
  looks[2]?.found('long');
  await until('it to be heard', () => texts.length > 0);
  await setImmediate();
  expect([texts, looks.length]).toEqual([['long'], 3]);
  letters.close();
});
