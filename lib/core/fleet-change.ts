import { BackendError } from './backend.js';
import { pause, systemClock } from './clock.js';
import type { Records } from './records.js';

/** How often a change is tried while others change the same record. */
const MOST_TRIES = 50;
/** Whoever was first has changed it by then; only where very many do, they get into each other's way. */
const TRIES_AT_ONCE = 10;
const LONGEST_PAUSE_MS = 50;

/**
 * Changes a record that several processes change: by what it says at that moment, so that no change of another is lost.
 *
 * @param change gives the new text from the present one, undefined: there is none; or undefined, to leave it as it is
 * @returns the text that it has then
 * @throws BackendError where the engine fails, or others change it all the time
 */
export async function changeRecord(
  records: Records,
  key: string,
  ttlMs: number,
  change: (text: string | undefined) => string | undefined,
): Promise<string | undefined> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const before = await records.get(key);
    const after = change(before?.text || undefined);
    if (after === undefined) return before?.text;
    // Whoever watches hears of a swap, not of a claim.
    const from = before?.text ?? '';
    const isFree = before !== undefined || (await records.claim(key, '', ttlMs)) === undefined;
    if (isFree && (await records.swap(key, from, after, ttlMs))) return after;
    if (tries >= TRIES_AT_ONCE) await pause(systemClock, Math.random() * Math.min(tries, LONGEST_PAUSE_MS));
  }
  throw new BackendError(`record "${key}" could not be changed: others change it all the time`, { passing: true });
}

/** What a record says, unless it can't be read: then as if there were none. */
export function readRecord<T>(text: string | undefined): T | undefined {
  if (!text) return undefined;
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}
