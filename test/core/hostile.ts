/** Things that are thrown at the core, or returned to it, by those who mean it no good. */

function throwing(): never {
  throw new Error('not me');
}

/** An error of which nothing can be read. */
export function unreadableError(): Error {
  const error = new Error('unreadable');
  for (const key of ['stack', 'name', 'message', 'cause', 'constructor']) {
    Object.defineProperty(error, key, { get: throwing });
  }
  return error;
}

/** An error all of whose properties, and whose prototype, throw when they are asked for. */
export function proxyError(): Error {
  return new Proxy(new Error('behind a proxy'), {
    get: throwing,
    getPrototypeOf: throwing,
    getOwnPropertyDescriptor: throwing,
    has: throwing,
    ownKeys: throwing,
  });
}

export function revokedProxy(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

/** Two errors, each the other's cause. */
export function cyclicError(): Error {
  const error = new Error('the hen');
  error.cause = new Error('the egg', { cause: error });
  return error;
}

export function ownCause(): Error {
  const error = new Error('myself');
  error.cause = error;
  return error;
}

/** An error with always another cause. */
export class Bottomless extends Error {
  override get cause(): Error {
    return new Bottomless('deeper');
  }
}

export function objectWithThrowingGetter(): object {
  return Object.defineProperty({}, 'message', { get: throwing, enumerable: true });
}

/** All of them, by what they are. */
export const THROWN: readonly (readonly [string, () => unknown])[] = [
  ['undefined', () => undefined],
  ['null', () => null],
  ['a text', () => 'a text'],
  ['a number', () => 42],
  ['a bigint', () => 10n],
  ['a symbol', () => Symbol('s')],
  ['a function', () => throwing],
  ['an object', () => ({ message: 'no error' })],
  ['an object with a throwing getter', objectWithThrowingGetter],
  ['an object without a prototype', () => Object.create(null) as object],
  ['a revoked proxy', revokedProxy],
  ['a proxy of an error whose traps throw', proxyError],
  ['an error of which nothing can be read', unreadableError],
  ['an error with a cyclic cause', cyclicError],
  ['an error that is its own cause', ownCause],
  ['an error with ever more causes', () => new Bottomless('deep')],
  ['an error whose cause is a revoked proxy', () => new Error('x', { cause: revokedProxy() })],
  ['an error whose name is a number', () => Object.assign(new Error('x'), { name: 5 })],
  ['an error without a prototype', () => Object.setPrototypeOf(new Error('x'), null) as Error],
  ['an error with a message of 50 MB', () => new Error('x'.repeat(50_000_000))],
];
