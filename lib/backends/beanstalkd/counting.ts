import type { Stats } from './client/stats.js';

/**
 * Attempts, as the server's own counters tell them: nothing is written to count one, and a dead worker counts as well.
 *
 * - `reserves` counts the deliveries of a job, however they ended.
 * - A delivery that costs nothing and comes back at once is released with a delay and kicked: `kicks` takes it off.
 * - One that costs nothing and comes back later can't be counted so. The job is put again with `header.attempts`.
 * - A failed job is buried. Who kicks it wants it to start afresh, with `reserves` as they are: so it is released before
 *   with a delay that tells how many there were, which the server keeps with the job.
 */
export interface Count {
  /** 1 the first time, since the last fresh start. */
  readonly attempt: number;
  /** Since the job was put. */
  readonly deliveries: number;
  /** Whether it failed before, and was kicked. Its delay must stay then. */
  readonly restarted: boolean;
}

/** The least delay of a job on its way to be buried, in seconds: enough for the server to get there. */
const ON_ITS_WAY_S = 10;

/** The delay by which a failed job keeps its deliveries, in seconds. Should its worker die then, it comes back so late. */
export function delayToBury({ deliveries }: Count): number {
  return ON_ITS_WAY_S + deliveries;
}

/**
 * Counts a delivery that has begun.
 *
 * @param stats of `stats-job`
 * @param attemptsUsed by `header.attempts`
 */
export function count(stats: Stats, attemptsUsed: number): Count {
  const deliveries = Math.max(deliveriesIn(stats), 1);
  const before = deliveriesBefore(stats);
  const attempt = before === undefined ? deliveries + attemptsUsed : Math.max(deliveries - before, 1);
  return { attempt, deliveries, restarted: before !== undefined };
}

/**
 * How many attempts of a job have begun that nobody has just been handed, since its last fresh start.
 *
 * @param stats of `stats-job`
 * @param attemptsUsed by `header.attempts`
 */
export function attemptsBegun(stats: Stats, attemptsUsed: number): number {
  const deliveries = Math.max(deliveriesIn(stats), 0);
  const before = deliveriesBefore(stats);
  return before === undefined ? deliveries + attemptsUsed : Math.max(deliveries - before, 0);
}

function deliveriesIn(stats: Stats): number {
  return stats.number('reserves') - stats.number('kicks');
}

/** How many there were when it failed and was buried; undefined where it was not. */
function deliveriesBefore(stats: Stats): number | undefined {
  const before = stats.number('delay') - ON_ITS_WAY_S;
  return stats.number('buries') > 0 && before > 0 ? before : undefined;
}
