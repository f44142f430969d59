/** Tells when so many have been counted. */
export class Countdown {
  private left = 0;
  private done = (): void => undefined;

  /** Resolves once so many were counted. */
  from(count: number): Promise<void> {
    this.left = count;
    return new Promise((resolve) => (this.done = resolve));
  }

  down(): void {
    if (--this.left === 0) this.done();
  }
}
