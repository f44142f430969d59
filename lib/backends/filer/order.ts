import { randomBytes } from 'node:crypto';

/** How many digits of an order are its time, its number and its chance. */
const [TIME, NUMBER, CHANCE] = [12, 8, 12] as const;

let lastMs = 0;
let made = 0;
let time = '';
let chance = '';

/**
 * A place among equals: 32 hex digits that sort after all that this process has made before, also when the clock steps
 * back, and that no other job has. A UUIDv7 would do, but costs several times as much, and each job needs one.
 */
export function newOrder(): string {
  const now = Date.now();
  if (now > lastMs) {
    lastMs = now;
    made = 0;
    time = now.toString(16).padStart(TIME, '0');
    chance = randomBytes(CHANCE / 2).toString('hex');
  }
  return time + (made++).toString(16).padStart(NUMBER, '0') + chance;
}

/** When a job got its order, in milliseconds since 1970. */
export function timeOfOrder(order: string): number {
  return parseInt(order.slice(0, TIME), 16);
}
