import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import {
  Blocked,
  BlockedError,
  type ErrorMark,
  type ErrorRules,
  Fatal,
  FatalError,
  JobLeaseLostError,
  JobShutdownError,
  JobTimeoutError,
  markFatal,
  markOf,
  messageOf,
  type RetryOptions,
  toError,
  Transient,
  TransientError,
} from '../../lib/core/errors.js';
import { Bottomless, cyclicError, proxyError, THROWN, unreadableError } from './hostile.js';

@Transient({ retryIn: '5s' })
class MailboxBusy extends Error {}

@Fatal()
class NoSuchMailbox extends Error {}

@Blocked({ retryIn: '1m' })
class NotThereYet extends Error {}

class Plain extends Error {}

describe('the mark of an error', () => {
  test.each([
    ['unmarked', new Plain('x'), undefined],
    ['@Transient', new MailboxBusy('x'), { kind: 'transient', retryInMs: 5000 }],
    ['@Transient without retryIn', new (mark(Transient()))('x'), { kind: 'transient' }],
    ['@Fatal', new NoSuchMailbox('x'), { kind: 'fatal' }],
    ['@Blocked', new NotThereYet('x'), { kind: 'blocked', retryInMs: 60_000 }],
    ['TransientError', new TransientError('x'), { kind: 'transient' }],
    ['TransientError with retryIn', new TransientError('x', { retryIn: '2s' }), { kind: 'transient', retryInMs: 2000 }],
    ['TransientError with retryIn 0', new TransientError('x', { retryIn: 0 }), { kind: 'transient', retryInMs: 0 }],
    ['FatalError', new FatalError('x'), { kind: 'fatal' }],
    ['BlockedError', new BlockedError('x'), { kind: 'blocked' }],
    ['BlockedError with retryIn', new BlockedError('x', { retryIn: 7 }), { kind: 'blocked', retryInMs: 7 }],
    ['of a base class', new (class extends NoSuchMailbox {})('x'), { kind: 'fatal' }],
    [
      'of a base of a base',
      new (class extends class extends MailboxBusy {} {})('x'),
      { kind: 'transient', retryInMs: 5000 },
    ],
    ['of the class before its base', new (mark(Fatal(), MailboxBusy))('x'), { kind: 'fatal' }],
    ['of the cause', new Plain('x', { cause: new NoSuchMailbox('y') }), { kind: 'fatal' }],
    [
      'of the cause of a cause',
      new Plain('x', { cause: new Plain('y', { cause: new FatalError('z') }) }),
      { kind: 'fatal' },
    ],
    [
      'of the error before its cause',
      new NotThereYet('x', { cause: new FatalError('y') }),
      { kind: 'blocked', retryInMs: 60_000 },
    ],
    [
      'of the base class before the cause',
      new (class extends NotThereYet {})('x', { cause: new FatalError('y') }),
      { kind: 'blocked', retryInMs: 60_000 },
    ],
    [
      'of the nearer cause',
      new Plain('x', { cause: new MailboxBusy('y', { cause: new FatalError('z') }) }),
      { kind: 'transient', retryInMs: 5000 },
    ],
    [
      'with the retryIn of the cause',
      new Plain('x', { cause: new TransientError('y', { retryIn: 9 }) }),
      { kind: 'transient', retryInMs: 9 },
    ],
    ['none along a cause that is no error', new Plain('x', { cause: { cause: new FatalError('y') } }), undefined],
  ])('%s', (_, error, expected) => {
    expect(markOf(error)).toEqual(expected);
  });

  test('is none where the error can not be read, or its causes have no end', () => {
    for (const error of [unreadableError(), proxyError(), cyclicError(), new Bottomless('x')]) {
      expect(markOf(error)).toBeUndefined();
      expect(markOf(error, { fatal: [(one) => one.message === 'never'] })).toBeUndefined();
    }
  });

  test('is not inherited by an error of a class that hides its own', () => {
    const error = new NoSuchMailbox('x');
    Object.defineProperty(error, 'constructor', { value: Plain });
    expect(markOf(error)).toEqual({ kind: 'fatal' });
  });

  test('of a retryIn on the error goes before its class, also in a subclass marked anew', () => {
    @Transient({ retryIn: '1h' })
    class Slow extends TransientError {}
    expect(markOf(new Slow('x'))).toEqual({ kind: 'transient', retryInMs: 3_600_000 });
    expect(markOf(new Slow('x', { retryIn: '1s' }))).toEqual({ kind: 'transient', retryInMs: 1000 });
    @Fatal()
    class Hopeless extends TransientError {}
    expect(markOf(new Hopeless('x', { retryIn: '1s' }))).toEqual({ kind: 'fatal' });
  });

  test('is known to another copy of the package in the process', async () => {
    const copy = (await import(`../../lib/core/errors.js?${'copy'}`)) as { FatalError: typeof FatalError };
    expect(copy.FatalError).not.toBe(FatalError);
    expect(markOf(new copy.FatalError('x'))).toEqual({ kind: 'fatal' });
  });

  test('with a bad retryIn is refused where it is given', () => {
    expect(() => Transient({ retryIn: 'soon' })).toThrow(/^@Transient retryIn: expected .* got "soon"$/);
    expect(() => Blocked({ retryIn: -1 })).toThrow(/^@Blocked retryIn: expected .* got -1$/);
    expect(() => new TransientError('x', { retryIn: NaN })).toThrow(/^TransientError retryIn: expected .* got NaN$/);
  });
});

