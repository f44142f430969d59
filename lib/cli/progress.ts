const EVERY_MS = 200;
/** What is over sooner needs none. */
const FIRST_MS = 500;
const CLEAR_LINE = '\r\u001B[K';
const BAR_WIDTH = 24;

/** How far long work is: one line on stderr that is drawn again, where that is a terminal; else nothing. */
export class Progress {
  private shownAt = performance.now() - EVERY_MS + FIRST_MS;
  private shown = false;

  constructor(private readonly isOn = process.stderr.isTTY === true) {}

  /** @param total where it is known */
  update(what: string, done: number, total?: number): void {
    if (!this.isOn || performance.now() - this.shownAt < EVERY_MS) return;
    this.shownAt = performance.now();
    this.shown = true;
    process.stderr.write(CLEAR_LINE + progressLine(what, done, total));
  }

  /** Leaves the line to others. */
  end(): void {
    if (this.shown) process.stderr.write(CLEAR_LINE);
    this.shown = false;
  }
}

/** `retrying [######··················] 212 of 848`. */
export function progressLine(what: string, done: number, total?: number): string {
  const shown = done.toLocaleString('en-US');
  if (total === undefined || total <= 0) return `${what} ${shown}`;
  const filled = Math.min(BAR_WIDTH, Math.round((BAR_WIDTH * done) / total));
  const bar = '#'.repeat(filled) + '·'.repeat(BAR_WIDTH - filled);
  return `${what} [${bar}] ${shown} of ${total.toLocaleString('en-US')}`;
}
