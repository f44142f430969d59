import { messageOf } from './errors.js';
import { show } from './show.js';

/** Classes whose instances JSON turns into something else without saying so; what has `toJSON` is found by that. */
const LOSSY: readonly ((new (...args: never[]) => object) | typeof BigInt | typeof Symbol)[] = [
  Map,
  Set,
  WeakMap,
  WeakSet,
  RegExp,
  Error,
  Promise,
  ArrayBuffer,
  SharedArrayBuffer,
  Number,
  String,
  Boolean,
  BigInt,
  Symbol,
];

/** Why a value can't be kept as JSON, and where in it the offender is. */
export class PayloadError extends TypeError {
  constructor(
    readonly path: string,
    problem: string,
  ) {
    super(`${path}: ${problem}`);
    this.name = 'PayloadError';
  }
}

/**
 * The JSON text of a payload or a result. What JSON would change silently is refused; `undefined` alone is null,
 * and `undefined` properties are left out.
 *
 * @param root what the value is called in the error's path
 * @throws PayloadError with the path of the offender
 */
export function toJson(value: unknown, root: string): string {
  if (value === undefined) return 'null';
  let offence: Offence | undefined;
  try {
    // First, for it finds cycles and what is nested too far at no cost, so that the check below comes to an end.
    const text = JSON.stringify(value);
    offence = check(value);
    if (!offence) return text;
  } catch (error) {
    offence = offenceThatThrew(value, error);
  }
  throw new PayloadError(root + pathOf(offence.trail), offence.problem);
}

/** What can't be kept, and the way to it from the offender up to the root. */
interface Offence {
  readonly trail: (string | number)[];
  readonly problem: string;
}

function offenceThatThrew(value: unknown, error: unknown): Offence {
  try {
    const found = check(value, new Set());
    if (found) return found;
  } catch {
    // It throws here as well.
  }
  const tooFar = 'expected JSON, got a value nested or grown too far';
  const throws = `expected JSON, but reading it throws ${messageOf(error)}`;
  return { trail: [], problem: error instanceof RangeError ? tooFar : throws };
}

/** @param ancestors the objects that hold this one, where there may be a cycle */
function check(value: unknown, ancestors?: Set<object>): Offence | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return undefined;
    case 'number':
      return Number.isFinite(value) ? undefined : { trail: [], problem: `expected a finite number, got ${value}` };
    case 'object':
      return value === null ? undefined : checkObject(value, ancestors);
    default:
      return { trail: [], problem: `expected JSON, got ${value === undefined ? 'undefined' : `a ${typeof value}`}` };
  }
}

function checkObject(value: object, ancestors: Set<object> | undefined): Offence | undefined {
  const problem = ancestors?.has(value) ? 'a cycle' : lossy(value);
  if (problem) return { trail: [], problem: `expected JSON, got ${problem}` };
  ancestors?.add(value);
  const offence = Array.isArray(value) ? checkItems(value, ancestors) : checkProperties(value, ancestors);
  ancestors?.delete(value);
  return offence;
}

function checkItems(items: readonly unknown[], ancestors: Set<object> | undefined): Offence | undefined {
  for (let index = 0; index < items.length; index++) {
    const offence = check(items[index], ancestors);
    if (offence) return under(index, offence);
  }
  if (Object.keys(items).length === items.length) return undefined;
  return { trail: [], problem: 'expected JSON, got an array with properties of its own' };
}

function checkProperties(value: object, ancestors: Set<object> | undefined): Offence | undefined {
  for (const key of Object.keys(value)) {
    const property = (value as Record<string, unknown>)[key];
    const offence = property === undefined ? undefined : check(property, ancestors);
    if (offence) return under(key, offence);
  }
  return undefined;
}

function under(step: string | number, offence: Offence): Offence {
  offence.trail.push(step);
  return offence;
}

function lossy(value: object): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  const plain = prototype === Object.prototype || prototype === Array.prototype || prototype === null;
  const type = plain ? undefined : lossyType(value);
  if (type) return type;
  if (typeof (value as { toJSON?: unknown }).toJSON === 'function') {
    return `something with toJSON (${show(value.constructor?.name ?? 'object')})`;
  }
  const symbols = Object.getOwnPropertySymbols(value);
  const symbol = symbols.find((key) => Object.prototype.propertyIsEnumerable.call(value, key));
  return symbol ? `a property named by a symbol (${show(symbol)})` : undefined;
}

function lossyType(value: object): string | undefined {
  if (ArrayBuffer.isView(value)) return `a ${value.constructor.name}`;
  // The tag tells those of other realms as well, such as a test runner's.
  const tag = Object.prototype.toString.call(value).slice('[object '.length, -1);
  if (tag === 'Date' || value instanceof Date) return 'a Date (pass its toISOString())';
  const found = LOSSY.find((type) => value instanceof type || tag === type.name);
  return found && `a ${found.name}`;
}

function pathOf(trail: readonly (string | number)[]): string {
  return trail
    .toReversed()
    .map((step) => {
      if (typeof step === 'number') return `[${step}]`;
      return /^[A-Za-z_$][\w$]{0,99}$/.test(step) ? `.${step}` : `[${show(step)}]`;
    })
    .join('');
}
