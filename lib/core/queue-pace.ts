import type { Clock } from './clock.js';
import type { SharedRate } from './shared-rate.js';

/** How many jobs a queue's loop may take, so that most find a place of its rate, and none is taken while there is none. */
export class QueuePace {
  /** Jobs that were taken, and have no place yet. */
  private readonly expecting = new Set<object>();
  private cancelTimer: (() => void) | undefined;

  constructor(
    readonly rate: SharedRate,
    private readonly clock: Clock,
  ) {}

  /** How many more may be taken. */
  get room(): number {
    return Math.max(this.rate.room - this.expecting.size, 0);
  }

  taken(run: object): void {
    this.expecting.add(run);
  }

  /** It has a place, or won't have one. */
  passed(run: object): void {
    this.expecting.delete(run);
  }

  /** Calls `listener` when the next place is free, as far as is known. */
  whenFree(listener: () => void): void {
    if (this.cancelTimer || this.rate.room > 0) return;
    this.cancelTimer = this.clock.after(Math.max(this.rate.freeAt - this.clock.now(), 1), () => {
      this.cancelTimer = undefined;
      listener();
    });
  }

  close(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
  }
}
