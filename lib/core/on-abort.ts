const heard = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `listener` when a signal aborts that has not yet. However many listen, it is one listener to the signal: it may be
 * a user's, and Node.js takes more than ten for a leak, and says so.
 *
 * @returns what ends that
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  let listeners = heard.get(signal);
  if (!listeners) {
    const all = new Set<() => void>();
    heard.set(signal, all);
    signal.addEventListener('abort', () => [...all].forEach((one) => one()), { once: true });
    listeners = all;
  }
  const those = listeners;
  // One of its own, for the same function may listen twice.
  const told = (): void => listener();
  those.add(told);
  return () => void those.delete(told);
}
