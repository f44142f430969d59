import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { pause, systemClock } from '../../lib/core/clock.js';
import { VirtualClock } from '../../lib/backends/memory/virtual-clock.js';

const DAY = 86_400_000;

describe('the system’s clock', () => {
  test('tells the wall’s time and one that never steps', () => {
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(1000);
    const before = systemClock.monotonic();
    expect(systemClock.monotonic()).toBeGreaterThanOrEqual(before);
  });

  describe('calls', () => {
    beforeEach(() => {
      vi.useFakeTimers();
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    test.each([1, 2, 1000, 24 * DAY, 25 * DAY, 80 * DAY])('once, after %d ms', (ms) => {
      let calls = 0;
      systemClock.after(ms, () => (calls += 1));
      vi.advanceTimersByTime(ms - 1);
      expect(calls).toBe(0);
      vi.advanceTimersByTime(2);
      expect(calls).toBe(1);
      vi.advanceTimersByTime(100 * DAY);
      expect(calls).toBe(1);
      expect(vi.getTimerCount()).toBe(0);
    });

    test('nobody who has cancelled, however far along', () => {
      for (const passed of [0, 30 * DAY, 60 * DAY]) {
        let calls = 0;
        const cancel = systemClock.after(80 * DAY, () => (calls += 1));
        vi.advanceTimersByTime(passed);
        cancel();
        cancel();
        expect(vi.getTimerCount()).toBe(0);
        vi.advanceTimersByTime(100 * DAY);
        expect(calls).toBe(0);
      }
    });

    test('never what is infinitely far, and at once what is past', () => {
      let calls = 0;
      const cancel = systemClock.after(Infinity, () => (calls += 1));
      vi.advanceTimersByTime(1000 * DAY);
      expect(calls).toBe(0);
      cancel();
      systemClock.after(-5, () => (calls += 1));
      vi.advanceTimersByTime(1);
      expect(calls).toBe(1);
    });
  });
});

describe('a pause', () => {
  test('ends after its time', async () => {
    const clock = new VirtualClock();
    let ended = false;
    void pause(clock, 100).then(() => (ended = true));
    await clock.advance(99);
    expect(ended).toBe(false);
    await clock.advance(1);
    expect(ended).toBe(true);
  });

  test('ends with its signal, and leaves no timer and no listener', async () => {
    const armed = new Set<object>();
    const clock = {
      ...systemClock,
      after: (): (() => void) => {
        const timer = {};
        armed.add(timer);
        return () => void armed.delete(timer);
      },
    };
    const controller = new AbortController();
    const listeners = vi.spyOn(controller.signal, 'removeEventListener');
    const paused = pause(clock, 1000, controller.signal);
    expect(armed.size).toBe(1);
    controller.abort();
    await paused;
    expect(armed.size).toBe(0);
    expect(listeners).toHaveBeenCalledOnce();
  });

  test('takes its listener off when its time has passed', async () => {
    const clock = new VirtualClock();
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener');
    const removed = vi.spyOn(signal, 'removeEventListener');
    const paused = pause(clock, 5, signal);
    await clock.advance(5);
    await paused;
    expect(removed.mock.calls[0]?.[1]).toBe(added.mock.calls[0]?.[1]);
  });

  test('does not begin where its signal has aborted', async () => {
    await pause(new VirtualClock(), 1000, AbortSignal.abort());
  });
});
