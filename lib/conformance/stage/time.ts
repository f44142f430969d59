import { AssertionError } from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { pause, type Clock } from '../../core/clock.js';

/**
 * The premise of a scenario did not hold, for this machine was too slow: a lease lapsed that the scenario meant to
 * hold. Says nothing about the backend; the scenario is run again.
 */
export class TooSlow extends Error {
  override readonly name = 'TooSlow';
}

/** How long something that happens without delay may take where time is real. Generous: machines are busy. */
const PROMPT_MS = 5_000;

/** The longest step between two looks, where time is real. */
const LONGEST_LOOK_MS = 20;

/** Lets time pass, real or virtual, and waits for conditions rather than for times. */
export class Time {
  private over = false;
  private passing: Promise<void> = Promise.resolve();

  /**
   * @param advance moves a virtual clock on; undefined where time is real
   * @param patienceMs how long anything may take that must happen
   * @param longestStepMs how far a virtual clock goes on at a time while a condition is waited for
   */
  constructor(
    readonly clock: Clock,
    private readonly advance: ((ms: number) => Promise<void>) | undefined,
    private readonly patienceMs: number,
    private readonly longestStepMs: number,
  ) {}

  get isVirtual(): boolean {
    return this.advance !== undefined;
  }

  /** Lets so many milliseconds pass; virtual ones after those that others let pass at the same time. */
  pass(ms: number): Promise<void> {
    if (!this.advance) return pause(this.clock, ms);
    this.passing = this.passing.then(() => this.advance?.(ms));
    return this.passing;
  }

  /** Waits until `holds` does, letting time pass. */
  async until(what: string | (() => string), holds: () => boolean, limitMs: number = this.patienceMs): Promise<void> {
    const end = this.clock.monotonic() + limitMs;
    const longest = this.isVirtual ? this.longestStepMs : LONGEST_LOOK_MS;
    for (let look = 0, step = 0; !holds(); look++) {
      if (this.over) throw new Error('the scenario is over');
      if (look > 5 && this.clock.monotonic() >= end) {
        const expected = typeof what === 'string' ? what : what();
        throw new AssertionError({ message: `expected ${expected}; waited ${limitMs} ms` });
      }
      if (look > 5) step = Math.min(Math.ceil(step * 1.5) + 1, longest, Math.max(end - this.clock.monotonic(), 0));
      await this.pass(step);
    }
  }

  /** Gives what `promise` resolves with, letting time pass meanwhile. */
  async wait<T>(what: string | (() => string), promise: Promise<T>, limitMs?: number): Promise<T> {
    let settled = false;
    const settle = (): void => {
      settled = true;
    };
    promise.then(settle, settle);
    await setImmediate();
    if (settled) return promise;
    const patience = this.until(what, () => settled, limitMs);
    // A virtual clock must stand still before the scenario goes on; where time is real, no look is waited for.
    if (this.isVirtual) await patience;
    else await Promise.race([patience, promise]);
    return promise;
  }

  /** The same for what must happen at once: without any time passing, where it is virtual. */
  promptly<T>(what: string, promise: Promise<T>): Promise<T> {
    return this.wait(`${what} at once`, promise, this.isVirtual ? 0 : PROMPT_MS);
  }

  /** Ends what still waits. */
  end(): void {
    this.over = true;
  }
}
