import type { Schedule } from './schedule.js';

/** Later than this, a tick counts as missed: its process slept, or its clock was set. */
const LATE_MS = 60_000;

/** The most ticks that are caught up with. */
const MOST_MISSED = 1_000;

/** More than have come since one looked last are found backwards, for there may be any number of them. */
const MOST_STEPS = 100;

export interface DueTicks {
  /** Those to publish, the first first. Milliseconds since 1970. */
  readonly ticks: readonly number[];
  /** Whether others are left out, for they were missed. */
  readonly skips: boolean;
}

/**
 * Which ticks after one moment are to be published at another. Of those that come late only the last counts, unless the
 * schedule catches up with all: at most the last 1,000. Pure.
 *
 * @param after the last tick that was looked at
 */
export function dueTicks(schedule: Schedule, after: number, now: number): DueTicks {
  const { ticks, isAll } = between(schedule, after, now);
  const fresh = ticks.filter((tick) => now - tick <= LATE_MS);
  const late = ticks.filter((tick) => now - tick > LATE_MS);
  // What has just been due makes up for the one before it.
  const most = schedule.catchUp === 'all' ? MOST_MISSED : fresh.length > 0 ? 0 : 1;
  const kept = most === 0 ? [] : late.slice(-most);
  return { ticks: [...kept, ...fresh], skips: !isAll || kept.length < late.length };
}

function between(
  { nextAfter, lastUntil }: Schedule,
  after: number,
  now: number,
): { readonly ticks: readonly number[]; readonly isAll: boolean } {
  const ticks: number[] = [];
  let tick = nextAfter(after);
  for (; tick !== undefined && tick <= now && ticks.length < MOST_STEPS; tick = nextAfter(tick)) ticks.push(tick);
  if (tick === undefined || tick > now) return { ticks, isAll: true };
  const last = lastUntil(now, MOST_MISSED + LATE_MS / 1_000 + 1).filter((one) => one > after);
  return { ticks: last, isAll: last[0] === ticks[0] };
}
