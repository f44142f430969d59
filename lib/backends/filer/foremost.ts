import TinyQueue from 'tinyqueue';

/** The first few of very many, in their order, in the memory of a few. */
export class Foremost<T> {
  /** The last of them comes first, so that it gives way. */
  private readonly kept: TinyQueue<T>;

  /** @param isBefore whether one comes before the other; of two, one does */
  constructor(
    private readonly count: number,
    private readonly isBefore: (a: T, b: T) => boolean,
  ) {
    this.kept = new TinyQueue<T>([], (a, b) => (isBefore(a, b) ? 1 : -1));
  }

  add(one: T): void {
    if (this.kept.length < this.count) return this.kept.push(one);
    const last = this.kept.peek();
    if (last === undefined || !this.isBefore(one, last)) return;
    this.kept.pop();
    this.kept.push(one);
  }

  inOrder(): T[] {
    return [...this.kept.data].sort((a, b) => (this.isBefore(a, b) ? -1 : 1));
  }
}
