/** How often it is said at most, in milliseconds. */
const EVERY_MS = 10_000;

/** Says how many events were not told, for more happened in a moment than a process tells. */
export class MissedReport {
  private missed = 0;
  private timer: NodeJS.Timeout | undefined;

  /** @param what they were missed by */
  constructor(
    private readonly what: string,
    private readonly warn: (message: string) => void,
  ) {}

  count(missed: number): void {
    this.missed += missed;
    // Those of the same moment are told together.
    this.timer ??= setTimeout(() => this.say(), EVERY_MS).unref();
  }

  end(): void {
    this.say();
  }

  private say(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { missed } = this;
    this.missed = 0;
    if (missed === 0) return;
    const events = missed === 1 ? '1 event was' : `${missed} events were`;
    this.warn(`${this.what}: ${events} not told, for a process tells 200 of them ten times a second at most`);
  }
}
