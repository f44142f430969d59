import { afterEach, beforeEach, expect, test } from 'vitest';
import { memory, VirtualClock } from '../../lib/backends/memory/index.js';
import type { Backend } from '../../lib/core/backend.js';
import { changeRecord } from '../../lib/core/fleet-change.js';
import { forgetWorker, isStale, knownWorkers, sayWorker, type WorkerRecord } from '../../lib/core/fleet-workers.js';
import type { Records } from '../../lib/core/records.js';
import { START } from './workshop.js';
import { workerRecord } from './fleet/worker-record.js';

let clock: VirtualClock;
let backend: Backend;
let records: Records;

beforeEach(async () => {
  clock = new VirtualClock(START);
  backend = await memory({ clock }).open({ worker: 'x', warn: () => undefined });
  records = backend.records as Records;
});

afterEach(() => backend.close());

function worker(id: string, special: Partial<WorkerRecord> = {}): WorkerRecord {
  return workerRecord(id, clock.now(), special);
}

const ids = async (): Promise<string[]> => (await knownWorkers(records)).map(({ id }) => id);

test('a process is known from its first word on, until it takes its leave', async () => {
  await sayWorker(records, worker('b'), 180_000);
  await clock.advance(1);
  await Promise.all([sayWorker(records, worker('a'), 180_000), sayWorker(records, worker('c'), 180_000)]);
  expect((await ids())[0]).toBe('b');
  expect((await ids()).sort()).toEqual(['a', 'b', 'c']);
  await forgetWorker(records, 'a');
  expect((await ids()).sort()).toEqual(['b', 'c']);
});

test('one that says nothing more is stale after three heartbeats, then gone, and off the list', async () => {
  await sayWorker(records, worker('a'), 180_000);
  const [record] = await knownWorkers(records);
  expect(record && isStale(record, clock.now() + 30_000)).toBe(false);
  expect(record && isStale(record, clock.now() + 30_001)).toBe(true);
  await clock.advance(179_999);
  expect(await ids()).toEqual(['a']);
  await clock.advance(1);
  expect(await ids()).toEqual([]);
  expect((await records.get('fleet:workers'))?.text).toBe('[]');
});

test('one that was away for so long that nobody knew it any more is listed again by its next word', async () => {
  await sayWorker(records, worker('a'), 1_000);
  await clock.advance(1_000);
  expect(await ids()).toEqual([]);
  await sayWorker(records, worker('a'), 1_000);
  expect(await ids()).toEqual(['a']);
});

test('however much it runs, what it says fits in what every engine takes', async () => {
  const running = Array.from({ length: 100 }, (_, n) => ({
    id: `${n}${'ü'.repeat(450)}`,
    queue: 'default',
    attempt: 1,
  }));
  await sayWorker(records, worker('a', { running, runningCount: 100 }), 180_000);
  const text = (await records.get('fleet:worker:a'))?.text ?? '';
  expect(Buffer.byteLength(text)).toBeLessThanOrEqual(32_768);
  const [record] = await knownWorkers(records);
  expect(record?.runningCount).toBe(100);
  expect(record?.running.length).toBeGreaterThan(10);
});

test('records that can’t be read are as if there were none', async () => {
  await records.set('fleet:workers', '{"not": "a list"}', 180_000);
  await sayWorker(records, worker('a'), 180_000);
  await records.set('fleet:worker:a', 'nonsense', 180_000);
  expect(await ids()).toEqual([]);
});

test('of many changes of one record none is lost', async () => {
  const add = (n: number): Promise<unknown> =>
    changeRecord(records, 'sum', 180_000, (text) => String(Number(text ?? 0) + n));
  await Promise.all(Array.from({ length: 20 }, (_, n) => add(n)));
  expect((await records.get('sum'))?.text).toBe('190');
});

test('a change that changes nothing is not stored', async () => {
  expect(await changeRecord(records, 'key', 1_000, () => undefined)).toBeUndefined();
  expect(await records.get('key')).toBeUndefined();
});

test('a record that others change all the time is given up, with a reason', async () => {
  await records.set('key', 'x', 180_000);
  const contested: Records = {
    set: (...args) => records.set(...args),
    claim: (...args) => records.claim(...args),
    swap: () => Promise.resolve(false),
    get: (key) => records.get(key),
    delete: (...args) => records.delete(...args),
    watch: (...args) => records.watch(...args),
  };
  await expect(changeRecord(contested, 'key', 180_000, () => 'y')).rejects.toThrow(
    'record "key" could not be changed: others change it all the time',
  );
});
