import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { FatalError } from '../../lib/core/errors.js';
import { addFailure, describeError, type FailureRecord } from '../../lib/core/failure-record.js';
import { toError } from '../../lib/core/errors.js';
import { cyclicError, THROWN, unreadableError } from './hostile.js';

function failure(attempt: number): FailureRecord {
  return {
    at: '2026-11-21T09:00:00.000Z',
    worker: 'host:1',
    attempt,
    durationMs: 5,
    error: { name: 'E', message: 'm' },
  };
}

describe('the failures that are kept', () => {
  test('are the first, and the last nine', () => {
    let failures: readonly FailureRecord[] = [];
    const kept: number[][] = [];
    for (let attempt = 1; attempt <= 25; attempt++) {
      failures = addFailure(failures, failure(attempt));
      kept.push(failures.map((one) => one.attempt));
    }
    expect(kept[0]).toEqual([1]);
    expect(kept[9]).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(kept[10]).toEqual([1, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(kept[24]).toEqual([1, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
  });

  test('of before are left as they are', () => {
    const before = [failure(1)] as const;
    addFailure(before, failure(2));
    expect(before).toHaveLength(1);
  });
});

describe('an error is kept under', () => {
  class Mine extends Error {}
  class MineOfType extends TypeError {}
  class Named extends Error {
    override readonly name = 'OddName';
  }
  class Heir extends Named {}
  class ByPrototype extends Error {}
  Object.defineProperty(ByPrototype.prototype, 'name', { value: 'ByPrototype' });
  class HeirByPrototype extends ByPrototype {}
  class CardDeclined extends FatalError {}

  test.each<[string, Error, string]>([
    ['the name of its class where it sets none', new Mine('x'), 'Mine'],
    ['the name of its class where only a native base class sets one', new MineOfType('x'), 'MineOfType'],
    ['the name of its class where only another base class has its own', new HeirByPrototype('x'), 'HeirByPrototype'],
    ['the name of its class where that extends a ready-made error', new CardDeclined('x'), 'CardDeclined'],
    ['the name that it sets', Object.assign(new Mine('x'), { name: 'Other' }), 'Other'],
    ['the name that its class sets', new Named('x'), 'OddName'],
    ['the name that its base class sets', new Heir('x'), 'OddName'],
    ['the name of a native class', new RangeError('x'), 'RangeError'],
    ['the name that a DOMException has', new DOMException('x', 'AbortError'), 'AbortError'],
    ['the name of another realm', runInNewContext('new TypeError("x")') as Error, 'TypeError'],
    ['Error where its class has no name', new (class extends Error {})('x'), 'Error'],
    ['its class where its name is empty', Object.assign(new Mine('x'), { name: '' }), 'Error'],
  ])('%s', (_, error, name) => {
    expect(describeError(error).name).toBe(name);
  });

  test('Error where nothing can be read', () => {
    expect(describeError(unreadableError())).toEqual({ name: 'Error', message: '' });
  });
});

describe('an error', () => {
  test('is kept with its stack and those of its causes', () => {
    const error = new Error('outer', { cause: new TypeError('inner', { cause: 'no error' }) });
    const { stack } = describeError(error);
    expect(stack).toMatch(/^Error: outer\n {4}at [^]*\nCaused by: TypeError: inner\n {4}at /);
    expect(describeError(cyclicError()).stack?.match(/Caused by/g)).toHaveLength(1);
  });

  test('without a stack is kept without', () => {
    const error = new Error('x');
    error.stack = undefined;
    expect(describeError(error)).toEqual({ name: 'Error', message: 'x' });
  });

  test('that quotes its payload is cut', () => {
    const { message, stack } = describeError(new Error('x'.repeat(1_000_000)));
    expect(message).toMatch(/^x{10000}… \(1000000 characters\)$/);
    expect(stack?.length).toBeLessThan(10_100);
    expect(describeError(Object.assign(new Error('x'), { name: 'N'.repeat(50_000) })).name.length).toBeLessThan(10_100);
  });

  test.each(THROWN)('that came of %s is kept as JSON keeps it', (_, make) => {
    const kept = describeError(toError(make()));
    expect(JSON.parse(JSON.stringify(kept))).toEqual(kept);
    expect(kept.name).toMatch(/./);
  });
});
