/** Those that wait for something to change. */
export class Waiters {
  private readonly waiting = new Set<() => void>();

  /** Resolves when woken, after `ms`, or when a signal aborts. */
  wait(ms: number, signals: readonly AbortSignal[]): Promise<void> {
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.waiting.delete(finish);
        for (const signal of signals) signal.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, ms);
      this.waiting.add(finish);
      for (const signal of signals) signal.addEventListener('abort', finish, { once: true });
    });
  }

  wake(): void {
    for (const finish of [...this.waiting]) finish();
  }
}
