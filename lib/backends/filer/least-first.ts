import TinyQueue from 'tinyqueue';

/** From how many on that were taken the others move up. */
const MOVED = 1_000;

/**
 * Gives the least first. What comes in order, as what is published at one priority does, is kept in a row, where it costs
 * nothing to keep it sorted; the rest goes to a heap.
 */
export class LeastFirst<T> {
  private row: (T | undefined)[] = [];
  private taken = 0;
  private readonly heap: TinyQueue<T>;

  /** @param compare below 0 where the first is less; of two, one is */
  constructor(
    private readonly compare: (a: T, b: T) => number,
    all: readonly T[] = [],
  ) {
    this.heap = new TinyQueue([...all], compare);
  }

  get length(): number {
    return this.row.length - this.taken + this.heap.length;
  }

  /** All of them, in no order. */
  all(): T[] {
    return [...(this.row.slice(this.taken) as T[]), ...this.heap.data];
  }

  push(one: T): void {
    const last = this.row.at(-1);
    if (last === undefined || this.compare(last, one) < 0) this.row.push(one);
    else this.heap.push(one);
  }

  peek(): T | undefined {
    const first = this.row[this.taken];
    const other = this.heap.peek();
    if (first === undefined || other === undefined) return first ?? other;
    return this.compare(first, other) < 0 ? first : other;
  }

  pop(): T | undefined {
    const least = this.peek();
    if (least === undefined || least !== this.row[this.taken]) return this.heap.pop();
    this.row[this.taken++] = undefined;
    if (this.taken === this.row.length || (this.taken >= MOVED && this.taken > this.row.length / 2)) {
      this.row = this.row.slice(this.taken);
      this.taken = 0;
    }
    return least;
  }
}
