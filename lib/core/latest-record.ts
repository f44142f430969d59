import type { Records } from './records.js';

/** A record of which only the latest text counts: while one is being stored, those that come between are left out. */
export class LatestRecord {
  private wanted: (() => string | Promise<string>) | undefined;
  private unsaved: (() => string | Promise<string>) | undefined;
  private storing: Promise<void> | undefined;

  /** @param refused hears that the engine has not stored one */
  constructor(
    private readonly records: Records,
    private readonly key: string,
    private readonly ttlMs: number,
    private readonly refused: () => void = () => undefined,
  ) {}

  /** @param text called when it is stored */
  set(text: () => string | Promise<string>): void {
    this.wanted = text;
    this.storing ??= this.store();
  }

  /** Resolves once the latest is stored, or the engine has refused it twice; never rejects. */
  async flush(): Promise<void> {
    await this.storing;
    if (this.unsaved) this.set(this.unsaved);
    await this.storing;
  }

  private async store(): Promise<void> {
    while (this.wanted) {
      const text = this.wanted;
      this.wanted = undefined;
      try {
        await this.records.set(this.key, await text(), this.ttlMs);
        this.unsaved = undefined;
      } catch {
        // The engine is away or does not take it: the next text, or the last try at the end, may fare better.
        this.unsaved = text;
        this.refused();
      }
    }
    this.storing = undefined;
  }
}
