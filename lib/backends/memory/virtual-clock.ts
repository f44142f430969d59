import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../core/clock.js';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** Turns of the event loop in which what a timer has set off may run before the time goes on. */
const TURNS = 5;

/** A clock that stands still until it is told to go on: delays, backoffs and leases without waiting. */
export class VirtualClock implements Clock {
  private time: number;
  private readonly timers = new Set<Timer>();

  /** @param start milliseconds since 1970; default: the present */
  constructor(start: number = Date.now()) {
    this.time = start;
  }

  now(): number {
    return this.time;
  }

  monotonic(): number {
    return this.time;
  }

  after(ms: number, callback: () => void): () => void {
    const timer: Timer = { at: this.time + Math.max(ms, 0), callback };
    this.timers.add(timer);
    return () => void this.timers.delete(timer);
  }

  /** Lets `ms` milliseconds pass: every timer fires at its moment, in their order. */
  async advance(ms: number): Promise<void> {
    const target = this.time + ms;
    await this.settle();
    for (let next = this.nextUntil(target); next; next = this.nextUntil(target)) {
      this.time = Math.max(this.time, next.at);
      this.timers.delete(next);
      next.callback();
      await this.settle();
    }
    this.time = Math.max(this.time, target);
  }

  private nextUntil(target: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.timers) if (timer.at <= target && (!first || timer.at < first.at)) first = timer;
    return first;
  }

  private async settle(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn++) await setImmediate();
  }
}
