import type { LimitedReceipt } from './queue-limits.js';
import { PublishError } from './publish-error.js';
import type { Draft } from './publish-options.js';
import type { Records } from './records.js';
import {
  holderOf,
  holderText,
  LONGEST_HOLD_MS,
  PUBLISHING_HOLD_MS,
  supersededRecord,
  uniqueRecord,
  type Unique,
  type UniqueHolder,
} from './unique.js';

/** What became of a job that takes a key: it was stored, or another has the key. */
export type UniqueReceipt = { readonly stored: LimitedReceipt } | { readonly holder: UniqueHolder };

/**
 * Stores a job if nobody has its key, or in the place of the one who has it. The key is taken first, for a moment, so that of several
 * publishers one stores; it is taken for long once the job is stored.
 */
export async function publishUnique(
  records: Records,
  { queue, message }: Draft,
  unique: Unique,
  now: number,
  store: () => Promise<LimitedReceipt>,
): Promise<UniqueReceipt> {
  const me: UniqueHolder = { id: message.id, queue };
  const key = uniqueRecord(message.name, unique.hash);
  if (unique.while === 'active') return whileNoneIsActive(records, key, unique.replaces, store);
  const untilMs = unique.forMs ?? Math.max((message.readyAt ?? now) - now, 0) + LONGEST_HOLD_MS;
  const text = holderText(me);
  const replaced = await takeKey(records, key, text, unique.replaces, Math.min(PUBLISHING_HOLD_MS, untilMs));
  if (replaced && !unique.replaces) return { holder: replaced };
  let stored: LimitedReceipt;
  try {
    stored = await store();
  } catch (error) {
    // What may have been stored has the key until the moment is over.
    if (!(error instanceof PublishError && error.maybeStored)) await letGo(records, key, text, replaced, untilMs);
    throw error;
  }
  if (stored.dropped) {
    await letGo(records, key, text, replaced, untilMs);
    return { stored };
  }
  if (replaced) await records.set(supersededRecord(replaced), me.id, LONGEST_HOLD_MS);
  // Not where it has been handled meanwhile, and its key is free again.
  if (untilMs > PUBLISHING_HOLD_MS) await records.swap(key, text, text, untilMs);
  return { stored };
}

/** Gives the one who has the key, or, with `replaces`, had it. */
async function takeKey(
  records: Records,
  key: string,
  text: string,
  replaces: boolean,
  ttlMs: number,
): Promise<UniqueHolder | undefined> {
  for (;;) {
    const taken = await records.claim(key, text, ttlMs);
    if (!taken || taken.text === text) return undefined;
    if (!replaces || (await records.swap(key, taken.text, text, ttlMs))) return holderOf(taken.text);
  }
}

async function whileNoneIsActive(
  records: Records,
  key: string,
  replaces: boolean,
  store: () => Promise<LimitedReceipt>,
): Promise<UniqueReceipt> {
  const active = await records.get(key);
  if (active && !replaces) return { holder: holderOf(active.text) };
  const stored = await store();
  if (active) await records.set(supersededRecord(holderOf(active.text)), '', LONGEST_HOLD_MS);
  return { stored };
}

/** Gives the key back to the one who had it. A failure is no matter: it ends by itself. */
async function letGo(
  records: Records,
  key: string,
  text: string,
  before: UniqueHolder | undefined,
  ttlMs: number,
): Promise<void> {
  const done = before ? records.swap(key, text, holderText(before), ttlMs) : records.delete(key, text);
  await done.catch(() => undefined);
}
