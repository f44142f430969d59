import { hostname } from 'node:os';
import { rmSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { InspectedQueue } from '../../../lib/conformance/stage/inspected-queue.js';
import { Time } from '../../../lib/conformance/stage/time.js';
import type { Backend } from '../../../lib/core/backend.js';
import { systemClock } from '../../../lib/core/clock.js';
import { newId } from '../../../lib/core/id.js';
import { until } from './support/until.js';
import { READING, watchedDisk } from './support/watched-disk.js';
import { AN_HOUR_MS, json, Yard } from './support/yard.js';

function operating(yard: Yard, backend: Backend): InspectedQueue {
  if (!backend.inspector) throw new Error('expected an inspector');
  return new InspectedQueue(backend.inspector, yard.queue, new Time(systemClock, undefined, 30_000, 1_000));
}

test('an active job tells who has it, and a file of others in pending whose nobody knows', async () => {
  const yard = await Yard.make();
  const backend = await yard.open({ leaseMs: AN_HOUR_MS });
  await yard.publish(backend, { id: 'mine' });
  await yard.take(backend, 1);
  await yard.shell('echo {} > pending/theirs');
  const jobs = await operating(yard, backend).all('active');
  expect(jobs.map(({ content, worker }) => [content.id, worker])).toEqual([
    ['mine', `${hostname()}:${process.pid}`],
    ['theirs', undefined],
  ]);
});

test('files of others are shown, given another time and removed', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  const jobs = operating(yard, backend);
  yard.put('by hand', json({ attempts: 2, priority: 7 }));
  const shown = await jobs.single('waiting');
  expect([shown.content.id, shown.attempts]).toEqual(['by hand', 2]);
  await jobs.changes({ kind: 'reschedule', at: Date.now() + AN_HOUR_MS }, shown);
  expect(await yard.list('incoming')).toEqual([]);
  const delayed = await jobs.single('delayed');
  expect([delayed.content.id, delayed.attempts]).toEqual(['by hand', 2]);
  expect(await yard.publish(backend, { id: 'by hand' })).toEqual([{ duplicate: true }]);
  await jobs.changes({ kind: 'remove' }, delayed);
  expect(await yard.list('delayed')).toEqual([]);
  expect(await yard.publish(backend, { id: 'by hand' })).toEqual([{ duplicate: false }]);
});

test('a foreign name that was too long to keep comes back whole after a retry', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  const name = `${'ä'.repeat(100)}.json`;
  yard.put(name, json());
  await yard.fail(backend, await yard.takeOne(backend));
  const jobs = operating(yard, backend);
  expect(await jobs.ids('failed')).toEqual([name]);
  await jobs.changes({ kind: 'retry' }, await jobs.single('failed'));
  expect(await jobs.ids('waiting')).toEqual([name]);
  const again = await yard.takeOne(backend);
  expect([again.content.id, again.attempt]).toEqual([name, 1]);
});

test('a retry keeps the bytes, and takes the meta away', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  const text = ` ${json({ delay: '2020-01-01 00:00:00' }, { id: 'kept', body: { a: 1 } })}\n`;
  yard.put('kept', text);
  await yard.fail(backend, await yard.takeOne(backend));
  const jobs = operating(yard, backend);
  await jobs.changes({ kind: 'retry' }, await jobs.single('failed'));
  const [file] = await yard.list('incoming');
  expect((await yard.read('incoming', file)).toString()).toBe(text);
  await until('the meta to go', async () => (await yard.list('errors')).length === 0);
});

test('a second failure of a name is found by its id, and retried as the first', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  const jobs = operating(yard, backend);
  for (const count of [1, 2]) {
    yard.put('twice', json({}, { body: count }));
    await yard.fail(backend, await yard.takeOne(backend));
  }
  expect(await yard.list('errors')).toEqual(['twice', 'twice.meta', 'twice~2', 'twice~2.meta']);
  const found = await jobs.get('twice');
  expect(found.map(({ key }) => key).sort()).toEqual(['errors/twice', 'errors/twice~2']);
  await jobs.changes({ kind: 'retry' }, ...found);
  const taken = await yard.take(backend, 2);
  expect(taken.map(({ content }) => content.id)).toEqual(['twice', 'twice']);
});

