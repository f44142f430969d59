/** Time as the core sees it. A backend may bring its own (the memory backend does, for virtual time). */
export interface Clock {
  /** Wall-clock time, milliseconds since 1970-01-01 UTC. May step; says when a job is due or expired. */
  now(): number;
  /** Milliseconds from an arbitrary start. Never steps; says how long a lease has lasted. */
  monotonic(): number;
  /** Calls `callback` once, `ms` milliseconds from now. Returns what cancels it. */
  after(ms: number, callback: () => void): () => void;
}

/** The longest delay that a timer of Node takes; above it, it would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    let timer: NodeJS.Timeout;
    const arm = (left: number): void => {
      timer =
        left > LONGEST_TIMER_MS
          ? setTimeout(() => arm(left - LONGEST_TIMER_MS), LONGEST_TIMER_MS)
          : setTimeout(callback, left);
    };
    arm(ms);
    return () => clearTimeout(timer);
  },
};

/** Resolves after `ms`, or as soon as `signal` aborts; never rejects. */
export function pause(clock: Clock, ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const finish = (): void => {
      cancel();
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const cancel = clock.after(ms, finish);
    signal?.addEventListener('abort', finish, { once: true });
  });
}
