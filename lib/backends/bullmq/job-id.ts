/** Ids that BullMQ can take as they are: with a digit, `_`, `.` or a capital, which none of its own keys has… */
const PLAIN = /^(?=.*[A-Z0-9_.])[A-Za-z0-9_.-]{1,1000}$/s;

/** …but no whole number, for those are the ids that BullMQ gives to jobs of others. */
const WHOLE_NUMBER = /^-?\d+$/;

/**
 * The id by which BullMQ knows a job of ours. It is part of a Redis key, `bull:queue:id`: unencoded, a job `wait` would
 * stand where the queue's list is, and one of `a:lock` where the lock of `a` is. What could is written as `~` and the id,
 * each of its odd characters as `%` and four hexadecimal digits; so no two ids are written alike.
 */
export function bullmqId(id: string): string {
  if (PLAIN.test(id) && !WHOLE_NUMBER.test(id)) return id;
  return `~${id.replace(/[^A-Za-z0-9_.-]/g, escape)}`;
}

/** By UTF-16 units, so that half of a surrogate pair is kept too. */
function escape(unit: string): string {
  return `%${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
