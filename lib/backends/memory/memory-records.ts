import { EventEmitter } from 'node:events';
import TinyQueue from 'tinyqueue';
import type { Clock } from '../../core/clock.js';
import type { Records, StoredRecord } from '../../core/records.js';

/** The records of one store, whoever opens it. */
export class MemoryRecords implements Records {
  private readonly byKey = new Map<string, StoredRecord>();
  /** Those that end first come first; also such as were replaced or removed meanwhile. */
  private readonly ending = new TinyQueue<readonly [string, StoredRecord]>(
    [],
    ([, a], [, b]) => a.expiresAt - b.expiresAt,
  );
  private readonly watched = new EventEmitter().setMaxListeners(0);

  constructor(private readonly clock: Clock) {}

  set(key: string, text: string, ttlMs: number): Promise<void> {
    this.forgetEnded();
    const record = { text, expiresAt: this.clock.now() + ttlMs };
    this.byKey.set(key, record);
    this.ending.push([key, record]);
    this.watched.emit(eventOf(key));
    return Promise.resolve();
  }

  async claim(key: string, text: string, ttlMs: number): Promise<StoredRecord | undefined> {
    const living = this.living(key);
    if (!living) await this.set(key, text, ttlMs);
    return living;
  }

  async swap(key: string, from: string, to: string, ttlMs: number): Promise<boolean> {
    if (this.living(key)?.text !== from) return false;
    await this.set(key, to, ttlMs);
    return true;
  }

  get(key: string): Promise<StoredRecord | undefined> {
    return Promise.resolve(this.living(key));
  }

  delete(key: string, text?: string): Promise<boolean> {
    const living = this.living(key);
    const meant = living !== undefined && (text === undefined || living.text === text);
    return Promise.resolve(meant && this.byKey.delete(key));
  }

  watch(key: string, listener: () => void): Promise<() => void> {
    // One of its own, for the same function may watch twice.
    const told = (): void => listener();
    this.watched.on(eventOf(key), told);
    return Promise.resolve(() => void this.watched.off(eventOf(key), told));
  }

  private living(key: string): StoredRecord | undefined {
    this.forgetEnded();
    return this.byKey.get(key);
  }

  private forgetEnded(): void {
    const now = this.clock.now();
    for (let first = this.ending.peek(); first && first[1].expiresAt <= now; first = this.ending.peek()) {
      this.ending.pop();
      const [key, record] = first;
      if (this.byKey.get(key) === record) this.byKey.delete(key);
    }
  }
}

/** The same for one backend: what it watches ends when it closes. */
export class OpenedRecords implements Records {
  private readonly ends = new Set<() => void>();
  private closed = false;

  constructor(private readonly records: Records) {}

  set(key: string, text: string, ttlMs: number): Promise<void> {
    return this.records.set(key, text, ttlMs);
  }

  claim(key: string, text: string, ttlMs: number): Promise<StoredRecord | undefined> {
    return this.records.claim(key, text, ttlMs);
  }

  swap(key: string, from: string, to: string, ttlMs: number): Promise<boolean> {
    return this.records.swap(key, from, to, ttlMs);
  }

  get(key: string): Promise<StoredRecord | undefined> {
    return this.records.get(key);
  }

  delete(key: string, text?: string): Promise<boolean> {
    return this.records.delete(key, text);
  }

  async watch(key: string, listener: () => void): Promise<() => void> {
    const endOne = await this.records.watch(key, listener);
    const end = (): void => {
      this.ends.delete(end);
      endOne();
    };
    if (this.closed) endOne();
    else this.ends.add(end);
    return end;
  }

  close(): void {
    this.closed = true;
    for (const end of [...this.ends]) end();
  }
}

/** An event of its own meaning for no key, such as `error`. */
function eventOf(key: string): string {
  return `set ${key}`;
}
