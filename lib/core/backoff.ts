import { durationMs, type Duration } from './duration.js';
import { show } from './show.js';

/** How long a failed attempt waits before the next; durations in milliseconds or as texts such as `'30s'`. */
export interface BackoffOptions {
  /** `'exponential'` grows by `factor` with each attempt; `'fixed'` doesn't. */
  readonly kind: 'fixed' | 'exponential';
  /** The wait after the first attempt. Default 1 s. */
  readonly base?: Duration;
  /** By how much each wait is longer than the one before. Default 2. */
  readonly factor?: number;
  /** The longest wait, before its jitter. Default 1 h. */
  readonly max?: Duration;
  /** The share of the wait, 0 to 1, by which it is lengthened or shortened at random. Default 0.1. */
  readonly jitter?: number;
}

/** Options, or the wait as a function of the attempt that failed (1 the first time). */
export type Backoff = BackoffOptions | ((attempt: number) => Duration);

/** A backoff as it travels with a job: all milliseconds. */
export interface BackoffPlan {
  readonly kind: 'fixed' | 'exponential';
  readonly base: number;
  readonly factor: number;
  readonly max: number;
  readonly jitter: number;
}

/** Exponential from 1 s, factor 2, at most 1 h, ± 10 %: 20 attempts are about 8 hours. */
export const DEFAULT_BACKOFF: BackoffPlan = { kind: 'exponential', base: 1000, factor: 2, max: 3_600_000, jitter: 0.1 };

const KEYS = new Set(Object.keys(DEFAULT_BACKOFF));

/**
 * Checks backoff options and fills in the defaults.
 *
 * @throws TypeError naming the option and what was expected
 */
export function backoffPlan(value: unknown, what: string): BackoffPlan {
  if (typeof value !== 'object' || value === null) {
    throw new TypeError(
      `${what}: expected { kind: 'fixed' | 'exponential', base, factor, max, jitter }, got ${show(value)}`,
    );
  }
  const unknown = Object.keys(value).find((key) => !KEYS.has(key));
  if (unknown !== undefined) throw new TypeError(`${what}: unknown option ${show(unknown)}`);
  const given = value as Partial<Record<keyof BackoffPlan, unknown>>;
  if (given.kind !== 'fixed' && given.kind !== 'exponential') {
    throw new TypeError(`${what}.kind: expected 'fixed' or 'exponential', got ${show(given.kind)}`);
  }
  return {
    kind: given.kind,
    base: durationMs(given.base ?? DEFAULT_BACKOFF.base, `${what}.base`),
    factor: numberWithin(given.factor ?? DEFAULT_BACKOFF.factor, 1, 1000, `${what}.factor`),
    max: durationMs(given.max ?? DEFAULT_BACKOFF.max, `${what}.max`),
    jitter: numberWithin(given.jitter ?? DEFAULT_BACKOFF.jitter, 0, 1, `${what}.jitter`),
  };
}

function numberWithin(value: unknown, least: number, most: number, what: string): number {
  if (typeof value === 'number' && value >= least && value <= most) return value;
  throw new TypeError(`${what}: expected a number from ${least} to ${most}, got ${show(value)}`);
}

/**
 * The wait in milliseconds after `attempt` has failed.
 *
 * @param random a number from 0 up to 1, such as `Math.random()`
 * @throws TypeError where the user's own function gives no duration, and whatever it throws
 */
export function backoffMs(
  backoff: BackoffPlan | ((attempt: number) => Duration),
  attempt: number,
  random: number,
): number {
  if (typeof backoff === 'function') return durationMs(backoff(attempt), 'backoff');
  // A base of 0 stays 0: times a growth beyond all numbers it would be none.
  const growth = backoff.kind === 'fixed' ? 1 : Math.min(backoff.factor ** (attempt - 1), Number.MAX_VALUE);
  const wait = Math.min(backoff.base * growth, backoff.max);
  return Math.round(wait * (1 + backoff.jitter * (2 * random - 1)));
}
