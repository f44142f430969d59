import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

/**
 * The last three hex digits of every id made here. It lets a backend that keeps no index of ids tell a job
 * published without an id of the user's own from one published with it.
 */
const MARK = 0x0b5;
const MADE_HERE = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{9}0b5$/;

/** Random bytes for so many milliseconds in which ids are made: to ask for 16 takes as long as for all of them. */
const pool = Buffer.alloc(16 * 256);
let used = pool.length;
const random = Buffer.alloc(16);
let lastMs = 0;
let sequence = 0;

function startOver(now: number): void {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += pool.copy(random, 0, used, used + random.length);
  lastMs = now;
  sequence = random.readUInt32BE(0) >>> 2;
  random.writeUInt16BE((random.readUInt16BE(14) & 0xf000) | MARK, 14);
}

/**
 * A new UUIDv7 (RFC 9562). Ids of one process sort in the order in which they were made, also when the clock
 * steps back: the time then stands still and the sequence goes on (section 6.2, methods 1 and 2).
 */
export function newId(): string {
  const now = Date.now();
  if (now > lastMs) startOver(now);
  else if (++sequence > 0x7fffffff) startOver(lastMs + 1);
  return v7({ msecs: lastMs, seq: sequence, random });
}

/** Whether `id` was made by {@link newId} here or in another process (one in 4,096 foreign UUIDv7 looks so too). */
export function isMadeHere(id: string): boolean {
  return MADE_HERE.test(id);
}
