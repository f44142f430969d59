import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Client } from '../../../lib/backends/beanstalkd/client/client.js';
import { beanstalkd } from '../../../lib/backends/beanstalkd/index.js';
import type { Backend } from '../../../lib/core/backend.js';
import type { Records } from '../../../lib/core/records.js';
import { Proxy } from '../../servers/proxy.js';
import { hasten, House, PATIENCE, publish, take } from './house.js';

const MINUTE = 60_000;
const LONG = { timeout: 30_000 };

let house: House;

afterEach(() => house.end());

function recordsOf(backend: Backend): Records {
  if (!backend.records) throw new Error('expected records');
  return backend.records;
}

async function open(): Promise<Records> {
  return recordsOf(await house.backend());
}

/** Watches a key; tells how often it was told. */
async function watched(records: Records, key: string): Promise<{ told: number; end(): void }> {
  const watch = { told: 0, end: (): void => undefined };
  watch.end = await records.watch(key, () => void watch.told++);
  return watch;
}

/** The tubes of records and of those who watch that have jobs: one in which a process looked last is there without. */
async function tubes(client: Client): Promise<string[]> {
  const all = (await client.listTubes()).filter((tube) => /^;(record|watch);/.test(tube)).sort();
  const counts = await Promise.all(all.map((tube) => client.statsTube(tube)));
  return all.filter((_, index) => (counts[index]?.number('current-jobs-ready') ?? 0) > 0);
}

/** Whether something was done. */
async function works(act: () => Promise<unknown>): Promise<boolean> {
  return act().then(
    () => true,
    () => false,
  );
}

describe('what is stored', () => {
  test('is gone from the server after its time, with its tube', async () => {
    house = await House.open();
    const [records, client] = [await open(), await house.client()];
    await records.set('set', 'text', 100);
    await records.claim('claimed', 'text', 100);
    await records.set('set', 'other', 200);
    await records.set('kept', 'text', MINUTE);
    expect(await tubes(client)).toHaveLength(3);
    await vi.waitFor(async () => expect(await tubes(client)).toHaveLength(1), LONG);
    expect((await records.get('kept'))?.text).toBe('text');
    // That of a record that was replaced may be due a little later.
    await vi.waitFor(async () => expect(await house.count(';errands', 'current-jobs-delayed')).toBe(1), LONG);
  });

  test('leaves nothing where it is deleted, lost to another or set anew', async () => {
    house = await House.open();
    const [records, other] = [await open(), await open()];
    const client = await house.client();
    await Promise.all([1, 2, 3, 4].map((index) => [records, other][index % 2]?.claim('key', `${index}`, MINUTE)));
    expect(await house.count(';errands', 'current-jobs-delayed')).toBe(1);
    expect(await other.delete('key')).toBe(true);
    expect(await house.count(';errands', 'current-jobs-delayed')).toBe(0);
    await records.claim('key', 'claimed', MINUTE);
    await other.set('key', 'set', MINUTE);
    expect(await house.count(';errands', 'current-jobs-delayed')).toBe(1);
    await other.delete('key', 'set');
    expect(await tubes(client)).toEqual([]);
  });

  test('is cleared away by whoever serves queues when its process is gone', async () => {
    house = await House.open();
    const first = await house.backend();
    await recordsOf(first).set('key', 'text', 1_000);
    await first.close();
    const client = await house.client();
    expect(await tubes(client)).toHaveLength(1);
    const { host, port } = house.server;
    const context = { worker: 'test', queues: ['mail'], warn: (): void => undefined };
    const second = await beanstalkd({ host, port }).open(context);
    await vi.waitFor(async () => expect(await tubes(client)).toEqual([]), LONG);
    await second.close();
    await vi.waitFor(async () => expect(await client.statsTube(';errands')).toBeUndefined(), PATIENCE);
  });

  test('survives a server that is killed, and is cleared away later', async () => {
    house = await House.open();
    const records = await open();
    expect(await records.claim('key', 'text', 2_000)).toBeUndefined();
    await records.set('kept', 'text', MINUTE);
    await house.server.kill();
    await house.server.start();
    expect((await records.claim('kept', 'other', MINUTE))?.text).toBe('text');
    const client = await house.client();
    await vi.waitFor(async () => expect(await tubes(client)).toHaveLength(1), LONG);
    expect(await records.claim('key', 'other', MINUTE)).toBeUndefined();
  });

  test('may be as large as the server takes it, and what is larger is refused before it is sent', async () => {
    house = await House.open({ args: ['-z', '2000'] });
    const [records, client] = [await open(), await house.client()];
    const fits = 'x'.repeat(1_800);
    await records.set('key', fits, MINUTE);
    await records.claim('other', fits, MINUTE);
    const puts = (await client.stats()).number('cmd-put');
    const refused = {
      name: 'BackendError',
      passing: false,
      message: expect.stringMatching(/2\d\d\d bytes.* 2000/) as string,
    };
    await expect(records.set('key', 'é'.repeat(1_000), MINUTE)).rejects.toMatchObject(refused);
    await expect(records.claim('third', 'é'.repeat(1_000), MINUTE)).rejects.toMatchObject(refused);
    expect((await client.stats()).number('cmd-put')).toBe(puts);
    expect((await records.get('key'))?.text).toBe(fits);
  });

  test('that was torn by a crash of the server, or is no record, is passed over', async () => {
    house = await House.open();
    const [records, client] = [await open(), await house.client()];
    await records.set('key', 'text', MINUTE);
    const [tube = ''] = await tubes(client);
    await records.delete('key');
    for (const body of [Buffer.alloc(50), '{"text":"no record"}', 'null', '']) await house.put(tube, body);
    expect(await records.get('key')).toBeUndefined();
    await house.put(tube, Buffer.alloc(50));
    expect(await records.claim('key', 'text', MINUTE)).toBeUndefined();
    expect((await records.get('key'))?.text).toBe('text');
    expect(await house.count(tube, 'current-jobs-ready')).toBe(1);
  });
});

