import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { bullmq } from '../../../lib/backends/bullmq/index.js';
import { BackendError, type Backend, type Delivery } from '../../../lib/core/backend.js';
import { PrivateRedis } from '../../servers/redis.js';
import { Proxy } from '../../servers/proxy.js';
import { Bench, COMPLETED, message, readable, takeOne, until } from './support.js';

let server: PrivateRedis;
let proxy: Proxy;
let bench: Bench;
let backend: Backend;

beforeAll(async () => {
  server = await PrivateRedis.start({ appendfsync: 'always' });
}, 300_000);

afterAll(() => server.stop());

beforeEach(async () => {
  proxy = await Proxy.to(server.port);
  bench = new Bench({ host: '127.0.0.1', port: proxy.port });
  backend = await bench.open();
});

afterEach(async () => {
  await bench.close();
  await proxy.close();
});

async function faultOf(act: Promise<unknown>): Promise<BackendError> {
  const error: unknown = await act.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof BackendError) return error;
  throw new Error('expected a BackendError', { cause: error });
}

/** Redis's number of the connection that waits for a marker. */
async function waitingId(redis: Redis): Promise<string> {
  let id: string | undefined;
  await until('a connection to be waiting', async () => {
    const clients = String(await redis.client('LIST')).split('\n');
    id = /^id=(\d+)/.exec(clients.find((line) => line.includes('cmd=bzpopmin')) ?? '')?.[1];
    return id !== undefined;
  });
  return id ?? '';
}

const publish = (...payloads: unknown[]): Promise<unknown> =>
  backend.publish(
    bench.queue,
    payloads.map((payload) => message({ payload })),
  );

/** Does it again until it goes, as the core does. */
async function persist<T>(act: () => Promise<T>): Promise<T> {
  let done: { readonly value: T } | undefined;
  await until('Redis to be back', async () => {
    try {
      done = { value: await act() };
      return true;
    } catch (error) {
      expect(error).toMatchObject({ name: 'BackendError', passing: true });
      return false;
    }
  });
  return (done as { readonly value: T }).value;
}

describe('a network that breaks', () => {
  test('a publish fails fast, and knows that nothing was stored', async () => {
    proxy.cut(true);
    let fault = await faultOf(publish(1, 2));
    // What is sent before the break is noticed may have arrived.
    await until('the break to be noticed', () => faultOf(publish(1, 2)).then((next) => !(fault = next).maybeStored));
    const began = Date.now();
    fault = await faultOf(publish(1, 2));
    expect(Date.now() - began).toBeLessThan(3_000);
    expect(fault).toMatchObject({ passing: true, stored: 0, maybeStored: false });
    expect(fault.message).toContain(`127.0.0.1:${proxy.port}`);
    proxy.mend();
    await persist(() => publish('after'));
    expect(readable(await persist(() => takeOne(backend, bench.queue))).payload).toBe('after');
  });

  test('a publish whose answer is lost may be stored', async () => {
    proxy.swallowAnswers();
    const failing = faultOf(publish('maybe'));
    const other = await new Bench(server.url, bench.prefix).open();
    const delivery = await takeOne(other, bench.queue);
    proxy.cut();
    expect(await failing).toMatchObject({ passing: true, maybeStored: true });
    expect(readable(delivery).payload).toBe('maybe');
    await other.close();
  });

  test('a publish waits for a connection that is just being made again', async () => {
    const client = new Redis(proxy.port, '127.0.0.1');
    client.on('error', () => undefined);
    const own = await new Bench(client, bench.prefix).open();
    proxy.cut();
    await until('the break to be noticed', () => client.status !== 'ready');
    await own.publish(bench.queue, [message({ payload: 'patient' })]);
    expect(readable(await takeOne(own, bench.queue)).payload).toBe('patient');
    await own.close();
    await client.quit();
  });

  test('a reserve that waits says so, and the next works once it is mended', async () => {
    const waiting = faultOf(backend.reserve(bench.queue, 1, new AbortController().signal));
    await until('it to be waiting', () => proxy.connections === 3);
    proxy.cut(true);
    expect(await waiting).toMatchObject({ passing: true });
    proxy.mend();
    const [delivery] = await Promise.all([
      persist(() => takeOne(backend, bench.queue)),
      persist(() => publish('after')),
    ]);
    expect(readable(delivery).payload).toBe('after');
  });

  test('a reserve that waits goes on where only its own connection is not back yet', async () => {
    const waiting = faultOf(backend.reserve(bench.queue, 1, new AbortController().signal));
    await until('it to be waiting', () => proxy.connections === 3);
    proxy.refuse();
    const direct = new Redis(server.url);
    await direct.call('CLIENT', 'KILL', 'ID', await waitingId(direct));
    await direct.quit();
    expect(await waiting).toMatchObject({ passing: true });
    const taking = takeOne(backend, bench.queue);
    // Longer than a connection may take to come back.
    await Promise.race([taking, sleep(4_000)]);
    await publish('meanwhile');
    expect(readable(await taking).payload).toBe('meanwhile');
  });

  test.for<[title: string, settle: (delivery: Delivery) => Promise<boolean>]>([
    ['completed', (delivery) => backend.settle(delivery, COMPLETED)],
    ['failed', (delivery) => backend.settle(delivery, { kind: 'failed', reason: 'x', failures: [] })],
    [
      'put back',
      (delivery) =>
        backend.settle(delivery, { kind: 'again', at: Date.now() + 60_000, countsAttempt: true, failures: [] }),
    ],
  ])('what was %s though its answer was lost is known to be', async ([, settle]) => {
    await publish(1);
    const delivery = await takeOne(backend, bench.queue);
    proxy.swallowAnswers();
    const failing = faultOf(settle(delivery));
    const other = await new Bench(server.url, bench.prefix).open();
    await until('it to be settled', async () => !(await other.extend(delivery)));
    proxy.cut();
    expect(await failing).toMatchObject({ passing: true });
    expect(await persist(() => settle(delivery))).toBe(true);
    expect(await settle(delivery)).toBe(false);
    await other.close();
  });

  test('a running job outlives it, and ends once', async () => {
    await publish(1);
    const delivery = await takeOne(backend, bench.queue);
    proxy.cut(true);
    expect(await faultOf(backend.extend(delivery))).toMatchObject({ passing: true });
    proxy.mend();
    expect(await persist(() => backend.extend(delivery))).toBe(true);
    expect(await backend.settle(delivery, COMPLETED)).toBe(true);
    expect(delivery.attempt).toBe(1);
  });
});

