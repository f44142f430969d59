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
    const deadline = new Deadline(ms, late, reject);
    work.then(
      (value) => {
        deadline.met();
        resolve(value);
      },
      (error: unknown) => {
        deadline.met();
        reject(failed(error));
      },
    );
  });
}

/** One of those that are equally far ahead, and share a timer: to set one for each costs a tenth of a publish. */
class Deadline {
  /** By the clock's `monotonic()`. */
  readonly at: number;
  readonly line: DeadlineLine;
  before: Deadline | undefined;
  after: Deadline | undefined;

  constructor(
    ms: number,
    private readonly late: () => Error,
    private readonly reject: (error: Error) => void,
  ) {
    this.at = systemClock.monotonic() + ms;
    this.line = DeadlineLine.of(ms);
    this.line.add(this);
  }

  met(): void {
    this.line.remove(this);
  }

  pass(): void {
    this.line.remove(this);
    this.reject(this.late());
  }
}

/** Those that are not met yet, the first first. Linked, for each is taken out of it: a set took five times as long. */
class DeadlineLine {
  private static readonly byMs = new Map<number, DeadlineLine>();
  private first: Deadline | undefined;
  private last: Deadline | undefined;
  private cancelTimer: (() => void) | undefined;

  private constructor(private readonly ms: number) {}

  static of(ms: number): DeadlineLine {
    let line = DeadlineLine.byMs.get(ms);
    if (!line) DeadlineLine.byMs.set(ms, (line = new DeadlineLine(ms)));
    return line;
  }

  add(deadline: Deadline): void {
    const { last } = this;
    deadline.before = last;
    if (last) last.after = deadline;
    else this.first = deadline;
    this.last = deadline;
    this.cancelTimer ??= systemClock.after(this.ms, () => this.look());
  }

  /** Does nothing where it is not in the line any more. */
  remove(deadline: Deadline): void {
    const { before, after } = deadline;
    if (!before && this.first !== deadline) return;
    if (before) before.after = after;
    else this.first = after;
    if (after) after.before = before;
    else this.last = before;
    deadline.before = undefined;
    deadline.after = undefined;
    if (!this.first) this.end();
  }

  private look(): void {
    this.cancelTimer = undefined;
    const now = systemClock.monotonic();
    while (this.first && this.first.at <= now) this.first.pass();
    if (this.first) this.cancelTimer = systemClock.after(this.first.at - now, () => this.look());
  }

  private end(): void {
    this.cancelTimer?.();
    this.cancelTimer = undefined;
    DeadlineLine.byMs.delete(this.ms);
  }
}
