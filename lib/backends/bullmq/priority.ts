import { LEAST_PRIORITY } from '../../core/message.js';

/** Priorities from 0 to here keep their exact order. */
export const EXACT_PRIORITIES = 1_000_000;

/** BullMQ's least urgent priority: it has 21 bits. */
const BULLMQ_LEAST = 2 ** 21 - 1;

/** Where the rounded ones begin in BullMQ, and how many of ours share each of its levels. */
const ROUNDED_FROM = EXACT_PRIORITIES + 2;
const PER_LEVEL = (LEAST_PRIORITY - EXACT_PRIORITIES) / (BULLMQ_LEAST - ROUNDED_FROM + 1);

/**
 * BullMQ's priority for one of ours: one more up to 1,000,000, above that rounded into the levels that are left. Never
 * 0, which BullMQ serves before all others, so that a job of another program without a priority comes first.
 */
export function toBullmq(priority: number): number {
  if (priority <= EXACT_PRIORITIES) return priority + 1;
  return ROUNDED_FROM + Math.floor((priority - EXACT_PRIORITIES - 1) / PER_LEVEL);
}

/** Our priority for a job that another program added; 0, the most urgent, where it has none. */
export function fromBullmq(priority: number): number {
  if (!(priority >= 1)) return 0;
  if (priority < ROUNDED_FROM) return Math.floor(priority) - 1;
  return Math.min(EXACT_PRIORITIES + 1 + Math.ceil((priority - ROUNDED_FROM) * PER_LEVEL), LEAST_PRIORITY);
}
