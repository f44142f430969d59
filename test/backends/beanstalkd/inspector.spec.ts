import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { notesTubesOf } from '../../../lib/backends/beanstalkd/tubes.js';
import { BackendError, type Backend } from '../../../lib/core/backend.js';
import type { InspectedJob, Inspector, JobState, StoredState } from '../../../lib/core/inspector.js';
import { isUnreadable } from '../../../lib/core/message.js';
import { messageOf } from '../../../lib/conformance/stage/draft.js';
import { House, PATIENCE, publish, take } from './house.js';

const FAILURE = {
  ...{ at: '2026-11-21T09:00:00.000Z', worker: 'w', attempt: 3, durationMs: 1 },
  error: { name: 'Error', message: 'no such box', stack: 'Error: no such box\n    at send' },
};

/** Of the server, when it answers again. */
const BACK = { timeout: 30_000 };

let house: House;
let backend: Backend;
let inspector: Inspector;

beforeEach(async () => {
  house = await House.open();
  backend = await house.backend();
  inspector = inspectorOf(backend);
}, 300_000);

afterEach(() => house.end());

function inspectorOf({ inspector }: Backend): Inspector {
  if (!inspector) throw new Error('the backend has no inspector');
  return inspector;
}

async function listAll(by: Inspector, state: JobState, limit = 100): Promise<InspectedJob[]> {
  const jobs: InspectedJob[] = [];
  let cursor: string | undefined;
  do {
    const page = await by.list('mail', state, { limit, cursor });
    expect(page.jobs.length).toBeLessThanOrEqual(limit);
    jobs.push(...page.jobs);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return jobs;
}

function idsOf(jobs: readonly InspectedJob[]): string[] {
  return jobs.map(({ content }) => content.id);
}

function failedState(id: string, more: Partial<StoredState> = {}): StoredState {
  const content = messageOf({ id }, Date.now());
  return { state: 'failed', content, attempts: 3, reason: 'no good', failures: [FAILURE], ...more };
}

async function storeFailed(count: number): Promise<string[]> {
  const ids = Array.from({ length: count }, (_, n) => `job-${n}`);
  const results = await inspector.store(
    'mail',
    ids.map((id) => failedState(id)),
  );
  expect(new Set(results)).toEqual(new Set(['stored']));
  return ids;
}

test('queues are the tubes of the prefix without its own of notes and records', async () => {
  expect(await inspector.queues()).toEqual([]);
  await publish(backend, 'mail', {});
  await backend.records?.set('key', 'text', 60_000);
  await inspector.store('a.b', [failedState('x')]);
  await house.put('default', 'x');
  expect(await inspector.queues()).toEqual(['a.b', 'default', 'mail']);
  const shop = await house.backend({ prefix: 'shop;' });
  await publish(shop, 'till', {});
  expect(await inspectorOf(shop).queues()).toEqual(['till']);
  expect(await inspector.queues()).toEqual(['a.b', 'default', 'mail']);
});

test('10,000 failed jobs are listed once each, in pages, while others fail and some are removed', async () => {
  const ids = await storeFailed(10_000);
  const seen: string[] = [];
  const removed = new Set<string>();
  let cursor: string | undefined;
  for (let page = 0; page === 0 || cursor !== undefined; page++) {
    const { jobs, cursor: next } = await inspector.list('mail', 'failed', { limit: 1_000, cursor });
    seen.push(...idsOf(jobs));
    cursor = next;
    if (page > 3) continue;
    const some = jobs.slice(-20);
    expect(await inspector.change('mail', some, { kind: 'remove' })).toEqual(some.map(() => 'done'));
    for (const { content } of some) removed.add(content.id);
    await inspector.store('mail', [failedState(`new-${page}`)]);
  }
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen.filter((id) => !id.startsWith('new'))).toEqual(ids);
  const left = ids.filter((id) => !removed.has(id));
  expect(idsOf(await listAll(inspector, 'failed', 5_000)).filter((id) => !id.startsWith('new'))).toEqual(left);
  expect((await inspector.get('mail', 'job-9876')).map(({ state }) => state)).toEqual(['failed']);
  expect(await inspector.counts('mail')).toMatchObject({ failed: left.length + 4, completed: undefined });
}, 120_000);

