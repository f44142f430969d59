import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { causesOf, isError } from '../../lib/core/causes.js';
import { Bottomless, cyclicError, ownCause, proxyError, revokedProxy, unreadableError } from './hostile.js';

describe('isError', () => {
  test.each([
    ['an error', new Error('x')],
    ['one of a class', new (class Mine extends RangeError {})('x')],
    ['one of another realm', runInNewContext('new Error("x")') as unknown],
    ['one by its prototype alone', Object.create(Error.prototype) as unknown],
    ['a proxy of one', new Proxy(new Error('x'), {})],
    ['a DOMException', new DOMException('x', 'AbortError')],
  ])('says yes to %s', (_, value) => {
    expect(isError(value)).toBe(true);
  });

  test.each([
    ['undefined', undefined],
    ['a text', 'Error'],
    ['what merely looks so', { name: 'Error', message: 'x', stack: 'x' }],
  ])('says no to %s', (_, value) => {
    expect(isError(value)).toBe(false);
  });

  test('bears what can not be read', () => {
    expect(isError(unreadableError())).toBe(true);
    expect(isError(revokedProxy())).toBe(false);
    expect(isError(proxyError())).toBe(false);
  });
});

describe('causesOf', () => {
  test('gives the error and its causes in their order', () => {
    const [a, b] = [new Error('a'), runInNewContext('new Error("b")') as Error];
    const c = new Error('c', { cause: a });
    a.cause = b;
    expect(causesOf(c)).toEqual([c, a, b]);
  });

  test('ends where a cause is no error', () => {
    const error = new Error('x', { cause: { cause: new Error('hidden') } });
    expect(causesOf(error)).toEqual([error]);
  });

  test('ends where causes repeat, throw, or never end', () => {
    expect(causesOf(cyclicError())).toHaveLength(2);
    expect(causesOf(ownCause())).toHaveLength(1);
    expect(causesOf(unreadableError())).toHaveLength(1);
    expect(causesOf(new Bottomless('x')).length).toBeLessThanOrEqual(100);
  });
});
