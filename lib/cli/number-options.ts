import { durationMs } from '../core/duration.js';
import { messageOf } from '../core/errors.js';
import { show } from '../core/show.js';
import { UsageError } from './exit-codes.js';

/** The number of an option. @throws UsageError */
export function wholeNumber(text: string, option: string, least?: number): number {
  const number = /^-?\d{1,15}$/.test(text) ? Number(text) : NaN;
  if (number >= (least ?? -Infinity)) return number;
  const rule = least === undefined ? '' : ` of at least ${least}`;
  throw new UsageError(`${option}: expected a whole number${rule}, got ${show(text)}`);
}

/** The duration of an option, in milliseconds; a bare number is of milliseconds, too. @throws UsageError */
export function positiveDuration(text: string, option: string): number {
  try {
    const ms = durationMs(/^\d+$/.test(text) ? Number(text) : text, option);
    if (ms > 0) return ms;
  } catch (cause) {
    throw new UsageError(messageOf(cause), { cause });
  }
  throw new UsageError(`${option}: expected more than 0, got 0`);
}
