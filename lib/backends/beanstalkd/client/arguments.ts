import { show } from '../../../core/show.js';

/** The largest number of the protocol: seconds, priorities and sizes are of 32 bits. */
export const LARGEST = 4_294_967_295;

/** The longest wait of a reserve, in seconds: servers differ in what they make of a longer one. */
export const LONGEST_WAIT_S = 2_147_483_647;

/** The longest name of a tube, in bytes. */
export const LONGEST_TUBE = 200;

const TUBE = /^[A-Za-z0-9+/;.$_()][A-Za-z0-9+/;.$_()-]*$/;
const ID = /^[0-9]{1,20}$/;

/**
 * Checks a number before it becomes part of a command: the server answers BAD_FORMAT to a malformed one and then takes
 * the body that follows for commands, whoever wrote it.
 *
 * @throws RangeError
 */
export function checkNumber(what: string, value: number, largest: number = LARGEST): number {
  if (Number.isInteger(value) && value >= 0 && value <= largest) return value;
  throw new RangeError(`${what}: expected a whole number from 0 to ${largest}, got ${show(value)}`);
}

/**
 * Checks the name of a tube, which could smuggle a command in.
 *
 * @throws RangeError
 */
export function checkTube(tube: string): string {
  if (typeof tube === 'string' && tube.length <= LONGEST_TUBE && TUBE.test(tube)) return tube;
  throw new RangeError(
    `tube: expected 1 to ${LONGEST_TUBE} of A-Z a-z 0-9 - + / ; . $ _ ( ), not starting with -, got ${show(tube)}`,
  );
}

/**
 * Checks the server's id of a job. A text, for it has 64 bits.
 *
 * @throws RangeError
 */
export function checkId(id: string): string {
  if (typeof id === 'string' && ID.test(id)) return id;
  throw new RangeError(`job: expected a number in digits, got ${show(id)}`);
}
