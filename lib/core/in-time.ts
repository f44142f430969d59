import { systemClock } from './clock.js';

/**
 * The same as `work`, unless that takes longer than `ms`: then it rejects with what `late` makes, and `work` goes on
 * unheard. By the system's clock, for another one may stand still meanwhile.
 */
export function inTime<T>(work: Promise<T>, ms: number, late: () => Error): Promise<T> {
  return new Promise((resolve, reject) => {
    const cancel = systemClock.after(ms, () => reject(late()));
    work.then(
      (value) => {
        cancel();
        resolve(value);
      },
      (error: unknown) => {
        cancel();
        reject(error);
      },
    );
  });
}
