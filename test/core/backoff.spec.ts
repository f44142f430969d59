import { describe, expect, test } from 'vitest';
import { backoffMs, backoffPlan, DEFAULT_BACKOFF, type BackoffPlan } from '../../lib/core/backoff.js';

const plan = (options: Partial<BackoffPlan>): BackoffPlan => ({ ...DEFAULT_BACKOFF, jitter: 0, ...options });
const waits = (backoff: BackoffPlan, attempts: number, random = 0.5): number[] =>
  Array.from({ length: attempts }, (_, index) => backoffMs(backoff, index + 1, random));
const sum = (numbers: number[]): number => numbers.reduce((a, b) => a + b, 0);

describe('the default backoff', () => {
  test('doubles from 1 s and stays at 1 h', () => {
    const seconds = waits(DEFAULT_BACKOFF, 19).map((ms) => ms / 1000);
    expect(seconds.slice(0, 12)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048]);
    expect(seconds.slice(12)).toEqual(Array.from({ length: 7 }, () => 3600));
  });

  test('spreads 20 attempts over about 8 hours', () => {
    expect(sum(waits(DEFAULT_BACKOFF, 19)) / 3_600_000).toBeCloseTo(8.1, 1);
    expect(sum(waits(DEFAULT_BACKOFF, 19, 0)) / 3_600_000).toBeGreaterThan(7);
    expect(sum(waits(DEFAULT_BACKOFF, 19, 0.999999)) / 3_600_000).toBeLessThan(9);
  });

  test('is jittered by at most 10 %, to both sides', () => {
    for (let attempt = 1; attempt <= 30; attempt++) {
      const middle = backoffMs(DEFAULT_BACKOFF, attempt, 0.5);
      expect(backoffMs(DEFAULT_BACKOFF, attempt, 0)).toBe(Math.round(middle * 0.9));
      expect(backoffMs(DEFAULT_BACKOFF, attempt, 1 - Number.EPSILON)).toBe(Math.round(middle * 1.1));
      for (let random = 0; random < 1; random += 0.07) {
        const ratio = backoffMs(DEFAULT_BACKOFF, attempt, random) / middle;
        expect(ratio).toBeGreaterThanOrEqual(0.9);
        expect(ratio).toBeLessThanOrEqual(1.1);
      }
    }
  });
});

describe('a backoff', () => {
  test.each<[string, BackoffPlan, number[]]>([
    ['fixed', plan({ kind: 'fixed', base: 500 }), [500, 500, 500]],
    ['fixed, whatever its factor', plan({ kind: 'fixed', base: 500, factor: 9 }), [500, 500, 500]],
    ['fixed, at most max', plan({ kind: 'fixed', base: 500, max: 200 }), [200, 200, 200]],
    ['exponential', plan({ base: 100, factor: 3 }), [100, 300, 900]],
    ['exponential with a fractional factor', plan({ base: 1000, factor: 1.5 }), [1000, 1500, 2250]],
    ['exponential, at most max', plan({ base: 100, factor: 10, max: 5000 }), [100, 1000, 5000]],
    ['of 0', plan({ base: 0 }), [0, 0, 0]],
    ['at most 0', plan({ max: 0 }), [0, 0, 0]],
    ['in whole milliseconds', plan({ base: 0.4, factor: 1 }), [0, 0, 0]],
  ])('%s', (_, backoff, expected) => {
    expect(waits(backoff, 3)).toEqual(expected);
  });

  test('is a wait for every attempt, however many there were', () => {
    for (const attempt of [1, 100, 1025, 5000, Number.MAX_SAFE_INTEGER]) {
      expect(backoffMs(DEFAULT_BACKOFF, attempt, 0.5)).toBeLessThanOrEqual(3_600_000);
      expect(backoffMs(plan({ base: 0 }), attempt, 0.5)).toBe(0);
      expect(backoffMs(plan({ base: Number.MAX_VALUE, factor: 1000 }), attempt, 0.5)).toBe(3_600_000);
    }
  });

  test('with a jitter of 1 is never negative', () => {
    expect(backoffMs(plan({ base: 100, jitter: 1 }), 1, 0)).toBe(0);
    expect(backoffMs(plan({ base: 100, jitter: 1 }), 1, 0.999999)).toBe(200);
  });

  test('may be a function of the attempt, that gives any duration', () => {
    expect([1, 2, 3].map((attempt) => backoffMs((n) => n * 10, attempt, 0))).toEqual([10, 20, 30]);
    expect(backoffMs(() => '5m', 1, 0)).toBe(300_000);
  });

  test.each([NaN, -1, Infinity, 'soon', undefined, null, {}, Promise.resolve(5)])(
    'as a function that gives %s is an error',
    (value) => {
      expect(() => backoffMs(() => value as number, 1, 0)).toThrow(/^backoff: expected milliseconds or a duration/);
    },
  );

  test('as a function that throws is that error', () => {
    const boom = new Error('boom');
    expect(() =>
      backoffMs(
        () => {
          throw boom;
        },
        1,
        0,
      ),
    ).toThrow(boom);
  });
});

describe('backoff options', () => {
  test('are filled in with the defaults', () => {
    expect(backoffPlan({ kind: 'exponential' }, 'backoff')).toEqual(DEFAULT_BACKOFF);
    expect(backoffPlan({ kind: 'fixed', base: '5s', max: '1m', factor: 3, jitter: 0 }, 'backoff')).toEqual({
      kind: 'fixed',
      base: 5000,
      factor: 3,
      max: 60_000,
      jitter: 0,
    });
    expect(backoffPlan({ kind: 'fixed', base: null, jitter: undefined }, 'backoff').base).toBe(1000);
  });

  test.each([
    [undefined, /^b: expected \{ kind: /],
    [null, /^b: expected \{ kind: .* got null$/],
    ['exponential', /^b: expected \{ kind: .* got "exponential"$/],
    [5, /^b: expected \{ kind: /],
    [{}, /^b\.kind: expected 'fixed' or 'exponential', got undefined$/],
    [[], /^b\.kind: expected/],
    [{ kind: 'linear' }, /^b\.kind: expected 'fixed' or 'exponential', got "linear"$/],
    [{ kind: 'fixed', delay: 5 }, /^b: unknown option "delay"$/],
    [JSON.parse('{ "kind": "fixed", "__proto__": 1 }'), /^b: unknown option "__proto__"$/],
    [{ kind: 'fixed', base: -1 }, /^b\.base: expected milliseconds/],
    [{ kind: 'fixed', base: 'x' }, /^b\.base: expected milliseconds/],
    [{ kind: 'fixed', max: NaN }, /^b\.max: expected milliseconds/],
    [{ kind: 'fixed', factor: 0.5 }, /^b\.factor: expected a number from 1 to 1000, got 0\.5$/],
    [{ kind: 'fixed', factor: NaN }, /^b\.factor: expected/],
    [{ kind: 'fixed', factor: '2' }, /^b\.factor: expected a number from 1 to 1000, got "2"$/],
    [{ kind: 'fixed', factor: 1e9 }, /^b\.factor: expected/],
    [{ kind: 'fixed', jitter: -0.1 }, /^b\.jitter: expected a number from 0 to 1, got -0\.1$/],
    [{ kind: 'fixed', jitter: 1.1 }, /^b\.jitter: expected/],
  ])('%j are refused, naming the option', (options: unknown, message) => {
    expect(() => backoffPlan(options, 'b')).toThrow(message);
  });
});
