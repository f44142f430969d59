import { readRecord } from './fleet-change.js';
import { listWorker, workerKey, workerText, type BlockedRecord, type WorkerRecord } from './fleet-workers.js';
import type { Records } from './records.js';

/** How many blocks of an event loop are remembered. */
const MOST_KEPT = 5;

/** What is said of a process whose event loop is blocked, by another thread. */
export interface BlockSaid {
  /** Of the process among the workers. */
  readonly id: string;
  readonly block: BlockedRecord;
  /** What the process would say of itself; undefined: nobody knows, and what it has said last counts. */
  readonly worker: WorkerRecord | undefined;
  /** How long that is known, in milliseconds. */
  readonly knownMs: number;
  /** Whether it is still blocked. */
  readonly lasts: () => boolean;
}

/** Blocks with another, the last first; of the same one, what was said last. */
export function withBlock(blocks: readonly BlockedRecord[], block: BlockedRecord): readonly BlockedRecord[] {
  return [block, ...blocks.filter(({ at }) => at !== block.at)].slice(0, MOST_KEPT);
}

/**
 * Stores for a process that its event loop is blocked. What it says itself counts more: it shows that it is free before it
 * says anything, so what was stored before that is swapped for nothing else.
 *
 * @returns whether it was stored
 */
export async function sayBlocked(records: Records, said: BlockSaid): Promise<boolean> {
  const { id, block, knownMs, lasts } = said;
  const key = workerKey(id);
  const before = await records.get(key);
  const worker = said.worker ?? readRecord<WorkerRecord>(before?.text);
  if (!worker || !lasts()) return false;
  const text = workerText({ ...worker, blocked: withBlock(worker.blocked ?? [], block) });
  const stored = before
    ? await records.swap(key, before.text, text, knownMs)
    : (await records.claim(key, text, knownMs)) === undefined;
  if (stored) await listWorker(records, worker);
  return stored;
}