test('several who look at the same time each see all, and so does the next when one of them is cut off', async () => {
  const ids = await storeFailed(1_200);
  const others = [inspectorOf(await house.backend()), inspectorOf(await house.backend())];
  const lists = await Promise.all([inspector, inspector, ...others].map((each) => listAll(each, 'failed', 300)));
  for (const jobs of lists) expect(idsOf(jobs)).toEqual(ids);
  // One that holds some of the notes, and dies.
  const dying = await house.client();
  await dying.watchOnly(...notesTubesOf('mail'));
  await Promise.all(Array.from({ length: 700 }, () => dying.reserve(0)));
  const looking = inspector.list('mail', 'failed', { limit: 1_000 });
  await sleep(50);
  dying.connection.destroy('it died');
  expect(idsOf((await looking).jobs)).toEqual(ids.slice(0, 1_000));
  expect(await house.notes('mail')).toBe(1_200);
});

test('notes that somebody holds all the time are said to be, and are not waited for for ever', async () => {
  await storeFailed(2);
  const holding = await house.client();
  await holding.watchOnly(...notesTubesOf('mail'));
  await holding.reserve(0);
  const error: unknown = await inspector.list('mail', 'failed', { limit: 10 }).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(BackendError);
  expect(error).toMatchObject({ passing: true });
  expect((error as Error).message).toContain('being read by others');
}, 60_000);

test('a failed job is found by its id among a share of the notes, whatever is in the id', async () => {
  const hostile = [
    '"',
    '\\',
    '\\"',
    '"id":"a"',
    'é',
    '日本',
    '😀',
    '\u2028',
    '\ud800',
    '\udc00x',
    '\u0000',
    '${jndi}',
    ' ',
    'x'.repeat(1_000),
  ];
  const ids = [...(await storeFailed(200)), ...hostile];
  await inspector.store(
    'mail',
    hostile.map((id) => failedState(id)),
  );
  for (const id of ids) expect(idsOf(await inspector.get('mail', id))).toEqual([id]);
  expect(await inspector.get('mail', '\\u00e9')).toEqual([]);
  // Whoever holds the others doesn't keep anybody from finding it.
  const holding = await house.client();
  const share = notesTubesOf('mail', 'job-7');
  await holding.watchOnly(...notesTubesOf('mail').filter((tube) => !share.includes(tube)));
  let held = 0;
  while (await holding.reserve(0)) held += 1;
  expect(held).toBeGreaterThan(100);
  expect(idsOf(await inspector.get('mail', 'job-7'))).toEqual(['job-7']);
});

test('notes that all lie in one tube, as an earlier version has put them, are read as well', async () => {
  const ids = await storeFailed(20);
  const client = await house.client();
  await client.watchOnly(...notesTubesOf('mail'));
  for (let note = await client.reserve(0), n = 0; note && n < 20; note = await client.reserve(0), n++) {
    await client.putInto('mail;failed', { priority: 0, delay: 0, ttr: 60, body: note.body });
    await client.delete(note.id);
  }
  await client.connection.close();
  await inspector.store('mail', [failedState('new')]);
  expect(idsOf(await listAll(inspector, 'failed', 7))).toEqual([...ids, 'new']);
  for (const id of [...ids, 'new']) expect(idsOf(await inspector.get('mail', id))).toEqual([id]);
  const [job] = await inspector.get('mail', 'job-3');
  expect(await inspector.change('mail', job ? [job] : [], { kind: 'retry' })).toEqual(['done']);
  expect(await house.notes('mail')).toBe(20);
});

test('a failed job is shown with what its note tells', async () => {
  const before = Date.now();
  await publish(backend, 'mail', { id: 'a', payload: { n: 1 }, attemptsUsed: 2 });
  const settlement = { kind: 'failed', reason: 'no good', failures: [FAILURE] } as const;
  await backend.settle(await take(backend, 'mail'), settlement);
  const [job] = await listAll(inspector, 'failed');
  expect(job).toMatchObject({ state: 'failed', attempts: 3, reason: 'no good', failures: [FAILURE] });
  expect(job?.content).toMatchObject({ id: 'a', payload: { n: 1 } });
  expect(job?.endedAt).toBeGreaterThanOrEqual(before);
});

