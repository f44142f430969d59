import { Cluster, Redis } from 'ioredis';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bullmq } from '../../../lib/backends/bullmq/index.js';
import { freePort } from '../../servers/private-server.js';
import { PrivateRedis } from '../../servers/redis.js';
import { inspectorOf, listAll } from './inspector/support.js';
import { Bench, COMPLETED, message, readable, takeOne, until } from './support.js';

/** Prefixes whose keys lie on different nodes. */
const PREFIXES = ['{b}', '{c}', '{a}'];

const SLOTS = [
  [0, 5_460],
  [5_461, 10_922],
  [10_923, 16_383],
] as const;

let servers: PrivateRedis[];
let cluster: Cluster;

beforeAll(async () => {
  // By default the nodes' own port is 10,000 above, which not every free port leaves room for.
  const buses = await Promise.all(SLOTS.map(() => freePort()));
  servers = await Promise.all(
    buses.map((bus) =>
      PrivateRedis.start({
        'cluster-enabled': 'yes',
        'cluster-announce-ip': '127.0.0.1',
        'cluster-port': String(bus),
      }),
    ),
  );
  const nodes = servers.map(({ url }) => new Redis(url));
  for (const [index, node] of nodes.entries()) {
    const [from, to] = SLOTS[index] ?? [0, 0];
    await node.cluster('ADDSLOTSRANGE', from, to);
    await node.cluster('SET-CONFIG-EPOCH', index + 1);
  }
  for (const [index, { host, port }] of servers.entries())
    await nodes[0]?.call('CLUSTER', 'MEET', host, port, buses[index] ?? 0);
  for (const node of nodes) {
    await until('the cluster to be up', async () => {
      const info = await node.cluster('INFO');
      return info.includes('cluster_state:ok') && info.includes('cluster_known_nodes:3');
    });
    await node.quit();
  }
  cluster = new Cluster(servers.map(({ host, port }) => ({ host, port })));
}, 300_000);

afterAll(async () => {
  await cluster.quit();
  await Promise.all(servers.map((server) => server.stop()));
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

test('queues lie on all nodes of a cluster', async () => {
  const slots = await Promise.all(PREFIXES.map((prefix) => cluster.cluster('KEYSLOT', `${prefix}:mail:wait`)));
  const nodes = slots.map((slot) => SLOTS.findIndex(([from, to]) => from <= slot && slot <= to));
  expect(nodes).toEqual([0, 1, 2]);
  for (const prefix of PREFIXES) {
    const bench = new Bench(cluster, prefix);
    const backend = await bench.open();
    const taking = takeOne(backend, bench.queue);
    await backend.publish(bench.queue, [message({ payload: prefix })]);
    const delivery = await taking;
    expect(readable(delivery).payload).toBe(prefix);
    expect(await backend.settle(delivery, COMPLETED)).toBe(true);
    await bench.close();
  }
  expect(await cluster.ping()).toBe('PONG');
});

test('records lie on all nodes of a cluster, and whoever watches hears of them by whichever node', async () => {
  for (const prefix of PREFIXES) {
    const bench = new Bench(cluster, prefix);
    const { records } = await bench.open();
    const other = (await bench.open()).records;
    const told: string[] = [];
    await records?.watch('key', () => told.push('heard'));
    expect(await other?.claim('key', 'claimed', 60_000)).toBeUndefined();
    expect((await records?.claim('key', 'late', 60_000))?.text).toBe('claimed');
    await other?.set('key', prefix, 60_000);
    await until('it to be told', () => told.length > 0);
    expect((await records?.get('key'))?.text).toBe(prefix);
    expect(await records?.delete('key', 'other')).toBe(false);
    expect(await records?.delete('key', prefix)).toBe(true);
    await bench.close();
  }
  expect(await cluster.ping()).toBe('PONG');
});

test('a replaced job keeps its place on a cluster', async () => {
  const bench = new Bench(cluster, '{replaced}');
  const backend = await bench.open();
  await backend.publish(bench.queue, [message({ id: 'a', payload: 1 })]);
  const first = await takeOne(backend, bench.queue);
  const next = message({ id: 'a', payload: 2 });
  expect(await backend.settle(first, { kind: 'replaced', message: next })).toBe(true);
  const second = await takeOne(backend, bench.queue);
  expect(readable(second).payload).toBe(2);
  expect(await backend.settle(second, COMPLETED)).toBe(true);
  await bench.close();
});

test('the inspector sees and changes jobs on every node, and finds the queues of its own prefix', async () => {
  for (const prefix of PREFIXES) {
    const bench = new Bench(cluster, prefix);
    const backend = await bench.open();
    const inspector = inspectorOf(backend);
    const queue = 'inspected';
    const states = Array.from({ length: 60 }, (_, n) => ({
      ...{ state: 'failed' as const, content: message({ id: `job-${n}` }), attempts: 1, failures: [] },
    }));
    expect(new Set(await inspector.store(queue, states))).toEqual(new Set(['stored']));
    const places = await listAll(inspector, queue, 'failed', 25);
    expect(places).toHaveLength(60);
    expect(new Set(await inspector.change(queue, places.slice(0, 30), { kind: 'retry' }))).toEqual(new Set(['done']));
    expect(new Set(await inspector.change(queue, places.slice(30), { kind: 'remove' }))).toEqual(new Set(['done']));
    const [first] = await listAll(inspector, queue, 'waiting', 25);
    const at = Date.now() + 3_600_000;
    expect(await inspector.change(queue, first ? [first] : [], { kind: 'reschedule', at })).toEqual(['done']);
    expect(await inspector.counts(queue)).toMatchObject({ waiting: 29, delayed: 1, failed: 0 });
    expect(await inspector.get(queue, first?.content.id ?? '')).toMatchObject([{ state: 'delayed', readyAt: at }]);
    expect(await inspector.queues()).toContain(queue);
    await bench.close();
  }
});
