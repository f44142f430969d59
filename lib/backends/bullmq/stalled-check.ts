import { systemClock } from '../../core/clock.js';
import type { Scripts } from './scripts.js';

/**
 * Has BullMQ bring back the jobs of workers that died. A look marks the active jobs; one that is still marked at the next
 * and has no lock any more comes back. All workers of a queue, those of other programs too, share one clock in Redis, so
 * that together they look as often as one.
 */
export class StalledCheck {
  private cancel: (() => void) | undefined;
  private closed = false;

  constructor(
    private readonly scripts: Scripts,
    private readonly everyMs: number,
  ) {}

  /** Begins; may be called again. */
  start(): void {
    if (this.cancel || this.closed) return;
    this.cancel = (): void => undefined;
    void this.look();
  }

  close(): void {
    this.closed = true;
    this.cancel?.();
  }

  private async look(): Promise<void> {
    // Where Redis is away, a reserve says so; the next look makes up for this one.
    await this.scripts.moveStalledJobsToWait().catch(() => undefined);
    if (!this.closed) this.cancel = systemClock.after(this.everyMs, () => void this.look());
  }
}
