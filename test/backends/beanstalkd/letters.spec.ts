import { afterEach, expect, test, vi } from 'vitest';
import type { Client } from '../../../lib/backends/beanstalkd/client/client.js';
import { beanstalkd } from '../../../lib/backends/beanstalkd/index.js';
import type { Backend } from '../../../lib/core/backend.js';
import type { Letters } from '../../../lib/core/letters.js';
import { Proxy } from '../../servers/proxy.js';
import { publishingBy } from '../../core/crash/publishing.js';
import { hasten, House, PATIENCE, publish, take } from './house.js';

const MINUTE = 60_000;

let house: House;

afterEach(() => house.end());

function lettersOf(backend: Backend): Letters {
  const letters = backend.records?.letters;
  if (!letters) throw new Error('expected letters');
  return letters;
}

async function addressOf(letters: Letters): Promise<string> {
  return vi.waitFor(() => letters.address() ?? Promise.reject(new Error('no address yet')), PATIENCE);
}

/** One that hears a key. */
function hearing(letters: Letters, key: string): string[] {
  const texts: string[] = [];
  letters.hear(key, (text) => texts.push(text));
  return texts;
}

/** A process that reaches the server by a network that can break. */
async function farAway(): Promise<{ readonly proxy: Proxy; readonly backend: Backend }> {
  const proxy = await Proxy.to(house.server.port);
  const backend = await beanstalkd({ port: proxy.port }).open({ worker: 'far', warn: () => undefined });
  return { proxy, backend };
}

/** The jobs in the tubes of records, of those who watch, and of what came to processes. */
async function left(client: Client): Promise<number> {
  const tubes = (await client.listTubes()).filter((tube) => /^;(record|watch|inbox);/.test(tube));
  const counts = await Promise.all(tubes.map((tube) => client.statsTube(tube)));
  const kinds = ['current-jobs-ready', 'current-jobs-delayed', 'current-jobs-reserved'];
  return counts.flatMap((stats) => kinds.map((kind) => stats?.number(kind) ?? 0)).reduce((sum, one) => sum + one, 0);
}

test('letters are a job each, gone once they are heard, and one errand for all', async () => {
  house = await House.open();
  const [caller, worker] = [lettersOf(await house.backend()), lettersOf(await house.backend())];
  const client = await house.client();
  const address = await addressOf(caller);
  const before = (await client.stats()).number('cmd-put');
  for (let n = 0; n < 20; n++) {
    const texts = hearing(caller, `key ${n}`);
    await worker.send(address, `key ${n}`, `text ${n}`, MINUTE);
    await vi.waitFor(() => expect(texts).toEqual([`text ${n}`]), PATIENCE);
  }
  await vi.waitFor(async () => expect(await left(client)).toBe(0), PATIENCE);
  expect((await client.stats()).number('cmd-put') - before).toBe(21);
});

test('a letter waits for a process that has lost touch, though it is held for dead meanwhile', async () => {
  house = await House.open();
  const worker = lettersOf(await house.backend());
  const client = await house.client();
  const { proxy, backend } = await farAway();
  const address = await addressOf(lettersOf(backend));
  const texts = hearing(lettersOf(backend), 'key');
  proxy.cut(true);
  await vi.waitFor(async () => expect((await client.stats()).number('current-waiting')).toBe(0), PATIENCE);
  await worker.send(address, 'key', 'kept', MINUTE);
  expect(await hasten(client, '{"letters"')).toBe(1);
  expect(await hasten(client, '{"inbox"')).toBe(1);
  await vi.waitFor(async () => expect(await house.count(';errands', 'current-jobs-delayed')).toBe(2), PATIENCE);
  proxy.mend();
  await vi.waitFor(() => expect(texts).toEqual(['kept']), PATIENCE);
  await vi.waitFor(async () => expect(await left(client)).toBe(0), PATIENCE);
  await backend.close();
  await proxy.close();
});

test('what was sent to a process that is gone is cleared away when its time is over', async () => {
  house = await House.open();
  const worker = lettersOf(await house.backend());
  const client = await house.client();
  const { proxy, backend } = await farAway();
  const address = await addressOf(lettersOf(backend));
  proxy.cut(true);
  await vi.waitFor(async () => expect((await client.stats()).number('current-waiting')).toBe(0), PATIENCE);
  await Promise.all([100, 1_500].map((ttlMs) => worker.send(address, 'key', 'text', ttlMs)));
  expect(await left(client)).toBe(2);
  await hasten(client, '{"inbox"');
  await hasten(client, '{"letters"');
  await vi.waitFor(async () => expect(await left(client)).toBe(0), PATIENCE);
  await vi.waitFor(async () => expect(await house.count(';errands', 'current-jobs-delayed')).toBe(0), PATIENCE);
  await backend.close();
  await proxy.close();
});

test('who is there takes his letters: an errand for them ends', async () => {
  house = await House.open();
  const [caller, worker] = [lettersOf(await house.backend()), lettersOf(await house.backend())];
  const client = await house.client();
  const texts = hearing(caller, 'key');
  await worker.send(await addressOf(caller), 'key', 'text', MINUTE);
  await vi.waitFor(() => expect(texts).toEqual(['text']), PATIENCE);
  expect(await house.count(';errands', 'current-jobs-delayed')).toBe(2);
  expect(await hasten(client, '{"letters"')).toBe(1);
  await vi.waitFor(async () => expect(await house.count(';errands', 'current-jobs-delayed')).toBe(1), PATIENCE);
  expect(await house.count(';errands', 'current-jobs-ready')).toBe(0);
});

