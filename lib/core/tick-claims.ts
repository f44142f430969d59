import { randomUUID } from 'node:crypto';
import { pause, type Clock } from './clock.js';
import type { Records } from './records.js';
import { CLAIM_KNOWN_MS, CLAIM_MS } from './ticks.js';

/** What the record of a tick begins with that somebody is about to publish; until when follows, and a word of his own. */
const CLAIMED = 'claimed';

/** When it is looked at again after another was first to take it over, in milliseconds. */
const LOST_RACE_MS = 10;

/** Whether somebody was about to publish the job of a tick when its record was stored. */
export function isClaimed(text: string): boolean {
  return text.startsWith(CLAIMED);
}

/**
 * Takes a tick, so that nobody else publishes its job. Where another has it, waits: until that one has published it, or
 * has died in between. Rejects where the engine fails.
 *
 * @returns false: it is published, or the signal has aborted
 */
export async function takeTick(records: Records, key: string, clock: Clock, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    const mine = `${CLAIMED} ${clock.now() + CLAIM_MS} ${randomUUID()}`;
    const other = await records.claim(key, mine, CLAIM_KNOWN_MS);
    if (!other) return true;
    if (!isClaimed(other.text)) return false;
    const until = Number(other.text.split(' ')[1]);
    const leftMs = Math.min(until - clock.now(), CLAIM_MS);
    if (!(leftMs > 0) && (await records.swap(key, other.text, mine, CLAIM_KNOWN_MS))) return true;
    await pause(clock, Math.max(leftMs + 1, LOST_RACE_MS), signal);
  }
  return false;
}