describe('watching', () => {
  test('takes one connection for a thousand keys, and leaves nothing behind', async () => {
    house = await House.open();
    const [records, other, client] = [await open(), await open(), await house.client()];
    await records.set('first', 'text', MINUTE);
    const connections = async (): Promise<number> => (await client.stats()).number('current-connections');
    await other.set('first', 'text', MINUTE);
    const before = await connections();
    const keys = Array.from({ length: 1_000 }, (_, index) => `key ${index}`);
    const watches = await Promise.all(keys.map((key) => watched(records, key)));
    expect(await connections()).toBe(before);
    await Promise.all(keys.map((key) => other.set(key, 'text', MINUTE)));
    await vi.waitFor(() => expect(watches.filter(({ told }) => told === 0)).toEqual([]), LONG);
    for (const { end } of watches) end();
    const left = async (): Promise<string[]> => (await tubes(client)).filter((tube) => tube.startsWith(';watch;'));
    await vi.waitFor(async () => expect(await left()).toEqual([]), LONG);
  });

  test.each([true, false])('goes on when the server was killed and is back, binlog %s', async (binlog) => {
    house = await House.open({ binlog });
    const [records, other] = [await open(), await open()];
    const watches = [await watched(records, 'a'), await watched(records, 'b'), await watched(records, 'b')];
    await house.server.kill();
    await sleep(100);
    await house.server.start();
    await vi.waitFor(() => expect(watches.filter(({ told }) => told === 0)).toEqual([]), LONG);
    const before = watches.map(({ told }) => told);
    await vi.waitFor(async () => expect(await works(() => other.set('b', 'text', MINUTE))).toBe(true), LONG);
    await vi.waitFor(
      () => expect(watches.map(({ told }, at) => told > (before[at] ?? 0))).toEqual([false, true, true]),
      LONG,
    );
    for (const { end } of watches) end();
    const client = await house.client();
    await vi.waitFor(
      async () => expect((await tubes(client)).filter((tube) => tube.startsWith(';watch;'))).toEqual([]),
      LONG,
    );
  });

  test('takes nothing away but its own where the server has lost its jobs and counts anew', async () => {
    house = await House.open({ binlog: false });
    const backend = await house.backend();
    const records = recordsOf(backend);
    const ended = await watched(records, 'ended');
    const kept = await watched(records, 'kept');
    await house.server.kill();
    await house.server.start();
    await vi.waitFor(async () => expect(await works(() => publish(backend, 'mail', {}))).toBe(true), LONG);
    for (let more = 0; more < 20; more++) await publish(backend, 'mail', {});
    await vi.waitFor(() => expect(kept.told).toBeGreaterThan(0), LONG);
    ended.end();
    kept.end();
    await backend.close();
    expect(await house.count('mail', 'current-jobs-ready')).toBe(21);
  });

  test('hears of the last of many that were set at the same time by others', async () => {
    house = await House.open();
    const [records, one, two] = [await open(), await open(), await open()];
    for (let round = 0; round < 20; round++) {
      const key = `key ${round}`;
      const seen: (string | undefined)[] = [];
      const end = await records.watch(key, () => void records.get(key).then((found) => seen.push(found?.text)));
      await Promise.all([0, 1, 2, 3].map((index) => [one, two][index % 2]?.set(key, `${round} ${index}`, MINUTE)));
      const last = (await one.get(key))?.text;
      await vi.waitFor(() => expect(seen.at(-1)).toBe(last), PATIENCE);
      end();
    }
  });

  test('of a process that is gone is cleared away, and nothing is told to it', async () => {
    house = await House.open();
    const proxy = await Proxy.to(house.server.port);
    const far = await beanstalkd({ port: proxy.port }).open({ worker: 'far', warn: () => undefined });
    await recordsOf(far).watch('told', () => undefined);
    await recordsOf(far).watch('never told', () => undefined);
    proxy.cut(true);
    const [records, client] = [await open(), await house.client()];
    await vi.waitFor(async () => expect((await client.stats()).number('current-waiting')).toBe(0), PATIENCE);
    await records.set('told', 'text', MINUTE);
    expect((await client.listTubes()).filter((tube) => tube.startsWith(';inbox;'))).toHaveLength(1);
    expect((await tubes(client)).filter((tube) => tube.startsWith(';watch;'))).toHaveLength(1);
    expect(await hasten(client, '{"inbox"')).toBe(1);
    await vi.waitFor(async () => {
      expect((await tubes(client)).filter((tube) => tube.startsWith(';watch;'))).toEqual([]);
    }, LONG);
    expect(await house.count(';errands', 'current-jobs-delayed')).toBe(1);
    await far.close();
    await proxy.close();
  });

  test('of a process that is there is left alone', async () => {
    house = await House.open();
    const [records, client] = [await open(), await house.client()];
    const watch = await watched(records, 'key');
    expect(await hasten(client, '{"inbox"')).toBe(1);
    await vi.waitFor(async () => expect(await house.count(';errands', 'current-jobs-delayed')).toBe(1), PATIENCE);
    await records.set('key', 'text', MINUTE);
    await vi.waitFor(() => expect(watch.told).toBe(1), PATIENCE);
  });
});

