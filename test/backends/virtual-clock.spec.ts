import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '../../lib/backends/memory/virtual-clock.js';

const START = Date.parse('2026-11-21T09:00:00.000Z');

describe('a virtual clock', () => {
  test('stands still until it is told to go on', async () => {
    const clock = new VirtualClock(START);
    await setImmediate();
    expect([clock.now(), clock.monotonic()]).toEqual([START, START]);
    await clock.advance(1500);
    expect([clock.now(), clock.monotonic()]).toEqual([START + 1500, START + 1500]);
  });

  test('begins at the present where nothing else is said', () => {
    expect(Math.abs(new VirtualClock().now() - Date.now())).toBeLessThan(1000);
  });

  test('calls each at its moment, in the order of the moments, then of the asking', async () => {
    const clock = new VirtualClock(START);
    const calls: [string, number][] = [];
    for (const [name, ms] of [
      ['d', 30],
      ['b', 10],
      ['c', 10],
      ['a', 0],
      ['later', 31],
    ] as const) {
      clock.after(ms, () => calls.push([name, clock.now() - START]));
    }
    await clock.advance(30);
    expect(calls).toEqual([
      ['a', 0],
      ['b', 10],
      ['c', 10],
      ['d', 30],
    ]);
  });

  test('calls none before the time goes on, and each once', async () => {
    const clock = new VirtualClock(START);
    let calls = 0;
    clock.after(0, () => (calls += 1));
    clock.after(-5, () => (calls += 1));
    await setImmediate();
    expect(calls).toBe(0);
    await clock.advance(0);
    expect(calls).toBe(2);
    await clock.advance(1000);
    expect(calls).toBe(2);
  });

  test('calls none that was cancelled, also by one before it', async () => {
    const clock = new VirtualClock(START);
    let calls = 0;
    const cancel = clock.after(10, () => (calls += 1));
    clock.after(5, cancel);
    clock.after(10, () => (calls += 1))();
    await clock.advance(100);
    expect(calls).toBe(0);
    cancel();
  });

  test('lets what a timer has set off run, and its timers fire, within the same advance', async () => {
    const clock = new VirtualClock(START);
    const moments: number[] = [];
    const tick = (): void => {
      moments.push(clock.now() - START);
      void Promise.resolve()
        .then(() => setImmediate())
        .then(() => clock.after(10, tick));
    };
    clock.after(10, tick);
    await clock.advance(35);
    expect(moments).toEqual([10, 20, 30]);
    expect(clock.now()).toBe(START + 35);
  });

  test('never calls what is infinitely far', async () => {
    const clock = new VirtualClock(START);
    let calls = 0;
    clock.after(Infinity, () => (calls += 1));
    await clock.advance(1e12);
    expect(calls).toBe(0);
  });

  test('comes to the later moment where it is told twice at once', async () => {
    const clock = new VirtualClock(START);
    await Promise.all([clock.advance(10), clock.advance(100)]);
    expect(clock.now()).toBeGreaterThanOrEqual(START + 100);
  });
});
