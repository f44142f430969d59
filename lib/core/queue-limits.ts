import type { StoredReceipt } from './backend.js';
import { LAST_MOMENT } from './time.js';

/** What becomes of a job that is published to a queue that is full. */
export type WhenFull = 'reject' | 'wait' | 'drop-oldest' | 'drop-newest';

/** How much may wait in a queue, and how long. */
export interface QueueLimits {
  readonly maxJobs: number | undefined;
  readonly maxBytes: number | undefined;
  readonly maxAgeMs: number | undefined;
  readonly whenFull: WhenFull;
}

/** Jobs, and the bytes that they have together; 0 where nobody has to know them. */
export interface Load {
  readonly jobs: number;
  readonly bytes: number;
}

/** Of how many jobs at a time those are dropped that have waited longest. */
const MOST_DROPPED = 1_000;

/** Whether a queue is bounded, and not only the age of its jobs. */
export function isBounded({ maxJobs, maxBytes }: QueueLimits): boolean {
  return (maxJobs ?? maxBytes) !== undefined;
}

/** Whether a queue may hold so much. */
export function holds({ maxJobs = Infinity, maxBytes = Infinity }: QueueLimits, { jobs, bytes }: Load): boolean {
  return jobs <= maxJobs && bytes <= maxBytes;
}

/** How many of the first of these jobs, by their bytes, a queue has room for. */
export function fitting(limits: QueueLimits, waiting: Load, sizes: readonly number[]): number {
  let load = waiting;
  for (const [index, size] of sizes.entries()) {
    load = plus(load, { jobs: 1, bytes: size });
    if (!holds(limits, load)) return index;
  }
  return sizes.length;
}

/**
 * How many of the oldest jobs are to be dropped next, so that there is room for these. Of bytes it is a careful guess, for
 * nobody knows what the oldest have: no more than half of those that are too many by their mean size.
 */
export function tooMany(limits: QueueLimits, waiting: Load, sizes: readonly number[]): number {
  const { maxJobs = Infinity, maxBytes = Infinity } = limits;
  const byJobs = waiting.jobs + Math.min(sizes.length, maxJobs) - maxJobs;
  const mean = waiting.bytes / Math.max(waiting.jobs, 1);
  const byBytes = mean > 0 ? (waiting.bytes + (sizes[0] ?? 0) - maxBytes) / mean / 2 : 0;
  return Math.min(Math.max(byJobs, Math.floor(byBytes), 1), MOST_DROPPED);
}

/** Why a queue takes no more. */
export function whyFull({ maxJobs, maxBytes }: QueueLimits, { jobs, bytes }: Load): string {
  const counts =
    maxJobs === undefined
      ? []
      : [`${jobs} ${jobs === 1 ? 'job waits' : 'jobs wait'} in it, and its maxJobs is ${maxJobs}`];
  if (maxBytes !== undefined) counts.push(`${bytes} bytes wait in it, and its maxBytes is ${maxBytes}`);
  return counts.join('; ');
}

/**
 * Until when a job may wait; milliseconds since 1970.
 *
 * @param startsAt when it could have started first
 */
export function oldestAt(startsAt: number, maxAgeMs: number): number {
  return Math.min(Math.ceil(startsAt + maxAgeMs), LAST_MOMENT);
}

export function plus(a: Load, b: Load): Load {
  return { jobs: a.jobs + b.jobs, bytes: a.bytes + b.bytes };
}

/** What so many jobs have together. */
export function loadOf(sizes: readonly number[]): Load {
  return { jobs: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

export const NO_LOAD: Load = { jobs: 0, bytes: 0 };

/** What became of a message. */
export interface LimitedReceipt extends StoredReceipt {
  /** True: not stored, for the queue is full and its `whenFull` is `'drop-newest'`. */
  readonly dropped?: true;
}
