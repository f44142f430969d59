import { show } from './show.js';

/**
 * Checks that options are an object of known keys.
 *
 * @throws TypeError naming the unknown key, and those that are known
 */
export function checkedObject(value: unknown, known: readonly string[], what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${what}: expected an object, got ${show(value)}`);
  }
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown === undefined) return value as Record<string, unknown>;
  throw new TypeError(`${what}: expected of ${known.join(', ')}, got the unknown option ${show(unknown)}`);
}

/**
 * The result of a check, its error led by where the value stands.
 *
 * @throws TypeError
 */
export function within<T>(place: string, check: () => T): T {
  try {
    return check();
  } catch (cause) {
    throw new TypeError(place + (cause as Error).message, { cause });
  }
}
