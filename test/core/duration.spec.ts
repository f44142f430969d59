import { describe, expect, test } from 'vitest';
import { durationMs } from '../../lib/core/duration.js';

describe('a duration', () => {
  test.each([
    [0, 0],
    [1500, 1500],
    [0.5, 0.5],
    [Number.MAX_VALUE, Number.MAX_VALUE],
    ['30s', 30_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['1 day', 86_400_000],
    ['7 days', 604_800_000],
    ['1.5h', 5_400_000],
    ['250ms', 250],
    ['100', 100],
    ['0', 0],
  ])('%j is %j ms', (value, ms) => {
    expect(durationMs(value, 'delay')).toBe(ms);
  });

  test.each([
    [-1, '-1'],
    [NaN, 'NaN'],
    [Infinity, 'Infinity'],
    ['', '""'],
    [' ', '" "'],
    ['soon', '"soon"'],
    ['-5m', '"-5m"'],
    ['5 fortnights', '"5 fortnights"'],
    ['5m 3s', '"5m 3s"'],
    [null, 'null'],
    [undefined, 'undefined'],
    [true, 'true'],
    [10n, '10n'],
    [new Date(0), '1970-01-01T00:00:00.000Z'],
    [{ valueOf: () => 5 }, '{ valueOf: [Function: valueOf] }'],
    ['1'.repeat(101), `"${'1'.repeat(101)}"`],
  ])('%s is refused, saying which option and what it got', (value, shown) => {
    expect(() => durationMs(value, 'delay')).toThrow(
      new TypeError(`delay: expected milliseconds or a duration such as '30s', '5m', '1 day', got ${shown}`),
    );
  });
});
