import { checkedObject, within } from './checked-object.js';
import { durationMs, type Duration } from './duration.js';
import { count } from './option-checks.js';

/** How many calls of handlers may begin within any time of this length. */
export interface RateOptions {
  /** A whole number of at least 1. */
  readonly max: number;
  /** Milliseconds or a text such as `'1s'`. */
  readonly per: Duration;
}

/** The same, checked. */
export interface Rate {
  readonly max: number;
  readonly perMs: number;
}

/**
 * @param what how the rate is called in errors
 * @throws TypeError naming the option, what was expected and what was given
 */
export function checkedRate(value: unknown, what: string): Rate {
  const { max, per } = checkedObject(value, ['max', 'per'], what);
  return within(`${what}.`, () => {
    const perMs = Math.ceil(durationMs(per, 'per'));
    if (perMs < 1) throw new TypeError('per: expected more than 0, got 0');
    return { max: count(max, 'max'), perMs };
  });
}
