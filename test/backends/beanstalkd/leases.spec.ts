import { fork } from 'node:child_process';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { messageOf } from '../../../lib/conformance/stage/draft.js';
import { encodeMessage, isUnreadable, LEAST_PRIORITY } from '../../../lib/core/message.js';
import { House, PATIENCE, publish, take } from './house.js';

let house: House;

beforeEach(async () => {
  house = await House.open();
}, 300_000);

afterEach(() => house.end());

test.for([1, 2])('a foreign job with a ttr of %d s runs once, however long it takes', async (ttr) => {
  const backend = await house.backend();
  await house.put('mail', '{"header":{"request_type":"job"}}', ttr);
  const started = performance.now();
  const handle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 4_000));
  const crew = house.crew(backend, 'mail', { handlers: { job: handle } });
  await crew.hears('completed');
  expect(performance.now() - started).toBeGreaterThan(4_000);
  expect(crew.calls).toHaveLength(1);
  const stats = await (await house.client()).stats();
  expect(stats.number('job-timeouts')).toBe(0);
  expect(stats.number('cmd-touch')).toBeLessThan(40);
  expect(stats.number('cmd-reserve-with-timeout')).toBeLessThan(10);
});

test('a foreign job with a long ttr is given back when the lease is over', async () => {
  const backend = await house.backend({ lease: '1s' });
  await house.put('mail', '{"header":{"request_type":"job"}}', 3_600);
  expect((await take(backend, 'mail')).attempt).toBe(1);
  expect((await take(backend, 'mail')).attempt).toBe(2);
});

test('leases of a worker that is silent lapse, though the server may forget them', async () => {
  const backend = await house.backend({ lease: '1s' });
  const attempts = Array.from({ length: 30 }, (): number[] => []);
  await publish(backend, 'mail', ...attempts.map((_, payload) => ({ payload })));
  // On a busy machine the first lapse while the last are taken, and again.
  while (attempts.some(({ length }) => length < 2)) {
    const { attempt, content } = await take(backend, 'mail');
    if (!isUnreadable(content)) attempts[Number(content.payload)]?.push(attempt);
  }
  for (const each of attempts) expect(each).toEqual(each.map((_, index) => index + 1));
});

test('an outcome that comes after the lease is dropped, and touches nobody’s job', async () => {
  const [slow, other] = [await house.backend({ lease: '1s' }), await house.backend({ lease: '1s' })];
  await publish(slow, 'mail', {});
  const old = await take(slow, 'mail');
  const taking = take(other, 'mail');
  for (const end = performance.now() + 2_500; performance.now() < end;);
  expect(await slow.settle(old, { kind: 'completed' })).toBe(false);
  // Whoever has it next had no more of a turn than this process.
  expect((await taking).attempt).toBeGreaterThan(1);
});

test('a settle never waits for a reserve', async () => {
  const backend = await house.backend();
  await publish(backend, 'mail', {}, {});
  const held = [await take(backend, 'mail'), await take(backend, 'mail')];
  const stop = new AbortController();
  const waiting = backend.reserve('mail', 5, stop.signal);
  await expect.poll(() => house.count('mail', 'current-waiting'), PATIENCE).toBe(1);
  for (const delivery of held) {
    const before = performance.now();
    expect(await backend.settle(delivery, { kind: 'completed' })).toBe(true);
    // A reserve waits for 25 s.
    expect(performance.now() - before).toBeLessThan(5_000);
  }
  stop.abort();
  expect(await waiting).toEqual([]);
});

test('an idle consumer asks the server for next to nothing', async () => {
  const backend = await house.backend();
  house.crew(backend, 'mail', { handlers: {}, concurrency: 50 });
  await expect.poll(() => house.count('mail', 'current-waiting'), PATIENCE).toBe(1);
  const client = await house.client();
  const asked = async (): Promise<number> => (await client.stats()).number('cmd-reserve-with-timeout');
  const before = await asked();
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  expect(await asked()).toBe(before);
});

test('what arrives for nobody goes back at no cost, at its place', async () => {
  const backend = await house.backend();
  const stop = new AbortController();
  const waiting = backend.reserve('mail', 1, stop.signal);
  await expect.poll(() => house.count('mail', 'current-waiting'), PATIENCE).toBe(1);
  stop.abort();
  expect(await waiting).toEqual([]);
  await publish(backend, 'mail', { payload: 0 }, { payload: 1 });
  await expect.poll(() => house.count('mail', 'current-jobs-ready'), PATIENCE).toBe(2);
  for (const payload of [0, 1]) {
    expect(await take(backend, 'mail')).toMatchObject({ attempt: 1, content: { payload } });
  }
});