type ErrorClass = new (message?: string, options?: ErrorOptions) => Error;

function mark(decorate: (target: ErrorClass) => void, base: ErrorClass = Error): ErrorClass {
  const Marked = class extends base {};
  decorate(Marked);
  return Marked;
}

describe('rules for errors that nobody can mark', () => {
  class FromLibrary extends Error {
    constructor(readonly code: string) {
      super(code);
    }
  }
  class Finer extends FromLibrary {}
  function Old(this: Error, message: string): void {
    this.message = message;
  }
  Old.prototype = Object.create(Error.prototype) as Error;
  const oldClass = Old as unknown as new (message: string) => Error;
  const busy = (error: Error): boolean => (error as FromLibrary).code === 'EBUSY';

  test.each<[string, ErrorRules, Error, string | undefined]>([
    ['match a class', { fatal: [FromLibrary] }, new FromLibrary('x'), 'fatal'],
    ['match a subclass', { blocked: [FromLibrary] }, new Finer('x'), 'blocked'],
    ['match no other class', { fatal: [Finer] }, new FromLibrary('x'), undefined],
    ['match a class of the old kind', { fatal: [oldClass] }, new oldClass('x'), 'fatal'],
    ['match Error itself', { fatal: [Error] }, new TypeError('x'), 'fatal'],
    ['match a native class', { fatal: [TypeError] }, new TypeError('x'), 'fatal'],
    ['match by a predicate', { transient: [busy] }, new FromLibrary('EBUSY'), 'transient'],
    ['pass by what a predicate declines', { transient: [busy] }, new FromLibrary('ENOENT'), undefined],
    [
      'match by a predicate that is a function',
      {
        fatal: [
          function isIt() {
            return true;
          },
        ],
      },
      new Error('x'),
      'fatal',
    ],
    ['match any of several', { fatal: [TypeError, busy] }, new FromLibrary('EBUSY'), 'fatal'],
    ['match a cause', { fatal: [FromLibrary] }, new Plain('x', { cause: new FromLibrary('y') }), 'fatal'],
    [
      'match the error before its cause',
      { fatal: [FromLibrary], blocked: [Plain] },
      new Plain('x', { cause: new FromLibrary('y') }),
      'blocked',
    ],
    ['yield to a mark', { fatal: [MailboxBusy] }, new MailboxBusy('x'), 'transient'],
    ['yield to a mark of the cause', { fatal: [Plain] }, new Plain('x', { cause: new MailboxBusy('y') }), 'transient'],
    ['match an error of another realm', { fatal: [busy] }, foreign('EBUSY'), 'fatal'],
    ['match a cause of another realm', { fatal: [busy] }, new Plain('x', { cause: foreign('EBUSY') }), 'fatal'],
    [
      'bear a predicate that throws',
      {
        fatal: [
          () => {
            throw new Error('bug');
          },
        ],
        blocked: [Error],
      },
      new Error('x'),
      'blocked',
    ],
    ['say nothing when there are none', {}, new Error('x'), undefined],
  ])('%s', (_, rules, error, kind) => {
    expect(markOf(error, rules)?.kind).toBe(kind);
  });
});

