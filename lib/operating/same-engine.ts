import { randomUUID } from 'node:crypto';
import type { Records } from '../core/records.js';

const KNOWN_MS = 60_000;

/** Whether two backends speak to one engine, and see the same there: what one stores the other finds. */
export async function isSameEngine(one: Records, other: Records): Promise<boolean> {
  const key = `move:${randomUUID()}`;
  await one.set(key, 'here', KNOWN_MS);
  try {
    return (await other.get(key)) !== undefined;
  } finally {
    await one.delete(key);
  }
}