describe('a Redis that is killed', () => {
  test('loses nothing that was published, and workers go on by themselves', async () => {
    await bench.close();
    // Longer than Redis takes to come back on a machine that stalls: nobody knows after it whether a settlement was heard.
    backend = await bench.open({ lease: '5s' });
    const count = 200;
    const stored = new Set<unknown>();
    const handled = new Set<unknown>();
    const stop = new AbortController();
    const publishing = (async () => {
      for (let payload = 0; payload < count; payload++) {
        const id = `job-${payload}`;
        await persist(() => backend.publish(bench.queue, [message({ id, payload })]));
        stored.add(payload);
      }
    })();
    const working = (async () => {
      while (handled.size < count && !stop.signal.aborted) {
        for (const delivery of await persist(() => backend.reserve(bench.queue, 5, stop.signal))) {
          if (await persist(() => backend.settle(delivery, COMPLETED))) handled.add(readable(delivery).payload);
        }
      }
    })();
    try {
      for (let round = 1; round <= 3; round++) {
        await until('some jobs to be handled', () => handled.size >= round * 40);
        await server.kill();
        await server.start();
      }
      await publishing;
      // One whose hand-out was lost with its connection comes again after its lease.
      await until('all jobs to be handled', () => handled.size === count);
    } finally {
      stop.abort();
    }
    await working;
    expect(stored.size).toBe(count);
  });
});

describe('a Redis that is not there', () => {
  test('stops the application with its host and port', async () => {
    proxy.cut(true);
    const opening = bullmq({ connection: { host: '127.0.0.1', port: proxy.port } }).open({
      worker: 'test',
      warn: () => undefined,
    });
    await expect(opening).rejects.toThrow(`Redis at 127.0.0.1:${proxy.port} can't be used`);
  });

  test('is not waited for by close', async () => {
    const waiting = backend.reserve(bench.queue, 1, new AbortController().signal).catch(() => []);
    await until('it to be waiting', () => proxy.connections === 3);
    proxy.cut(true);
    const began = Date.now();
    await bench.close();
    expect(Date.now() - began).toBeLessThan(2_500);
    await waiting;
  });
});
