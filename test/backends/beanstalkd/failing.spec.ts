import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Note } from '../../../lib/backends/beanstalkd/notes.js';
import { notesTubesOf } from '../../../lib/backends/beanstalkd/tubes.js';
import { FatalError } from '../../../lib/core/errors.js';
import { House, PATIENCE, publish, take } from './house.js';

let house: House;

beforeEach(async () => {
  house = await House.open();
}, 300_000);

afterEach(() => house.end());

/** The notes of a queue, which stay. */
async function notes(queue: string): Promise<Note[]> {
  const client = await house.client();
  await client.watchOnly(...notesTubesOf(queue));
  const found: Note[] = [];
  for (let job = await client.reserve(0); job; job = await client.reserve(0)) {
    found.push(JSON.parse(job.body.toString()) as Note);
  }
  await client.connection.close();
  return found;
}

test('a failed job is buried where it is, as it came, with a note that tells why', async () => {
  const backend = await house.backend();
  const body = '{"id":"x y","header":{"request_type":"job","odd":[1]},   "body":{"n":1}}';
  const job = await house.put('mail', body);
  const crew = house.crew(backend, 'mail', { handlers: { job: () => Promise.reject(new FatalError('no such box')) } });
  await crew.hears('failed');
  expect(await house.count('mail', 'current-jobs-buried')).toBe(1);
  const client = await house.client();
  expect((await client.reserveJob(job))?.body.toString()).toBe(body);
  await client.bury(job, 1024);
  const [note, ...others] = await notes('mail');
  expect(others).toEqual([]);
  expect(note).toMatchObject({ job, id: 'x y', name: 'job', state: 'failed', reason: 'a fatal error', attempts: 1 });
  expect(note?.failures[0]).toMatchObject({ attempt: 1, error: { message: 'no such box' } });
  expect(await notes('mail'), 'notes are there again once they were read').toHaveLength(1);
});

test('a failed job that any tool kicks runs again with fresh attempts, also after a restart', async () => {
  let fails = true;
  const handlers = { job: () => (fails ? Promise.reject(new Error('busy')) : 'done') };
  const defaults = { attempts: 2 };
  const first = await house.backend();
  const crew = house.crew(first, 'mail', { handlers, defaults });
  await publish(first, 'mail', { attemptsUsed: 0 });
  expect((await crew.hears('failed')).job.attempt).toBe(2);
  await crew.stop();
  await first.close();
  await house.server.kill();
  await house.server.start();
  const client = await house.client();
  const [note] = await notes('mail');
  expect(await client.kickJob(note?.job ?? '')).toBe(true);
  const second = await house.backend();
  const again = house.crew(second, 'mail', { handlers, defaults });
  const { job } = await again.hears('retried');
  expect(job.attempt).toBe(1);
  fails = false;
  expect((await again.hears('completed')).job).toMatchObject({ id: note?.id, attempt: 2 });
  expect(await house.count('mail', 'current-jobs-buried')).toBe(0);
});

test.for<[name: string, body: Uint8Array, reason: RegExp]>([
  ['NULs', Buffer.alloc(200), /JSON/],
  ['nothing', Buffer.alloc(0), /empty/],
  ['no text', Buffer.from([0xff, 0xfe]), /UTF-8/],
  ['a message that was cut off', Buffer.from('{"id":"x","header":{"request_'), /JSON/],
])('a body of %s is buried with the reason, and the next job runs', async ([, body, reason]) => {
  const backend = await house.backend();
  const job = await house.put('mail', body);
  await house.put('mail', '{"header":{"request_type":"job"}}');
  const crew = house.crew(backend, 'mail', { handlers: { job: () => undefined }, concurrency: 1 });
  await crew.hears('completed');
  expect((await crew.hears('failed')).reason).toMatch(reason);
  const client = await house.client();
  expect((await client.reserveJob(job))?.body).toEqual(body);
  await client.bury(job, 0);
  expect((await notes('mail'))[0]).toMatchObject({ job, reason: expect.stringMatching(reason) as unknown });
});

test('a job whose body the binlog has lost is buried, and the next one runs', async () => {
  const backend = await house.backend();
  const body = '{"header":{"request_type":"torn"}}\r\n';
  await house.put('mail', body.trimEnd());
  await house.server.kill();
  for (const name of await readdir(house.server.folder)) {
    const file = join(house.server.folder, name);
    const bytes = await readFile(file);
    const at = bytes.indexOf(body);
    if (at >= 0) await writeFile(file, bytes.fill(0, at, at + body.length));
  }
  await house.server.start();
  await house.put('mail', '{"header":{"request_type":"job"}}');
  const crew = house.crew(backend, 'mail', { handlers: { job: () => undefined } });
  await crew.hears('completed');
  expect((await crew.hears('failed')).reason).toMatch(/JSON/);
  expect(await house.count('mail', 'current-jobs-buried')).toBe(1);
});

test('a note is cut to what the server takes', async () => {
  await house.end();
  house = await House.open({ args: ['-z', '2000'] });
  const backend = await house.backend();
  expect(backend.traits.maxBytes).toBe(2_000);
  await publish(backend, 'mail', {});
  const error = { name: 'Error', message: 'm'.repeat(500), stack: 's'.repeat(5_000) };
  const failure = { at: new Date().toISOString(), worker: 'w', attempt: 1, durationMs: 1, error };
  const settlement = { kind: 'failed', reason: 'no good', failures: Array(9).fill(failure) } as const;
  expect(await backend.settle(await take(backend, 'mail'), settlement)).toBe(true);
  const [note] = await notes('mail');
  expect(note).toMatchObject({ reason: 'no good', failures: [{ error: { name: 'Error', message: error.message } }] });
});

test('while the server drains, what fails is buried all the same, and that is said', async () => {
  const backend = await house.backend();
  await publish(backend, 'mail', {}, {});
  const [first, second] = [await take(backend, 'mail'), await take(backend, 'mail')];
  house.server.signal('SIGUSR1');
  await expect
    .poll(() => publish(backend, 'mail', {}).catch((error: unknown) => error), PATIENCE)
    .toBeInstanceOf(Error);
  await expect(publish(backend, 'mail', {}, {})).rejects.toMatchObject({
    passing: true,
    stored: 0,
    maybeStored: false,
  });
  expect(await backend.settle(first, { kind: 'failed', reason: 'no good', failures: [] })).toBe(true);
  expect(await backend.settle(second, { kind: 'completed' })).toBe(true);
  expect(await house.count('mail', 'current-jobs-buried')).toBe(1);
  expect(house.warnings).toEqual([expect.stringContaining('buried without one')]);
});
