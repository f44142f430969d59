import { expect, test } from 'vitest';
import { sayBlocked, withBlock } from '../../lib/core/fleet-blocks.js';
import {
  forgetWorker,
  knownWorkers,
  sayWorker,
  type BlockedRecord,
  type WorkerRecord,
} from '../../lib/core/fleet-workers.js';
import type { Records } from '../../lib/core/records.js';
import { workerRecord } from './fleet/worker-record.js';
import { onMemory } from './fleet/on-memory.js';

const HOUR_MS = 3_600_000;
const running = { id: '1', name: 'work', queue: 'default', attempt: 1 };
const worker = workerRecord('a', Date.now(), { trace: true, running: [running], runningCount: 1, blocked: [] });
const block = { at: 1_000, ms: 2_000, stack: 'at spin', lasts: true };
const said = { id: 'a', block, worker, knownMs: HOUR_MS, lasts: () => true };

let records: Records;

onMemory((given) => (records = given));

async function known(): Promise<WorkerRecord | undefined> {
  return (await knownWorkers(records))[0];
}

test('what is said of a process that is blocked takes the place of what it has said before', async () => {
  await sayWorker(records, { ...worker, running: [], runningCount: 0 }, HOUR_MS);
  expect(await sayBlocked(records, said)).toBe(true);
  expect(await known()).toEqual({ ...worker, blocked: [block] });
  expect(await sayBlocked(records, { ...said, block: { ...block, ms: 7_000 } })).toBe(true);
  expect((await known())?.blocked).toEqual([{ ...block, ms: 7_000 }]);
});

test('one that nobody knows any more is listed again', async () => {
  expect(await sayBlocked(records, said)).toBe(true);
  expect(await known()).toEqual({ ...worker, blocked: [block] });
});

test('where it could not be asked, what it has said last counts, earlier blocks too', async () => {
  const earlier = { at: 1, ms: 1_500, stack: 'at render' };
  await sayWorker(records, { ...worker, blocked: [earlier] }, HOUR_MS);
  expect(await sayBlocked(records, { ...said, worker: undefined })).toBe(true);
  expect(await known()).toEqual({ ...worker, blocked: [block, earlier] });
});

test('of one that nobody knows, and that could not be asked, nothing is said', async () => {
  expect(await sayBlocked(records, { ...said, worker: undefined })).toBe(false);
  expect(await known()).toBeUndefined();
});

test('what the process says itself is never replaced', async () => {
  await sayWorker(records, worker, HOUR_MS);
  // It shows that it is free, and then says something: before that is read, or between that and what is stored.
  expect(await sayBlocked(records, { ...said, lasts: () => false })).toBe(false);
  const own = { ...worker, heartbeatAt: worker.heartbeatAt + 5_000 };
  const lasts = (): boolean => {
    void sayWorker(records, own, HOUR_MS);
    return true;
  };
  expect(await sayBlocked(records, { ...said, lasts })).toBe(false);
  expect(await known()).toEqual(own);
});

test('nor does one come back that has taken its leave', async () => {
  await sayWorker(records, worker, HOUR_MS);
  const lasts = (): boolean => {
    void forgetWorker(records, 'a');
    return true;
  };
  expect(await sayBlocked(records, { ...said, lasts })).toBe(false);
  expect(await known()).toBeUndefined();
});

test('the latest five are kept; where there is too little room, what runs is kept rather than earlier stacks', async () => {
  const blocks = Array.from({ length: 7 }, (_, at) => ({ at, ms: 1, stack: `at ${'x'.repeat(10_000)}` }));
  const kept = blocks.reduce<readonly BlockedRecord[]>((all, one) => withBlock(all, one), []);
  expect(kept.map(({ at }) => at)).toEqual([6, 5, 4, 3, 2]);
  await sayWorker(records, { ...worker, blocked: kept }, HOUR_MS);
  expect(await known()).toMatchObject({ running: [running], blocked: [{ at: 6 }, { at: 5 }, { at: 4 }] });
});
