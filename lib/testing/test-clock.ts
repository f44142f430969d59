import { systemClock, type Clock } from '../core/clock.js';

interface Timer {
  readonly at: number;
  readonly callback: () => void;
  cancel?: () => void;
}

/** A clock that stands still until it is moved, and from its release on goes on by itself. */
export class TestClock implements Clock {
  private time = Date.now();
  private readonly timers = new Set<Timer>();
  /** When it was released, by the system's clock. */
  private releasedAt: number | undefined;

  now(): number {
    return this.releasedAt === undefined ? this.time : this.time + systemClock.monotonic() - this.releasedAt;
  }

  monotonic(): number {
    return this.now();
  }

  after(ms: number, callback: () => void): () => void {
    const timer: Timer = { at: this.now() + Math.max(ms, 0), callback };
    this.timers.add(timer);
    if (this.releasedAt !== undefined) this.arm(timer);
    return () => {
      this.timers.delete(timer);
      timer.cancel?.();
    };
  }

  /** Goes to the next timer until `target`, and lets it fire; false where there is none. */
  step(target: number): boolean {
    let next: Timer | undefined;
    for (const timer of this.timers) if (timer.at <= target && (!next || timer.at < next.at)) next = timer;
    if (!next) return false;
    this.time = Math.max(this.time, next.at);
    this.timers.delete(next);
    next.callback();
    return true;
  }

  /** Lets the time be `target`, if that lies ahead; what falls due by then fires first. */
  moveTo(target: number): void {
    while (this.step(target));
    this.time = Math.max(this.time, target);
  }

  /** From now on it goes on as the system's does: what closes must come to its end, though nobody moves it. */
  release(): void {
    if (this.releasedAt !== undefined) return;
    this.releasedAt = systemClock.monotonic();
    for (const timer of this.timers) this.arm(timer);
  }

  private arm(timer: Timer): void {
    timer.cancel = systemClock.after(Math.max(timer.at - this.now(), 0), () => {
      this.timers.delete(timer);
      timer.callback();
    });
  }
}