test('who closes leaves nothing behind', async () => {
  house = await House.open();
  const [backend, client] = [await house.backend(), await house.client()];
  const letters = lettersOf(backend);
  await letters.send(await addressOf(letters), 'key', 'text', 1_000);
  await vi.waitFor(async () => expect((await backend.records?.get('key'))?.text).toBe('text'), PATIENCE);
  await backend.close();
  await vi.waitFor(async () => expect((await client.stats()).number('current-connections')).toBe(1), PATIENCE);
  const errands = (await client.listTubes()).filter((tube) => tube.startsWith(';inbox;'));
  expect(errands).toEqual([]);
  expect(letters.address()).toBeUndefined();
});

test.each([true, false])('letters go on when the server was killed and is back, binlog %s', async (binlog) => {
  house = await House.open({ binlog });
  const [caller, worker] = [lettersOf(await house.backend()), lettersOf(await house.backend())];
  const address = await addressOf(caller);
  const texts = hearing(caller, 'key');
  await worker.send(address, 'key', 'before', MINUTE);
  await vi.waitFor(() => expect(texts).toEqual(['before']), PATIENCE);
  await house.server.kill();
  await house.server.start();
  await vi.waitFor(() => worker.send(address, 'key', 'after', MINUTE), PATIENCE);
  await vi.waitFor(() => expect(texts.at(-1)).toBe('after'), PATIENCE);
  const client = await house.client();
  expect(await addressOf(caller)).toBe(address);
  // Its own errand, and that for what was sent to it, by each connection.
  expect(await house.count(';errands', 'current-jobs-delayed')).toBe(binlog ? 3 : 2);
  await vi.waitFor(async () => expect(await left(client)).toBe(0), PATIENCE);
});

test('a letter goes before the end of a job, by whichever connection holds that', async () => {
  house = await House.open();
  const [caller, worker] = [await house.backend(), await house.backend()];
  const address = await addressOf(lettersOf(caller));
  const texts = hearing(lettersOf(caller), 'key');
  await publish(worker, 'mail', {}, {});
  const held = [await take(worker, 'mail'), await take(worker, 'mail')];
  for (const [index, { receipt }] of held.entries()) {
    // The first leaves an errand for all.
    for (const nth of [1, 2]) await lettersOf(worker).send(address, 'key', `${index}: ${nth}`, MINUTE, receipt);
  }
  await vi.waitFor(() => expect(texts).toEqual(['0: 1', '0: 2', '1: 1', '1: 2']), PATIENCE);
  const stop = new AbortController();
  const waiting = worker.reserve('mail', 5, stop.signal);
  for (const delivery of held) expect(await worker.settle(delivery, { kind: 'completed' })).toBe(true);
  await lettersOf(worker).send(address, 'key', 'of what is over', MINUTE, held[0]?.receipt);
  await vi.waitFor(() => expect(texts.at(-1)).toBe('of what is over'), PATIENCE);
  stop.abort();
  expect(await waiting).toEqual([]);
});

test('a job whose answer the server does not take stays, and is answered once it does', async () => {
  house = await House.open();
  const [caller, worker] = [await house.backend(), await house.backend()];
  let begun = 0;
  let goOn = (): void => undefined;
  const gate = new Promise<void>((resolve) => (goOn = resolve));
  const said: string[] = [];
  const say = (message: string): unknown => said.push(message);
  house.crew(worker, 'calls', {
    handlers: { job: () => 'done', slow: () => (begun++, gate.then(() => 'answered')) },
    reporter: { log: say, warn: say, error: say },
  });
  const { publisher } = publishingBy(caller, 'calls');
  await addressOf(lettersOf(caller));
  expect(await publisher.call('job', {})).toBe('done');
  const answer = publisher.call('slow', {});
  await vi.waitFor(() => expect(begun).toBe(1), PATIENCE);
  house.server.signal('SIGUSR1');
  await expect
    .poll(() => publish(caller, 'other', {}).catch((error: unknown) => error), PATIENCE)
    .toBeInstanceOf(Error);
  goOn();
  await vi.waitFor(() => expect(said.join()).toContain('draining'), PATIENCE);
  expect(await house.count('calls', 'current-jobs-reserved')).toBe(1);
  await house.server.kill();
  await house.server.start();
  expect(await answer).toBe('answered');
  expect(begun).toBe(2);
});

test('what is no letter is passed over, and one that is larger than the server takes is refused', async () => {
  house = await House.open({ args: ['-z', '2000'] });
  const [caller, worker] = [lettersOf(await house.backend()), lettersOf(await house.backend())];
  const address = await addressOf(caller);
  const texts = hearing(caller, 'key');
  for (const body of ['', 'null', '{"letter":"key"}', Buffer.alloc(50)]) await house.put(`;inbox;${address}`, body);
  await expect(worker.send(address, 'key', 'é'.repeat(1_000), MINUTE)).rejects.toMatchObject({
    name: 'BackendError',
    passing: false,
  });
  await worker.send(address, 'key', 'text', MINUTE);
  await vi.waitFor(() => expect(texts).toEqual(['text']), PATIENCE);
  expect(await house.count(`;inbox;${address}`, 'current-jobs-ready')).toBe(0);
});
