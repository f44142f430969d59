/** Random values of a seed: a test that fails says its seed and can be run again with it. */
export class Random {
  constructor(private state: number) {}

  /** From 0 up to 1 (mulberry32). */
  fraction(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** A whole number from `least` to `most`. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.fraction() * (most - least + 1));
  }

  chance(share: number): boolean {
    return this.fraction() < share;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.whole(0, values.length - 1)];
  }

  maybe<T>(make: () => T): T | undefined {
    return this.chance(0.5) ? make() : undefined;
  }

  /** A text of odd characters: quotes, controls, emojis, halves of them, zero bytes, keys that mean something. */
  text(longest = 20): string {
    if (this.chance(0.1)) return this.pick(ODD_TEXTS);
    return Array.from({ length: this.whole(0, longest) }, () => this.character()).join('');
  }

  name(): string {
    const length = this.whole(0, 99);
    return this.pick([...FIRST]) + Array.from({ length }, () => this.pick([...FIRST, '.', '-'])).join('');
  }

  json(depth = 4): unknown {
    const kind = this.whole(0, depth > 0 ? 7 : 5);
    if (kind === 0) return null;
    if (kind === 1) return this.chance(0.5);
    if (kind === 2) return this.whole(-1_000_000, 1_000_000);
    if (kind === 3) return (this.fraction() - 0.5) * 10 ** this.whole(-300, 300);
    if (kind < 6) return this.text();
    const length = this.whole(0, 5);
    if (kind === 6) return Array.from({ length }, () => this.json(depth - 1));
    return Object.fromEntries(Array.from({ length }, () => [this.text(), this.json(depth - 1)]));
  }

  private character(): string {
    return this.chance(0.7)
      ? String.fromCharCode(this.whole(32, 126))
      : String.fromCodePoint(
          this.pick([0, 9, 10, 13, 34, 92, 0x7f, 0xe9, 0x2028, 0xd83d, 0xdc00, 0xfeff, 0xffff, 0x1f600]),
        );
  }
}

const FIRST = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_';
const ODD_TEXTS = [
  '__proto__',
  'constructor',
  'toJSON',
  'then',
  'toString',
  'length',
  '',
  '0',
  '-1',
  '\uFEFF',
  '../..',
];

/** Seeds of a property test: always the same, and one of today's. */
export const SEEDS: readonly number[] = [1, 2, 3, 4, 5, Math.floor(Date.now() / 86_400_000)];
