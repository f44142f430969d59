import { describe, expect, test } from 'vitest';
import { fitting, holds, oldestAt, tooMany, whyFull, type QueueLimits } from '../../lib/core/queue-limits.js';
import { LAST_MOMENT } from '../../lib/core/time.js';

function limits(some: Partial<QueueLimits>): QueueLimits {
  return { maxJobs: undefined, maxBytes: undefined, maxAgeMs: undefined, whenFull: 'reject', ...some };
}

describe('room', () => {
  const rows: [what: string, of: Partial<QueueLimits>, jobs: number, bytes: number, sizes: number[], fit: number][] = [
    ['all of an empty queue', { maxJobs: 3 }, 0, 0, [0, 0, 0], 3],
    ['up to the limit', { maxJobs: 3 }, 1, 0, [0, 0, 0], 2],
    ['none of a full queue', { maxJobs: 3 }, 3, 0, [0], 0],
    ['none of one that has more than its limit', { maxJobs: 3 }, 50, 0, [0], 0],
    ['bytes up to the limit', { maxBytes: 100 }, 9, 40, [30, 30, 1], 2],
    ['the first that is too large, and none behind it', { maxBytes: 100 }, 0, 0, [10, 200, 10], 1],
    ['the narrower of both', { maxJobs: 10, maxBytes: 100 }, 9, 0, [50, 50], 1],
    ['without a limit, all', {}, 1e6, 1e9, [1, 1], 2],
  ];
  for (const [what, of, jobs, bytes, sizes, fit] of rows) {
    test(`for ${what}`, () => {
      expect(fitting(limits(of), { jobs, bytes }, sizes)).toBe(fit);
      expect(
        holds(limits(of), { jobs: jobs + fit, bytes: bytes + sizes.slice(0, fit).reduce((a, b) => a + b, 0) }),
      ).toBe(fit > 0 || holds(limits(of), { jobs, bytes }));
    });
  }
});

describe('of the oldest jobs are dropped', () => {
  const rows: [what: string, of: Partial<QueueLimits>, jobs: number, bytes: number, sizes: number[], drop: number][] = [
    ['as many as come', { maxJobs: 10 }, 10, 0, [0, 0, 0], 3],
    ['what a lowered limit has made too many, too', { maxJobs: 10 }, 50, 0, [0], 41],
    ['no more than there may be', { maxJobs: 10 }, 10, 0, Array.from({ length: 99 }, () => 0), 10],
    ['a thousand at a time', { maxJobs: 10 }, 100_000, 0, [0], 1_000],
    ['one at least', { maxBytes: 1_000 }, 10, 1_000, [10], 1],
    ['half of what is too much by the mean', { maxBytes: 1_000 }, 100, 1_000, [400], 20],
  ];
  for (const [what, of, jobs, bytes, sizes, drop] of rows) {
    test(what, () => expect(tooMany(limits(of), { jobs, bytes }, sizes)).toBe(drop));
  }
});

test('why a queue is full names what waits and the limit, of each that there is', () => {
  const load = { jobs: 10, bytes: 999 };
  expect(whyFull(limits({ maxJobs: 10 }), load)).toBe('10 jobs wait in it, and its maxJobs is 10');
  expect(whyFull(limits({ maxJobs: 10, maxBytes: 1000 }), load)).toBe(
    '10 jobs wait in it, and its maxJobs is 10; 999 bytes wait in it, and its maxBytes is 1000',
  );
});

test('no age leads behind the last moment', () => {
  expect(oldestAt(1_000, 0.5)).toBe(1_001);
  expect(oldestAt(LAST_MOMENT, 1)).toBe(LAST_MOMENT);
});
