import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { inTime } from '../../lib/core/in-time.js';

describe('work in time', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });
  const late = (): Error => new Error('late');

  test('gives its result, and leaves no timer', async () => {
    await expect(inTime(Promise.resolve(5), 1000, late)).resolves.toBe(5);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('gives its error, whatever it is, and leaves no timer', async () => {
    await expect(inTime(Promise.reject(undefined), 1000, late)).rejects.toBeUndefined();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('of many is given up each at its own time, by one timer', async () => {
    const given: unknown[] = [];
    const never = (): Promise<never> => new Promise(() => undefined);
    const begin = (what: string, work: Promise<unknown>): void => {
      inTime(work, 1000, late).then(
        () => given.push(`${what} in time`),
        () => given.push(`${what} late`),
      );
    };
    begin('first', never());
    await vi.advanceTimersByTimeAsync(400);
    begin('second', never());
    begin('third', new Promise((resolve) => setTimeout(resolve, 900)));
    await vi.advanceTimersByTimeAsync(599);
    expect(given).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(given).toEqual(['first late']);
    await vi.advanceTimersByTimeAsync(400);
    expect(given).toEqual(['first late', 'third in time', 'second late']);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('is given up when it takes longer, and unheard when it ends badly after that', async () => {
    const unhandled: unknown[] = [];
    const hear = (reason: unknown): unknown => unhandled.push(reason);
    process.on('unhandledRejection', hear);
    const { promise, reject } = withReject();
    const given = inTime(promise, 1000, late);
    const outcome = expect(given).rejects.toThrow('late');
    vi.advanceTimersByTime(1000);
    await outcome;
    reject(new Error('too late to matter'));
    vi.useRealTimers();
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', hear);
    expect(unhandled).toEqual([]);
  });
});

function withReject(): { promise: Promise<never>; reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => undefined;
  const promise = new Promise<never>((_, refuse) => {
    reject = refuse;
  });
  return { promise, reject };
}