describe('a swap', () => {
  test('that died on its way is passed over, and cleared away', async () => {
    house = await House.open();
    const [records, client] = [await open(), await house.client()];
    await records.claim('key', 'before', MINUTE);
    const [tube = ''] = await tubes(client);
    const record = { key: 'key', text: 'pending', expiresAt: Date.now() + MINUTE, nonce: 'of a dead one' };
    await client.putInto(tube, { priority: 0, delay: 120, ttr: 60, body: JSON.stringify(record) });
    expect((await records.get('key'))?.text).toBe('before');
    expect(await records.delete('key', 'before')).toBe(true);
    expect(await records.claim('key', 'after', MINUTE)).toBeUndefined();
    expect((await records.get('key'))?.text).toBe('after');
    expect(await house.count(tube, 'current-jobs-delayed')).toBe(0);
  });

  test('and what else is done with its key at the same time leave one record, and none behind it', async () => {
    house = await House.open();
    const [records, one, two] = [await open(), await open(), await open()];
    const client = await house.client();
    for (let round = 0; round < 40; round++) {
      await records.set('key', 'from', MINUTE);
      const [tube = ''] = await tubes(client);
      const [swapped, swappedToo, claimed] = await Promise.all([
        one.swap('key', 'from', 'one', MINUTE),
        two.swap('key', 'from', 'two', MINUTE),
        records.claim('key', 'claimed', MINUTE),
        round % 2 === 0 ? records.set('key', 'set', MINUTE) : undefined,
      ]);
      const text = (await records.get('key'))?.text;
      if (round % 2 === 0) expect(text).toBe('set');
      else expect([swapped, swappedToo, text]).toEqual([text === 'one', text === 'two', text]);
      expect(claimed).toBeDefined();
      expect(await house.count(tube, 'current-jobs-ready')).toBe(1);
      expect(await house.count(tube, 'current-jobs-delayed')).toBe(0);
      await records.delete('key');
    }
  });
});