test('what came with another job, and nobody asks for any more, goes back at no cost', async () => {
  const backend = await house.backend();
  const taking = backend.reserve('mail', 5, AbortSignal.timeout(15_000));
  await expect.poll(() => house.count('mail', 'current-waiting'), PATIENCE).toBe(1);
  await publish(backend, 'mail', { payload: 0 }, { payload: 1 });
  expect(await taking).toMatchObject([{ attempt: 1, content: { payload: 0 } }]);
  await expect.poll(() => house.count('mail', 'current-jobs-ready'), PATIENCE).toBe(1);
  expect(await take(backend, 'mail')).toMatchObject({ attempt: 1, content: { payload: 1 } });
});

test('what came with another job is handed out to the next who asks', async () => {
  const [backend, other] = [await house.backend(), await house.backend()];
  for (let round = 0; round < 50; round++) {
    const taking = backend.reserve('mail', 5, AbortSignal.timeout(15_000));
    await expect.poll(() => house.count('mail', 'current-waiting'), PATIENCE).toBe(1);
    await publish(other, 'mail', { payload: 0 }, { payload: 1 }, { payload: 2 });
    const taken = [...(await taking)];
    while (taken.length < 3) taken.push(...(await backend.reserve('mail', 5, AbortSignal.timeout(15_000))));
    expect(taken).toMatchObject([0, 1, 2].map((payload) => ({ attempt: 1, content: { payload } })));
    for (const delivery of taken) expect(await backend.settle(delivery, { kind: 'completed' })).toBe(true);
  }
});

test('more jobs are held than there may be connections, and a new one is still found', async () => {
  const backend = await house.backend();
  await publish(backend, 'mail', ...Array.from({ length: 60 }, (_, payload) => ({ payload })));
  for (let left = 60; left > 0; left--) await take(backend, 'mail');
  await publish(backend, 'mail', { payload: 'late' });
  expect((await take(backend, 'mail')).content).toMatchObject({ payload: 'late' });
  const stats = await (await house.client()).stats();
  expect(stats.number('current-connections')).toBeLessThan(40);
});

test('a blocked job that is put again keeps its priority and its message', async () => {
  const backend = await house.backend();
  const draft = { id: 'same', priority: LEAST_PRIORITY - 1, payload: { deep: ['é\0'] }, headers: { a: 'b' } };
  await publish(backend, 'mail', { ...draft, attemptsUsed: 1 });
  const first = await take(backend, 'mail');
  const again = { kind: 'again', at: Date.now() + 300, countsAttempt: false, failures: [] } as const;
  expect(await backend.settle(first, again)).toBe(true);
  const second = await take(backend, 'mail');
  expect([first.attempt, second.attempt]).toEqual([2, 2]);
  expect(second.content).toEqual(first.content);
  expect(await house.count('mail', 'current-jobs-delayed')).toBe(0);
});

test('a message may be as large as the server takes, and one byte more is refused before it is sent', async () => {
  const backend = await house.backend();
  expect(backend.traits.maxBytes).toBe(65_535);
  const room = 65_535 - Buffer.byteLength(encodeMessage(messageOf({ payload: '' }, Date.now())));
  await publish(backend, 'mail', { payload: 'a'.repeat(room) });
  await expect(publish(backend, 'mail', {}, { payload: 'a'.repeat(room + 1) })).rejects.toThrow(/65536.*65535/);
  expect(await house.count('mail', 'total-jobs')).toBe(1);
});

test('the job of a process that is killed runs elsewhere within a second', async () => {
  const backend = await house.backend();
  await publish(backend, 'mail', {});
  const code = `
    const socket = require('node:net').connect(${house.server.port}, '127.0.0.1');
    socket.on('data', (data) => String(data).includes('RESERVED') && process.send('held'));
    socket.write('watch mail\\r\\nreserve\\r\\n');`;
  const child = fork('-e', [code], { execArgv: [], stdio: 'ignore' });
  await new Promise((resolve) => child.once('message', resolve));
  const taking = take(backend, 'mail');
  const before = performance.now();
  child.kill('SIGKILL');
  expect((await taking).attempt).toBe(2);
  expect(performance.now() - before).toBeLessThan(1_000);
});
