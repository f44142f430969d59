import { messageOf } from '../core/errors.js';
import { JOB_STATES, type StateCounts, type JobState } from '../core/inspector.js';
import type { CountsOverTime } from '../core/fleet-counts.js';
import type { PausedQueue } from '../core/fleet-orders.js';

/** A queue as operators see it. As JSON, its times are ISO 8601. */
export interface QueueView {
  readonly name: string;
  /**
   * How many jobs stand in each state; undefined: nobody can tell. `completed` and `expired` are those of the last 48 hours
   * by our own count where the engine keeps none ({@link counted}).
   */
  readonly counts: Readonly<Record<JobState, number | undefined>>;
  /** The states whose count is ours, of the last 48 hours. */
  readonly counted: readonly JobState[];
  /** For how long the job that has waited longest might have been handled. Milliseconds; undefined: none waits, or nobody can tell. */
  readonly oldestWaitingMs: number | undefined;
  readonly paused: boolean;
  readonly pausedSince: Date | undefined;
  /** Who paused it: host and process. */
  readonly pausedBy: string | undefined;
  /** How many processes read it whose heartbeat is not late. */
  readonly workers: number;
  /** How many runs ended so in each of the last 48 hours, the oldest first; hours without any are left out. */
  readonly hours: readonly HourView[];
  /** Why the engine didn't tell its counts; they are undefined then. */
  readonly error: string | undefined;
}

/** What became of the runs of an hour. */
export interface HourView {
  /** Its beginning. */
  readonly from: Date;
  readonly completed: number;
  readonly failed: number;
  readonly expired: number;
  readonly retried: number;
}

/** What is known of a queue. */
export interface KnownOfQueue {
  readonly counts: StateCounts | undefined;
  readonly error: unknown;
  readonly paused: PausedQueue | undefined;
  readonly workers: number;
  readonly overTime: CountsOverTime | undefined;
}

const UNKNOWN = Object.fromEntries(JOB_STATES.map((state) => [state, undefined])) as QueueView['counts'];

/** @param now milliseconds since 1970 */
export function queueView(name: string, now: number, known: KnownOfQueue): QueueView {
  const { counts, error, paused, workers, overTime } = known;
  const { oldestWaitingAt, ...byState } = counts ?? { ...UNKNOWN, oldestWaitingAt: undefined };
  const all: Record<JobState, number | undefined> = { ...byState };
  const counted = (['completed', 'expired'] as const).filter((state) => counts && overTime && all[state] === undefined);
  for (const state of counted) all[state] = overTime?.hours.reduce((sum, hour) => sum + hour[state], 0);
  return {
    name,
    counts: all,
    counted,
    oldestWaitingMs: oldestWaitingAt === undefined ? undefined : Math.max(now - oldestWaitingAt, 0),
    paused: paused !== undefined,
    pausedSince: paused && new Date(paused.since),
    pausedBy: paused?.by,
    workers,
    hours: (overTime?.hours ?? []).map(({ from, ...ends }) => ({ from: new Date(from), ...ends })),
    error: error === undefined ? undefined : messageOf(error),
  };
}