test('a job that another tool has kicked is failed no more, and its note is cleared away later', async () => {
  await inspector.store('mail', [
    failedState('old', { endedAt: Date.now() - 3_600_000 }),
    failedState('late'),
    failedState('stays'),
  ]);
  const client = await house.client();
  const [old, late] = await listAll(inspector, 'failed');
  for (const { key } of [old, late].flatMap((job) => job ?? [])) await client.kickJob(key.split(' ')[0] ?? '');
  expect(idsOf(await listAll(inspector, 'failed'))).toEqual(['stays']);
  expect(await house.notes('mail'), 'the old one is a leftover').toBe(2);
  for (const job of [old, late].flatMap((each) => each ?? [])) {
    expect(await inspector.change('mail', [job], { kind: 'retry' })).toEqual(['changed']);
  }
  // One that has failed again has two notes, and is shown once, with the latest.
  const settlement = { kind: 'failed', reason: 'again', failures: [] } as const;
  for (let n = 0; n < 2; n++) await backend.settle(await take(backend, 'mail'), settlement);
  for (const limit of [1, 2, 100]) {
    const jobs = await listAll(inspector, 'failed', limit);
    expect(idsOf(jobs).toSorted()).toEqual(['late', 'old', 'stays']);
  }
  const [again, ...more] = await inspector.get('mail', 'late');
  expect([again?.reason, more]).toEqual(['again', []]);
});

test('a job that another program has buried is shown behind the others, one at a time', async () => {
  const client = await house.client();
  await client.watchOnly('mail');
  for (const body of ['{"id":"theirs","header":{"request_type":"job"}}', 'no message']) {
    const id = await house.put('mail', body);
    await client.reserve(5);
    await client.bury(id, 1024);
  }
  await storeFailed(3);
  for (const limit of [1, 3, 10]) {
    expect(idsOf(await listAll(inspector, 'failed', limit))).toEqual(['job-0', 'job-1', 'job-2', 'theirs']);
  }
  const theirs = await inspector.get('mail', 'theirs');
  expect(theirs).toMatchObject([{ state: 'failed', attempts: 1, reason: undefined, failures: [] }]);
  expect(await inspector.change('mail', theirs, { kind: 'remove' })).toEqual(['done']);
  const raw = (await listAll(inspector, 'failed')).at(-1);
  expect(raw && isUnreadable(raw.content) && Buffer.from(raw.content.bytes).toString()).toBe('no message');
  expect(await inspector.change('mail', raw ? [raw] : [], { kind: 'retry' })).toEqual(['done']);
  expect(await inspector.counts('mail')).toMatchObject({ waiting: 1, failed: 3 });
  expect(await take(backend, 'mail')).toMatchObject({ attempt: 1, content: { kind: 'foreign' } });
});

test('a job that was looked at before the server started empty is not taken for the one with its number now', async () => {
  await house.end();
  house = await House.open({ binlog: false });
  backend = await house.backend();
  inspector = inspectorOf(backend);
  await publish(backend, 'mail', { payload: 'before' });
  const [before] = await listAll(inspector, 'waiting');
  await house.server.kill();
  await house.server.start();
  await expect
    .poll(
      () =>
        publish(backend, 'mail', { payload: 'after' }).then(
          () => true,
          () => false,
        ),
      BACK,
    )
    .toBe(true);
  const [after] = await listAll(inspector, 'waiting');
  expect(after?.key.split(' ')[0]).toBe(before?.key.split(' ')[0]);
  for (const kind of ['remove', 'retry'] as const) {
    expect(await inspector.change('mail', before ? [before] : [], { kind })).toEqual(['changed']);
  }
  expect(await inspector.counts('mail')).toMatchObject({ waiting: 1 });
});

test('keys and cursors that nobody gave change and show nothing', async () => {
  await storeFailed(1);
  const [job] = await listAll(inspector, 'failed');
  const [id, digest, note] = (job?.key ?? '').split(' ');
  const keys = [
    '',
    '0',
    `${id}`,
    `${id} x`,
    `${id}\r\ndelete ${id} ${digest}`,
    `${id} ${digest} ${note} 1`,
    ` ${job?.key}`,
  ];
  for (const key of keys) {
    for (const change of [{ kind: 'remove' }, { kind: 'retry' }] as const) {
      expect(await inspector.change('mail', [{ key, state: 'failed' }], change)).toEqual(['changed']);
    }
  }
  // Its note alone is another job of the server's.
  expect(await inspector.change('mail', [{ key: `${note} ${digest}`, state: 'waiting' }], { kind: 'remove' })).toEqual([
    'changed',
  ]);
  for (const cursor of ['', 'x', '1\r\nput', '-1', '1.5']) {
    await expect(inspector.list('mail', 'failed', { limit: 1, cursor })).rejects.toThrow(/^cursor: expected what/);
  }
  for (const strange of ['x', '*', 'a\0b', '\r\n', '\uD800']) expect(await inspector.get('mail', strange)).toEqual([]);
  expect(idsOf(await inspector.get('mail', 'job-0'))).toEqual(['job-0']);
});