describe('a predicate that says when to try again', () => {
  const at = (retryIn: unknown) => (): RetryOptions => ({ retryIn }) as RetryOptions;
  test.each<[string, ErrorRules, ErrorMark]>([
    ['is heard where the error is transient', { transient: [at('2s')] }, { kind: 'transient', retryInMs: 2000 }],
    ['and where it is blocked', { blocked: [at(5)] }, { kind: 'blocked', retryInMs: 5 }],
    ['but not where it is fatal', { fatal: [at('2s')] }, { kind: 'fatal' }],
    ['need not', { transient: [at(undefined)] }, { kind: 'transient' }],
    ['matches though its time can’t be read', { transient: [at('soon')] }, { kind: 'transient' }],
  ])('%s', (_, rules, mark) => {
    expect(markOf(new Error('x'), rules)).toEqual(mark);
  });
});

test('one error alone may be marked as fatal, with a reason', () => {
  const marked = markFatal(new MailboxBusy('x'), 'it was denied');
  expect(markOf(marked)).toEqual({ kind: 'fatal', reason: 'it was denied' });
  expect(markOf(new Error('y', { cause: marked }))).toEqual({ kind: 'fatal', reason: 'it was denied' });
  expect(markOf(new MailboxBusy('x'))?.kind).toBe('transient');
});

function foreign(code: string): Error {
  return runInNewContext(`Object.assign(new Error('x'), { code: ${JSON.stringify(code)} })`) as Error;
}

describe('a thrown value', () => {
  test('that is an error stays the same', () => {
    for (const error of [new Error('x'), new Plain('y'), foreign('z'), unreadableError()]) {
      expect(toError(error) === error).toBe(true);
    }
  });

  test.each(['a text', undefined, null, 42, { message: 'x' }])('%j is wrapped, and kept as the cause', (thrown) => {
    const error = toError(thrown);
    expect(error).toBeInstanceOf(Error);
    expect(error.cause).toBe(thrown);
    expect(error.message).toMatch(/was thrown, which is no Error$/);
  });

  test.each(THROWN)('such as %s makes an error with a message', (_, make) => {
    expect(messageOf(make())).toEqual(expect.any(String));
    expect(messageOf(make()).length).toBeLessThan(20_000);
  });
});

describe('a ready-made error', () => {
  test.each([
    ['TransientError', new TransientError('why', { cause: 1 })],
    ['FatalError', new FatalError('why', { cause: 1 })],
    ['BlockedError', new BlockedError('why', { cause: 1 })],
  ])('%s has its name, message and cause', (name, error) => {
    expect(error).toBeInstanceOf(Error);
    expect({ name: error.name, message: error.message, cause: error.cause }).toEqual({
      name,
      message: 'why',
      cause: 1,
    });
  });

  test('can be extended, and is then called as the class is', () => {
    class CardDeclined extends FatalError {}
    expect(new CardDeclined('x').name).toBe('CardDeclined');
    class Busy extends TransientError {}
    expect(new Busy('x').name).toBe('Busy');
    class Waiting extends BlockedError {
      override readonly name = 'AwaitingInput';
    }
    expect(new Waiting('x').name).toBe('AwaitingInput');
  });

  test('needs no message', () => {
    expect([new TransientError().message, new FatalError().message, new BlockedError().message]).toEqual(['', '', '']);
  });

  test('of a signal says what has happened', () => {
    expect(new JobTimeoutError(50)).toMatchObject({
      name: 'JobTimeoutError',
      message: expect.stringContaining('50 ms'),
    });
    expect(new JobShutdownError()).toMatchObject({
      name: 'JobShutdownError',
      message: expect.stringContaining('closing'),
    });
    expect(new JobLeaseLostError()).toMatchObject({
      name: 'JobLeaseLostError',
      message: expect.stringContaining('lease'),
    });
  });
});
