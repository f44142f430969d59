import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { filer } from '../../lib/backends/filer/index.js';
import type { Backend } from '../../lib/core/backend.js';
import { BlockTelling } from '../../lib/core/block-telling.js';
import { knownWorkers, type BlockedRecord } from '../../lib/core/fleet-workers.js';
import type { Records } from '../../lib/core/records.js';
import type { RecordsElsewhere } from '../../lib/core/records-elsewhere.js';
import { workerRecord } from './fleet/worker-record.js';

const PATIENT = { timeout: 30_000, interval: 5 };
const HOUR_MS = 3_600_000;
const worker = workerRecord('a', Date.now(), { trace: true });
const block = { at: 1_000, ms: 2_000, stack: '', lasts: true };
const lasts = (): boolean => true;

let folder: string;
let backend: Backend;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nestjs-jobs-'));
  backend = await filer({ directory: folder, durable: false }).open({ worker: 'x', warn: () => undefined });
});

afterEach(async () => {
  await backend.close();
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
});

async function known(): Promise<readonly BlockedRecord[] | undefined> {
  return (await knownWorkers(backend.records as Records))[0]?.blocked;
}

test('what runs is told as soon as it is known, and not when it would be said again', async () => {
  const elsewhere = (await backend.recordsElsewhere?.()) as RecordsElsewhere;
  const telling = new BlockTelling({ elsewhere, id: 'a', knownMs: HOUR_MS });
  telling.tell({ block, worker, lasts });
  await expect.poll(known, PATIENT).toEqual([block]);
  const seen = { ...block, ms: 2_100, stack: 'at spin' };
  // As the thread does: while something is said, it is passed over.
  await expect
    .poll(async () => {
      telling.tell({ block: seen, worker, lasts });
      return known();
    }, PATIENT)
    .toEqual([seen]);
  await telling.end();
});

test('where nothing can be opened, nothing rejects, and it ends', async () => {
  const elsewhere = { module: 'data:text/javascript,export const nothing = 0', options: {} };
  const telling = new BlockTelling({ elsewhere, id: 'a', knownMs: HOUR_MS });
  telling.tell({ block, worker, lasts });
  await telling.end();
  telling.tell({ block, worker, lasts });
  await telling.end();
  expect(await known()).toBeUndefined();
});
