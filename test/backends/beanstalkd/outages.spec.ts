import { afterEach, expect, test } from 'vitest';
import { BackendError } from '../../../lib/core/backend.js';
import { beanstalkd } from '../../../lib/backends/beanstalkd/index.js';
import { isUnreadable } from '../../../lib/core/message.js';
import { House, PATIENCE, publish, take } from './house.js';

let house: House;

afterEach(() => house.end());

test('a server that is away when it is opened is told by host and port', async () => {
  house = await House.open();
  await house.server.kill();
  const { host, port } = house.server;
  await expect(house.backend()).rejects.toThrow(`${host}:${port}`);
  const description = beanstalkd({ path: '/nowhere/beanstalkd.sock' });
  await expect(description.open({ worker: 'test', warn: () => undefined })).rejects.toThrow('/nowhere/beanstalkd.sock');
});

test('a server without a binlog is warned of once, and tells its durability', async () => {
  house = await House.open({ binlog: false });
  expect((await house.backend()).traits.durability).toBe('none');
  expect(house.warnings).toEqual([expect.stringContaining('without a binlog')]);
});

test('a waiting reserve rejects when the server is killed, and works again once it is back', async () => {
  house = await House.open();
  const backend = await house.backend();
  expect([backend.traits.durability, house.warnings]).toEqual(['process', []]);
  const waiting = expect(backend.reserve('mail', 1, AbortSignal.timeout(15_000))).rejects.toMatchObject({
    passing: true,
    message: expect.stringContaining(`${house.server.host}:${house.server.port}`) as unknown,
  });
  await expect.poll(() => house.count('mail', 'current-waiting'), PATIENCE).toBe(1);
  await house.server.kill();
  await waiting;
  await expect(backend.reserve('mail', 1, AbortSignal.timeout(15_000))).rejects.toBeInstanceOf(BackendError);
  await expect(publish(backend, 'mail', {})).rejects.toMatchObject({ passing: true, stored: 0, maybeStored: false });
  await house.server.start();
  await publish(backend, 'mail', { payload: 'back' });
  expect((await take(backend, 'mail')).content).toMatchObject({ payload: 'back' });
  expect(await house.count('default', 'total-jobs'), 'the tube is used again').toBe(0);
});

test('puts in flight when the server is killed are stored as told', async () => {
  house = await House.open({ args: ['-f0'] });
  const backend = await house.backend();
  const stored = new Set<number>();
  const maybe = new Set<number>();
  let next = 0;
  const publishing = async (): Promise<void> => {
    for (let failed = false; !failed;) {
      const payload = next++;
      try {
        await publish(backend, 'mail', { payload });
        stored.add(payload);
      } catch (error) {
        failed = true;
        if (error instanceof BackendError && error.maybeStored) maybe.add(payload);
      }
    }
  };
  const all = Array.from({ length: 100 }, publishing);
  await expect.poll(() => stored.size, PATIENCE).toBeGreaterThan(1_000);
  await house.server.kill();
  await Promise.all(all);
  await house.server.start();
  const found = new Set<number>();
  const count = await house.count('mail', 'current-jobs-ready');
  while (found.size < count) {
    for (const delivery of await backend.reserve('mail', 100, AbortSignal.timeout(15_000))) {
      if (!isUnreadable(delivery.content)) found.add(Number(delivery.content.payload));
      await backend.settle(delivery, { kind: 'completed' });
    }
  }
  expect([...stored].filter((payload) => !found.has(payload))).toEqual([]);
  expect([...found].filter((payload) => !stored.has(payload) && !maybe.has(payload))).toEqual([]);
});

test('a receipt of before touches no job of the server that came after, though its ids begin again', async () => {
  house = await House.open({ binlog: false });
  const backend = await house.backend();
  await publish(backend, 'mail', { payload: 'before' });
  const old = await take(backend, 'mail');
  await house.server.kill();
  await house.server.start();
  await publish(backend, 'mail', { payload: 'after' });
  const settlements = [
    { kind: 'completed' },
    { kind: 'failed', reason: 'no', failures: [] },
    { kind: 'again', at: 0, countsAttempt: false, failures: [] },
  ] as const;
  for (const settlement of settlements) expect(await backend.settle(old, settlement).catch(() => false)).toBe(false);
  expect(await backend.extend(old)).toBe(false);
  const held = await take(backend, 'mail');
  expect(held.content).toMatchObject({ payload: 'after' });
  expect(await backend.settle(old, { kind: 'completed' })).toBe(false);
  expect(await backend.settle(held, { kind: 'completed' })).toBe(true);
});

test('the outcome of a handler that ran while the server was killed is dropped, and its job runs again', async () => {
  house = await House.open({ args: ['-f0'] });
  const backend = await house.backend({ lease: '3s' });
  const crew = house.crew(backend, 'mail', {
    handlers: {
      job: (_, job) =>
        new Promise((resolve) => {
          if (crew.calls.length > 1) resolve('second');
          else job.signal.addEventListener('abort', () => resolve('too late'));
        }),
    },
  });
  await publish(backend, 'mail', {});
  await crew.hears('started');
  await house.server.kill();
  await house.server.start();
  await crew.hears('leaseLost');
  expect((await crew.hears('completed')).result).toBe('second');
  // The server writes a delivery down with the job's next change only, so that its death forgets the last.
  expect(crew.calls.map(({ attempt }) => attempt)).toEqual([1, 1]);
});

test('attempts count on across a restart of the server', async () => {
  house = await House.open({ args: ['-f0'] });
  const backend = await house.backend();
  await publish(backend, 'mail', { id: 'same' });
  for (const attempt of [1, 2]) {
    const delivery = await take(backend, 'mail');
    expect(delivery).toMatchObject({ attempt, content: { id: 'same' } });
    await backend.settle(delivery, { kind: 'again', at: Date.now() + 500, countsAttempt: true, failures: [] });
  }
  await house.server.kill();
  await house.server.start();
  const delivery = await take(backend, 'mail').catch(() => take(backend, 'mail'));
  expect(delivery).toMatchObject({ attempt: 3, content: { id: 'same' } });
});

test('close leaves nothing behind, whatever was under way', async () => {
  house = await House.open();
  const backend = await house.backend();
  await publish(backend, 'mail', {}, {}, {});
  await take(backend, 'mail');
  const waiting = backend.reserve('other', 1, new AbortController().signal);
  await backend.close();
  expect(await waiting).toEqual([]);
  await expect(publish(backend, 'mail', {})).rejects.toBeInstanceOf(BackendError);
  const client = await house.client();
  expect((await client.stats()).number('current-connections')).toBe(1);
});
