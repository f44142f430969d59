import { isDate } from 'node:util/types';
import { durationMs, type Duration } from './duration.js';
import { oldestAt, type QueueLimits } from './queue-limits.js';
import { show } from './show.js';
import { LAST_MOMENT } from './time.js';

/**
 * A duration from now, or a Date, as milliseconds since 1970.
 *
 * @throws TypeError naming the option, what was expected and what was given
 */
export function moment(value: Duration | Date, now: number, what: string): number {
  const time = isDate(value) ? value.getTime() : Math.ceil(now + durationMs(value, what));
  if (Number.isNaN(time)) throw new TypeError(`${what}: expected a valid Date, got Invalid Date`);
  if (time > LAST_MOMENT) throw new TypeError(`${what}: expected a moment before the year 10000, got ${show(value)}`);
  return time;
}

/** @throws TypeError where it lies in the past, or before the delay is over */
export function expiration(
  value: Duration | Date | undefined,
  now: number,
  readyAt: number | undefined,
): number | undefined {
  if (value === undefined) return undefined;
  const time = moment(value, now, 'expiration');
  if (time <= now) throw new TypeError(`expiration: expected a moment in the future, got ${show(value)}`);
  if (readyAt !== undefined && time <= readyAt) {
    throw new TypeError(
      `expiration: expected a moment after the delay (${new Date(readyAt).toISOString()}), got ${new Date(time).toISOString()}`,
    );
  }
  return time;
}

/** The expiration, or before it the moment at which the job has waited as long as one may in its queue. */
export function notAfter(
  expiresAt: number | undefined,
  now: number,
  readyAt: number | undefined,
  limits: QueueLimits | undefined,
): number | undefined {
  if (limits?.maxAgeMs === undefined) return expiresAt;
  const oldest = oldestAt(Math.max(readyAt ?? now, now), limits.maxAgeMs);
  return Math.min(expiresAt ?? LAST_MOMENT, oldest);
}
