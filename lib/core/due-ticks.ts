import type { Schedule } from './schedule.js';

/** Later than this, a tick counts as missed: its process slept, or its clock was set. */
const LATE_MS = 60_000;

/** The most ticks that are caught up with. */
const MOST_MISSED = 1_000;

export interface DueTicks {
  /** Those to publish, the first first. Milliseconds since 1970. */
  readonly ticks: readonly number[];
  /** How many are left out, for they were missed. */
  readonly skipped: number;
}

/**
 * Which ticks after one moment are to be published at another. Of those that come late only the last counts, unless the
 * schedule catches up with all. Pure.
 *
 * @param after the last tick that was looked at
 */
export function dueTicks({ nextAfter, catchUp }: Schedule, after: number, now: number): DueTicks {
  const late: number[] = [];
  const fresh: number[] = [];
  let skipped = 0;
  for (let tick = nextAfter(after); tick !== undefined && tick <= now; tick = nextAfter(tick)) {
    if (now - tick <= LATE_MS) fresh.push(tick);
    else {
      late.push(tick);
      const most = catchUp === 'all' ? MOST_MISSED : 1;
      if (late.length > most) {
        late.shift();
        skipped += 1;
      }
    }
  }
  // What has just been due makes up for the one before it.
  if (catchUp !== 'all' && fresh.length > 0) {
    skipped += late.length;
    late.length = 0;
  }
  return { ticks: [...late, ...fresh], skipped };
}
