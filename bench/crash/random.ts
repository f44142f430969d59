/** Random numbers that a seed decides: Marsaglia's xorshift32 over a scrambled seed. */
export class Random {
  private state: number;

  /** @param seeds whole numbers; the same ones give the same numbers */
  constructor(...seeds: readonly number[]) {
    let state = 0x9e3779b9;
    for (const seed of seeds) {
      state = Math.imul(state ^ seed, 0x85ebca6b);
      state ^= state >>> 13;
      state = Math.imul(state, 0xc2b2ae35);
      state ^= state >>> 16;
    }
    this.state = state || 1;
  }

  /** 0 up to, and without, 1. */
  next(): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) / 2 ** 32;
  }

  /** A whole number from `least` to `most`. */
  whole(least: number, most: number): number {
    return least + Math.floor(this.next() * (most - least + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.whole(0, choices.length - 1)];
  }
}
