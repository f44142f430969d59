import { EXIT } from './exit-codes.js';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** What a signal asks of work that is under way. */
export interface Interruption {
  /** Aborts at the first Ctrl-C or SIGTERM: finish what you hold, and end. */
  readonly signal: AbortSignal;
  /** No more signals are heard. */
  off(): void;
}

/**
 * Hears of Ctrl-C and SIGTERM. The first asks the work to finish; the second ends the process at once.
 *
 * @param first is called at the first
 * @param atOnce is called before the process ends at the second
 */
export function interruption(first: () => void = () => undefined, atOnce: () => void = () => undefined): Interruption {
  const controller = new AbortController();
  const heard = (): void => {
    if (controller.signal.aborted) {
      atOnce();
      process.exit(EXIT.interrupted);
    }
    controller.abort();
    first();
  };
  for (const signal of SIGNALS) process.on(signal, heard);
  return {
    signal: controller.signal,
    off: () => {
      for (const signal of SIGNALS) process.off(signal, heard);
    },
  };
}
