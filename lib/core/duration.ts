import ms, { type StringValue } from 'ms';
import { show } from './show.js';

/** Milliseconds as a number, or a text such as `'30s'`, `'5m'`, `'2h'`, `'1 day'`. */
export type Duration = number | string;

/**
 * A duration in milliseconds.
 *
 * @throws TypeError where it is no finite number of at least 0 and no text with a known unit
 */
export function durationMs(value: unknown, what: string): number {
  const parsed = typeof value === 'string' && value !== '' && value.length <= 100 ? ms(value as StringValue) : value;
  if (typeof parsed === 'number' && Number.isFinite(parsed) && parsed >= 0) return parsed;
  throw new TypeError(`${what}: expected milliseconds or a duration such as '30s', '5m', '1 day', got ${show(value)}`);
}