test('where the server is away everything fails soon, and says so', async () => {
  house = await House.open();
  const records = await open();
  await records.set('key', 'text', MINUTE);
  await house.server.kill();
  const fault = {
    name: 'BackendError',
    passing: true,
    message: expect.stringContaining(`${house.server.port}`) as string,
  };
  await expect(records.set('key', 'text', MINUTE)).rejects.toMatchObject(fault);
  await expect(records.claim('key', 'text', MINUTE)).rejects.toMatchObject(fault);
  await expect(records.get('key')).rejects.toMatchObject(fault);
  await expect(records.swap('key', 'text', 'other', MINUTE)).rejects.toMatchObject(fault);
  await expect(records.delete('key')).rejects.toMatchObject(fault);
  await expect(records.watch('key', () => undefined)).rejects.toMatchObject(fault);
  await house.server.start();
  const watch = await watched(records, 'key');
  await records.set('key', 'text', MINUTE);
  await vi.waitFor(() => expect(watch.told).toBeGreaterThan(0), PATIENCE);
});

test('closing takes away what is watched, and ends all connections', async () => {
  house = await House.open();
  const [backend, client] = [await house.backend(), await house.client()];
  await recordsOf(backend).watch('key', () => undefined);
  await recordsOf(backend).set('other', 'text', MINUTE);
  await backend.close();
  await vi.waitFor(async () => expect((await client.stats()).number('current-connections')).toBe(1), PATIENCE);
  const left = (await client.listTubes()).map((tube) => tube.replace(/;[\w-]{43}$/, ''));
  expect(left.sort()).toEqual([';errands', ';record', 'default']);
  await expect(recordsOf(backend).get('key')).rejects.toThrow('beanstalkd is closed');
  await expect(recordsOf(backend).watch('key', () => undefined)).rejects.toThrow('closed');
});

test('a job that gives way to one that is too large stays', async () => {
  house = await House.open({ args: ['-z', '1000'] });
  const backend = await house.backend();
  await publish(backend, 'mail', { payload: 'first' });
  const delivery = await take(backend, 'mail');
  const next = { ...(delivery.content as { id: string }), body: JSON.stringify('x'.repeat(2_000)) };
  const settling = backend.settle(delivery, { kind: 'replaced', message: next as never });
  await expect(settling).rejects.toMatchObject({ name: 'BackendError', passing: false });
  expect(await backend.settle(delivery, { kind: 'completed' })).toBe(true);
});