test('what was stored as failed runs with fresh attempts, by whichever tool it is kicked, also after a restart', async () => {
  await inspector.store('mail', [failedState('a', { attempts: 20 }), failedState('b', { attempts: 7 })]);
  expect(await inspector.counts('mail')).toMatchObject({ waiting: 0, delayed: 0, active: 0, failed: 2 });
  await house.server.kill();
  await house.server.start();
  await expect.poll(() => listAll(inspector, 'failed').then(idsOf, () => []), BACK).toEqual(['a', 'b']);
  const [first] = await inspector.get('mail', 'a');
  expect(first).toMatchObject({ attempts: 20, reason: 'no good', failures: [FAILURE] });
  await (await house.client()).kickJob(first?.key.split(' ')[0] ?? '');
  const delivery = await take(backend, 'mail');
  expect(delivery).toMatchObject({ attempt: 1, content: { id: 'a' } });
  await backend.settle(delivery, { kind: 'again', at: 0, countsAttempt: true, failures: [] });
  expect((await take(backend, 'mail')).attempt).toBe(2);
});

test('while the server drains nothing is retried, and what could not be stays as it was', async () => {
  await storeFailed(2);
  const places = await listAll(inspector, 'failed');
  house.server.signal('SIGUSR1');
  await expect
    .poll(
      () =>
        publish(backend, 'mail', {}).then(
          () => 'taken',
          () => 'refused',
        ),
      PATIENCE,
    )
    .toBe('refused');
  const error: unknown = await inspector.change('mail', places, { kind: 'retry' }).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ name: 'BackendError', passing: true });
  await expect.poll(() => listAll(inspector, 'failed').then(idsOf), PATIENCE).toEqual(['job-0', 'job-1']);
  expect(await inspector.counts('mail')).toMatchObject({ failed: 2, active: 0 });
  // What needs no new job goes on.
  expect(await inspector.change('mail', await listAll(inspector, 'failed'), { kind: 'remove' })).toEqual([
    'done',
    'done',
  ]);
});

test('while the server is away every verb says so, and the next goes once it is back', async () => {
  await storeFailed(1);
  const [job] = await listAll(inspector, 'failed');
  const places = job ? [job] : [];
  const verbs: readonly (() => Promise<unknown>)[] = [
    () => inspector.queues(),
    () => inspector.counts('mail'),
    () => inspector.list('mail', 'waiting', { limit: 1 }),
    () => inspector.list('mail', 'failed', { limit: 1 }),
    () => inspector.get('mail', 'job-0'),
    () => inspector.change('mail', places, { kind: 'retry' }),
    () => inspector.store('mail', [failedState('b')]),
  ];
  await house.server.kill();
  for (const verb of verbs) {
    const error: unknown = await verb().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'BackendError', passing: true });
    expect((error as Error).message).toContain(String(house.server.port));
  }
  await house.server.start();
  await expect
    .poll(
      () =>
        inspector.counts('mail').then(
          ({ failed }) => failed,
          () => undefined,
        ),
      BACK,
    )
    .toBe(1);
  for (const verb of verbs) await verb();
  expect(await inspector.counts('mail')).toMatchObject({ waiting: 1, failed: 1 });
});

test('a server that is killed in the middle of a retry loses no job, and what was not done can be done again', async () => {
  const ids = await storeFailed(3_000);
  const places = await listAll(inspector, 'failed', 3_000);
  const retrying = inspector.change('mail', places, { kind: 'retry' }).then(
    () => 'done',
    () => 'broken off',
  );
  await expect
    .poll(() => house.count('mail', 'current-jobs-ready'), { interval: 5, timeout: 30_000 })
    .toBeGreaterThan(0);
  await house.server.kill();
  expect(await retrying).toBe('broken off');
  await house.server.start();
  await expect
    .poll(
      () =>
        inspector.counts('mail').then(
          () => true,
          () => false,
        ),
      BACK,
    )
    .toBe(true);
  // What was put and not yet deleted may be there twice.
  const left = await listAll(inspector, 'failed', 3_000);
  await inspector.change('mail', left, { kind: 'retry' });
  const handled = new Set<string>();
  while ((await inspector.counts('mail')).waiting) {
    for (const delivery of await backend.reserve('mail', 100, AbortSignal.timeout(10_000))) {
      handled.add(delivery.content.id);
      await backend.settle(delivery, { kind: 'completed' });
    }
  }
  expect(handled.size).toBe(ids.length);
  expect((await inspector.counts('mail')).failed).toBe(0);
}, 120_000);

test('a closed backend has no inspector any more', async () => {
  await backend.close();
  await expect(inspector.counts('mail')).rejects.toThrow('beanstalkd is closed');
});
