import type { FolderName } from './folders.js';
import { parseDelayed } from './file-name.js';
import { LeastFirst } from './least-first.js';

/** A job that may be claimed: where its file is, and what stands for its place among the others. */
export interface Entry {
  readonly folder: FolderName;
  readonly file: string;
  /** Sorts by priority, then by order; the name of a waiting file of ours does. */
  readonly key: string;
}

/** Entries that were taken away by others stay in line until they come up, or are this many more than the living. */
const STALE_ENTRIES = 1_000;

/**
 * What is known of `incoming` and `delayed`, by names alone. Others take jobs away at any time: an entry is a hope, and
 * the claim's rename tells.
 */
export class Shelf {
  private waiting = new LeastFirst<Entry>(byKey);
  private delayed = new LeastFirst<string>(byName);
  /** Each file's key: an entry with another is of a file that was there before under the same name. */
  private readonly known = new Map<string, string>();

  /** How many jobs are on it. */
  get size(): number {
    return this.known.size;
  }

  /** Each file with its key; see {@link Entry}. */
  files(): Iterable<readonly [file: string, key: string]> {
    return this.known;
  }

  has(file: string): boolean {
    return this.known.has(file);
  }

  /** Adds a job that waits; for a foreign file, `key` tells its place. */
  addWaiting(file: string, key: string = file): void {
    if (this.known.has(file)) return;
    this.known.set(file, key);
    this.waiting.push({ folder: 'incoming', file, key });
  }

  addDelayed(file: string): void {
    if (this.known.has(file)) return;
    this.known.set(file, keyOfDelayed(file));
    this.delayed.push(file);
  }

  /** Forgets a job that another took. */
  remove(file: string): void {
    if (!this.known.delete(file)) return;
    if (this.waiting.length + this.delayed.length > 2 * this.known.size + STALE_ENTRIES) this.rebuild();
  }

  /** The next job to be served, taken off the shelf. */
  take(now: number): Entry | undefined {
    this.promoteDue(now);
    for (let next = this.waiting.pop(); next; next = this.waiting.pop()) {
      if (this.known.get(next.file) !== next.key) continue;
      this.known.delete(next.file);
      return next;
    }
    return undefined;
  }

  /** Puts back an entry that was taken and not claimed. */
  putBack(entry: Entry): void {
    this.known.set(entry.file, entry.key);
    this.waiting.push(entry);
  }

  /** When the next delayed job falls due; Infinity where there is none. */
  nextDue(): number {
    for (let next = this.delayed.peek(); next !== undefined; next = this.delayed.peek()) {
      if (this.known.has(next)) return parseDelayed(next)?.due ?? 0;
      this.delayed.pop();
    }
    return Infinity;
  }

  isEmpty(now: number): boolean {
    this.promoteDue(now);
    return this.waiting.length === 0;
  }

  private promoteDue(now: number): void {
    while (this.nextDue() <= now) {
      const file = this.delayed.pop() as string;
      this.waiting.push({ folder: 'delayed', file, key: keyOfDelayed(file) });
    }
  }

  private rebuild(): void {
    this.waiting = new LeastFirst(
      byKey,
      this.waiting.all().filter((entry) => this.known.get(entry.file) === entry.key),
    );
    this.delayed = new LeastFirst(
      byName,
      this.delayed.all().filter((file) => this.known.has(file)),
    );
  }
}

function keyOfDelayed(file: string): string {
  return parseDelayed(file)?.waiting ?? file;
}

function byKey(a: Entry, b: Entry): number {
  return byName(a.key, b.key);
}

function byName(a: string, b: string): number {
  return a < b ? -1 : 1;
}
