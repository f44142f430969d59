import { durationMs } from './duration.js';
import { LEAST_PRIORITY } from './message.js';
import { show } from './show.js';

/**
 * Checks a priority; below 0 counts as 0.
 *
 * @throws TypeError
 */
export function priority(value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value <= LEAST_PRIORITY) return Math.max(value, 0);
  throw new TypeError(`priority: expected a whole number from 0 to ${LEAST_PRIORITY}, got ${show(value)}`);
}

/**
 * Checks a whole number of at least 1.
 *
 * @throws TypeError
 */
export function count(value: unknown, what: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 1) return value;
  throw new TypeError(`${what}: expected a whole number of at least 1, got ${show(value)}`);
}

/**
 * Checks a yes or no.
 *
 * @throws TypeError
 */
export function flag(value: unknown, what: string): boolean {
  if (typeof value === 'boolean') return value;
  throw new TypeError(`${what}: expected true or false, got ${show(value)}`);
}

/**
 * Checks a timeout, in milliseconds.
 *
 * @throws TypeError
 */
export function timeoutMs(value: unknown): number {
  const ms = Math.ceil(durationMs(value, 'timeout'));
  if (ms > 0) return ms;
  throw new TypeError(`timeout: expected more than 0, got ${show(value)}`);
}

/**
 * Checks how long a result is kept, in milliseconds; false: it is not.
 *
 * @throws TypeError
 */
export function keepResultMs(value: unknown): number | false {
  const ms = value === false ? 0 : Math.ceil(durationMs(value, 'keepResult'));
  if (ms > LONGEST_KEPT_MS) throw new TypeError(`keepResult: expected at most 10 years, got ${show(value)}`);
  if (ms > 0) return ms;
  if (value === false) return false;
  throw new TypeError(`keepResult: expected more than 0, or false, got ${show(value)}`);
}

/** So that every engine can reckon with it. */
const LONGEST_KEPT_MS = 10 * 366 * 24 * 3_600_000;
