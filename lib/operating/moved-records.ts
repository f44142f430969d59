import { answerPlaceOf, noteKey } from '../core/answer-record.js';
import { pausedQueues, pauseQueue } from '../core/fleet-orders.js';
import type { InspectedJob } from '../core/inspector.js';
import { isUnreadable } from '../core/message.js';
import type { Records } from '../core/records.js';
import { supersededRecord, uniqueRecord } from '../core/unique.js';

/** Pauses the queues that are paused elsewhere. */
export async function movePauses(from: Records, to: Records, queues: ReadonlySet<string>, now: number): Promise<void> {
  for (const { queue, by } of await pausedQueues(from)) {
    if (queues.has(queue)) await pauseQueue(to, queue, by ?? 'move', now);
  }
}

/**
 * Copies what is kept of a job beside it: that it has a unique key, that another was published in its place, and what it
 * has told to its callers.
 *
 * @returns the keys that another job has there
 */
export async function copyRecords(
  from: Records,
  to: Records,
  { queue, content }: InspectedJob,
  now: number,
): Promise<string[]> {
  if (isUnreadable(content)) return [];
  const taken: string[] = [];
  const hash = content.headers['unique_key'];
  if (hash !== undefined) {
    const key = uniqueRecord(content.name, hash);
    const holder = await from.get(key);
    if (holder) {
      const other = await to.claim(key, holder.text, leftMs(holder.expiresAt, now));
      if (other && other.text !== holder.text) taken.push(key);
    }
    await copy(from, to, supersededRecord({ id: content.id, queue }), now);
  }
  const place = answerPlaceOf(queue, content);
  if (place) {
    const keys = [place.key, noteKey('progress', place.key), noteKey('log', place.key)];
    for (const key of keys) await copy(from, to, key, now);
  }
  return taken;
}

async function copy(from: Records, to: Records, key: string, now: number): Promise<void> {
  const record = await from.get(key);
  if (record) await to.set(key, record.text, leftMs(record.expiresAt, now));
}

function leftMs(expiresAt: number, now: number): number {
  return Math.max(Math.ceil(expiresAt - now), 1);
}
