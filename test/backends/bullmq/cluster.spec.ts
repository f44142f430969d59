import { Cluster, Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bullmq } from '../../../lib/backends/bullmq/index.js';
import { PrivateRedis } from '../../servers/redis.js';
import { Bench, COMPLETED, message, readable, takeOne, until } from './support.js';

let server: PrivateRedis;
let cluster: Cluster;

beforeAll(async () => {
  server = await PrivateRedis.start({ 'cluster-enabled': 'yes', 'cluster-announce-ip': '127.0.0.1' });
  const node = new Redis(server.url);
  await node.cluster('ADDSLOTSRANGE', 0, 16_383);
  await until('the cluster to be up', async () => (await node.cluster('INFO')).includes('cluster_state:ok'));
  await node.quit();
  cluster = new Cluster([{ host: server.host, port: server.port }]);
}, 300_000);

afterAll(async () => {
  await cluster.quit();
  await server.stop();
});

test('a cluster needs a prefix with a hash tag', () => {
  expect(() => bullmq({ connection: cluster })).toThrow("a Redis Cluster needs one with a hash tag, such as '{jobs}'");
});

test('a cluster serves jobs, told apart by their ids, and stays open', async () => {
  const bench = new Bench(cluster, '{jobs}');
  const backend = await bench.open();
  const taking = takeOne(backend, bench.queue);
  await backend.publish(bench.queue, [message({ payload: 'first', priority: 2 })]);
  const first = await taking;
  const drafts = ['a-1', 'a-1', 'b-1'].map((id, payload) => message({ id, payload, priority: 5 }));
  const receipts = await backend.publish(bench.queue, drafts);
  expect(receipts.map(({ duplicate }) => duplicate)).toEqual([false, true, false]);
  await backend.publish(
    bench.queue,
    [3, 4].map((payload) => message({ payload, priority: 9, freshId: true })),
  );
  const order = [first];
  while (order.length < 5) order.push(...(await backend.reserve(bench.queue, 10, AbortSignal.timeout(5_000))));
  expect(order.map((delivery) => readable(delivery).payload)).toEqual(['first', 0, 2, 3, 4]);
  const settled = await Promise.all(order.map((delivery) => backend.settle(delivery, COMPLETED)));
  expect(settled).toEqual([true, true, true, true, true]);
  await bench.close();
  expect(await cluster.ping()).toBe('PONG');
});
