import { Cluster, Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { dataOf, type BullmqConnection } from '../../../lib/backends/bullmq/clients.js';
import { openElsewhere } from '../../../lib/core/records-elsewhere.js';
import { PrivateRedis } from '../../servers/redis.js';
import { onRedis } from './on-redis.js';
import { until } from './support.js';

const MINUTE = 60_000;
const PASSWORD = 'not to be told';

const on = onRedis(() => PrivateRedis.start());

/** What users give, by what it is. */
const GIVEN: Readonly<Record<string, (server: PrivateRedis) => BullmqConnection>> = {
  'a URL': ({ url }) => url,
  'options, some of which say when to try again': ({ host, port }) => ({
    host,
    port,
    retryStrategy: (times) => 50 * times,
    reconnectOnError: () => false,
  }),
  'a client of ioredis': ({ url }) => {
    const client = new Redis(url, { retryStrategy: (times) => 50 * times });
    onTestFinished(() => client.disconnect());
    return client;
  },
};

async function connections(): Promise<number> {
  return ((await on.redis.client('LIST')) as string).trim().split('\n').length;
}

test.each(Object.entries(GIVEN))('by %s, another thread opens the records, on one connection', async (_, given) => {
  const backend = await on.bench.open({ connection: given(on.server) });
  await backend.records?.set('key', 'text', MINUTE);
  const elsewhere = await backend.recordsElsewhere?.();
  if (!elsewhere) throw new Error('expected it to say how');
  const before = await connections();
  const { records, close } = await openElsewhere(structuredClone(elsewhere));
  expect(await records.get('key')).toMatchObject({ text: 'text' });
  expect(await records.swap('key', 'text', 'other', MINUTE)).toBe(true);
  expect(await backend.records?.get('key')).toMatchObject({ text: 'other' });
  expect(await connections()).toBe(before + 1);
  await close();
  await until('it to be closed', async () => (await connections()) === before);
});

test('by a password, too', async () => {
  const server = await PrivateRedis.start({ requirepass: PASSWORD });
  onTestFinished(() => server.stop());
  const { host, port } = server;
  const backend = await on.bench.open({ connection: { host, port, password: PASSWORD } });
  const elsewhere = await backend.recordsElsewhere?.();
  if (!elsewhere) throw new Error('expected it to say how');
  const { records, close } = await openElsewhere(structuredClone(elsewhere));
  await records.set('key', 'text', MINUTE);
  expect(await backend.records?.get('key')).toMatchObject({ text: 'text' });
  await close();
});

test('a client of a cluster is no data', () => {
  const cluster = new Cluster([{ host: '127.0.0.1', port: 1 }], { lazyConnect: true });
  expect(dataOf(cluster)).toBeUndefined();
});
