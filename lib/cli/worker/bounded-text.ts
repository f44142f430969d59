/** The first or the last bytes of a stream of any length. */
export class BoundedText {
  private parts: Buffer[] = [];
  private held = 0;
  private all = 0;

  constructor(
    private readonly mostBytes: number,
    private readonly keeps: 'start' | 'end',
  ) {}

  /** Whether there was more than is kept. */
  get isCut(): boolean {
    return this.all > this.mostBytes;
  }

  add(chunk: Buffer): void {
    this.all += chunk.length;
    if (this.keeps === 'start') {
      const part = chunk.subarray(0, this.mostBytes - this.held);
      if (part.length > 0) this.parts.push(part);
      this.held += part.length;
      return;
    }
    this.parts.push(chunk.subarray(-this.mostBytes));
    this.held += Math.min(chunk.length, this.mostBytes);
    // Joined now and then rather than each time: a command may print byte by byte.
    if (this.held > 2 * this.mostBytes || this.parts.length > 1_000) this.join();
  }

  get text(): string {
    this.join();
    return this.parts.map((part) => part.toString('utf8')).join('');
  }

  private join(): void {
    const whole = Buffer.concat(this.parts);
    const kept = this.keeps === 'start' ? whole : whole.subarray(-this.mostBytes);
    this.parts = [Buffer.from(kept)];
    this.held = kept.length;
  }
}