test('a damaged or missing meta hides no job', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  const jobs = operating(yard, backend);
  await yard.shell('echo {} > errors/bare; echo {} > errors/torn; echo "{\\"att" > errors/torn.meta');
  expect(await jobs.ids('failed')).toEqual(['torn', 'bare']);
  expect((await jobs.all('failed')).map(({ attempts, failures }) => [attempts, failures])).toEqual([
    [0, []],
    [0, []],
  ]);
  await jobs.changes({ kind: 'remove' }, ...(await jobs.all('failed')));
  expect(await yard.list('errors')).toEqual([]);
});

test('no key leads out of the queue', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  const jobs = operating(yard, backend);
  writeFileSync(`${yard.directory}/victim`, 'x');
  for (const key of ['errors/../../victim', '../victim', 'errors/..', 'tmp/x', 'errors//victim', '/etc/passwd']) {
    for (const state of ['failed', 'waiting', 'expired'] as const) {
      expect(await jobs.change({ kind: 'remove' }, { key, state })).toEqual(['changed']);
    }
  }
  expect(await yard.shell('cat ../victim')).toBe('x');
});

test('an unknown queue is asked for without being made', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  expect(await backend.inspector?.counts('nobody')).toMatchObject({ waiting: 0, oldestWaitingAt: undefined });
  expect(await backend.inspector?.queues()).toEqual([yard.queue]);
});

test('counts read names alone, and a page reads its own jobs alone', async () => {
  const yard = await Yard.make();
  let read = new Set<string>();
  const disk = watchedDisk(({ operation, paths }) => {
    if (READING.has(operation)) read.add(paths[0]);
  });
  const backend = await yard.open({ disk });
  for (let n = 0; n < 500; n++) {
    const order = newId().replaceAll('-', '');
    writeFileSync(yard.path('incoming', `0000001024,${order},0,job-${n}`), json());
    writeFileSync(yard.path('errors', `failed-${n}`), json());
  }
  const jobs = operating(yard, backend);
  expect(await jobs.counts()).toMatchObject({ waiting: 500, failed: 500, delayed: 0, active: 0, expired: 0 });
  expect(read.size).toBe(0);
  for (const [state, files] of [
    ['waiting', 7],
    ['failed', 14],
  ] as const) {
    read = new Set();
    const page = await jobs.page(state, 7);
    expect([page.jobs.length, typeof page.cursor]).toEqual([7, 'string']);
    expect(read.size).toBe(files);
  }
});

test('the next pages of failed jobs need no other look through the folder; a first page always does', async () => {
  const yard = await Yard.make();
  let looks = 0;
  const disk = watchedDisk(({ operation, paths }) => {
    if (operation === 'list' && paths.at(0)?.endsWith('/errors')) looks += 1;
  });
  const backend = await yard.open({ disk });
  const jobs = operating(yard, backend);
  const names = Array.from({ length: 500 }, (_, n) => `failed-${String(n).padStart(3, '0')}`).toReversed();
  for (const name of names) writeFileSync(yard.path('errors', name), json());
  looks = 0;
  const seen: string[] = [];
  let cursor: string | undefined;
  let pages = 0;
  do {
    const page = await jobs.page('failed', 9, cursor);
    seen.push(...page.jobs.map(({ content }) => content.id));
    cursor = page.cursor;
    if (++pages === 3) rmSync(yard.path('errors', 'failed-001'));
  } while (cursor !== undefined);
  expect(seen).toEqual(names.filter((name) => name !== 'failed-001'));
  expect(pages).toBe(56);
  expect(looks).toBeLessThan(5);

  writeFileSync(yard.path('errors', 'failed-999'), json());
  const first = await jobs.page('failed', 9);
  expect(first.jobs[0]?.content.id).toBe('failed-999');
  // Pages of several readers, in turns.
  const other = await jobs.page('failed', 3);
  const next = await jobs.page('failed', 9, first.cursor);
  expect(next.jobs.map(({ content }) => content.id)).toEqual(names.slice(8, 17));
  const theirs = await jobs.page('failed', 3, other.cursor);
  expect(theirs.jobs.map(({ content }) => content.id)).toEqual(names.slice(2, 5));
});
