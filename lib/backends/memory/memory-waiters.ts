import type { Clock } from '../../core/clock.js';

/** Those that wait for jobs of a queue. */
export class MemoryWaiters {
  private readonly waiting = new Set<() => void>();

  constructor(private readonly clock: Clock) {}

  /** Resolves when woken, after `ms`, or when a signal aborts. */
  wait(ms: number, signals: readonly AbortSignal[]): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        this.waiting.delete(finish);
        for (const signal of signals) signal.removeEventListener('abort', finish);
        cancel();
        resolve();
      };
      const cancel = this.clock.after(ms, finish);
      this.waiting.add(finish);
      for (const signal of signals) signal.addEventListener('abort', finish, { once: true });
    });
  }

  wake(): void {
    for (const finish of [...this.waiting]) finish();
  }
}
