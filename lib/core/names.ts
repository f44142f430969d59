import { show } from './show.js';

const NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;
const RULE = 'expected 1 to 100 of A-Z a-z 0-9 _ - . and not starting with . or -';

/** The longest id that others may give to a message, in bytes. */
export const FOREIGN_ID_MAX_BYTES = 1000;

/** Whether `value` may name a job or a queue, or be an id that a user gives. */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value);
}

/**
 * Checks the name of a job or a queue, or an id.
 *
 * @throws TypeError naming the kind, the offender and the rule
 */
export function checkName(
  kind: 'job name' | 'queue name' | 'job id' | 'instance name' | 'schedule name',
  value: unknown,
): asserts value is string {
  if (!isName(value)) throw new TypeError(`${kind}: ${RULE}; got ${show(value)}`);
}
