import type { StateCounts } from '../core/inspector.js';
import type { QueueHealth } from './health-options.js';

/** What is wrong with a queue by its limits, a sentence each; none where all is well. Pure. */
export function overLimits(counts: StateCounts, limits: QueueHealth, now: number, engine: string): string[] {
  return [
    tooOld(counts, limits, now, engine),
    tooMany(counts.waiting, limits.mostWaiting, 'waiting', engine),
    tooMany(counts.failed, limits.mostFailed, 'failed', engine),
  ].filter((fault) => fault !== undefined);
}

/** How long the oldest has been waiting, in seconds; undefined where none does, or nobody knows. */
export function oldestSeconds({ oldestWaitingAt }: StateCounts, now: number): number | undefined {
  return oldestWaitingAt === undefined ? undefined : Math.max(now - oldestWaitingAt, 0) / 1000;
}

function tooOld(
  counts: StateCounts,
  { oldestWaitingMs }: QueueHealth,
  now: number,
  engine: string,
): string | undefined {
  if (oldestWaitingMs === undefined || counts.waiting === 0) return undefined;
  const seconds = oldestSeconds(counts, now);
  if (seconds === undefined) {
    // Whether it is that nobody waits is known only where they are counted.
    return `${engine} can't tell since when its jobs have been waiting: set mostWaiting instead of oldestWaiting`;
  }
  if (seconds * 1000 <= oldestWaitingMs) return undefined;
  return `a job has been waiting for ${seconds} s, at most ${oldestWaitingMs / 1000} s are allowed`;
}

function tooMany(
  jobs: number | undefined,
  most: number | undefined,
  state: 'waiting' | 'failed',
  engine: string,
): string | undefined {
  if (most === undefined || (jobs !== undefined && jobs <= most)) return undefined;
  if (jobs === undefined) return `${engine} can't count the jobs that are ${state}`;
  return `${jobs} jobs are ${state}, at most ${most} are allowed`;
}
