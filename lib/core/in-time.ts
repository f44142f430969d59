import { systemClock } from './clock.js';

/**
 * The same as `work`, unless that takes longer than `ms`: then it rejects with what `late` makes, and `work` goes on
 * unheard. By the system's clock, for another one may stand still meanwhile.
 *
 * @param failed what it rejects with where `work` does; default the same
 */
export function inTime<T>(
  work: Promise<T>,
  ms: number,
  late: () => Error,
  failed: (error: unknown) => unknown = (error) => error,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const deadlines = Deadlines.of(ms);
    const deadline = { at: systemClock.monotonic() + ms, pass: () => reject(late()) };
    deadlines.add(deadline);
    work.then(
      (value) => {
        deadlines.delete(deadline);
        resolve(value);
      },
      (error: unknown) => {
        deadlines.delete(deadline);
        reject(failed(error));
      },
    );
  });
}

interface Deadline {
  /** By the clock's `monotonic()`. */
  readonly at: number;
  pass(): void;
}

/** Deadlines equally far ahead, the first first. They share a timer: to set one for each costs a tenth of a publish. */
class Deadlines {
  private static readonly byMs = new Map<number, Deadlines>();
  private readonly waiting = new Set<Deadline>();
  private cancelTimer: (() => void) | undefined;

  private constructor(private readonly ms: number) {}

  static of(ms: number): Deadlines {
    let deadlines = Deadlines.byMs.get(ms);
    if (!deadlines) Deadlines.byMs.set(ms, (deadlines = new Deadlines(ms)));
    return deadlines;
  }

  add(deadline: Deadline): void {
    this.waiting.add(deadline);
    this.cancelTimer ??= systemClock.after(this.ms, () => this.look());
  }

  delete(deadline: Deadline): void {
    if (this.waiting.delete(deadline) && this.waiting.size === 0) this.end();
  }

  private look(): void {
    const now = systemClock.monotonic();
    for (const deadline of this.waiting) {
      if (deadline.at > now) {
        this.cancelTimer = systemClock.after(deadline.at - now, () => this.look());
        return;
      }
      this.waiting.delete(deadline);
      deadline.pass();
    }
    this.end();
  }

  private end(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    Deadlines.byMs.delete(this.ms);
  }
}
