import type { Records, StoredRecord } from '../../core/records.js';
import type { Time } from './time.js';

/** Records whose answers are waited for, letting time pass. */
export class AwaitedRecords implements Records {
  constructor(
    private readonly records: Records,
    private readonly time: Time,
  ) {}

  set(key: string, text: string, ttlMs: number): Promise<void> {
    return this.time.wait('set to resolve', this.records.set(key, text, ttlMs));
  }

  claim(key: string, text: string, ttlMs: number): Promise<StoredRecord | undefined> {
    return this.time.wait('claim to resolve', this.records.claim(key, text, ttlMs));
  }

  swap(key: string, from: string, to: string, ttlMs: number): Promise<boolean> {
    return this.time.wait('swap to resolve', this.records.swap(key, from, to, ttlMs));
  }

  get(key: string): Promise<StoredRecord | undefined> {
    return this.time.wait('get to resolve', this.records.get(key));
  }

  delete(key: string, text?: string): Promise<boolean> {
    return this.time.wait('delete to resolve', this.records.delete(key, text));
  }

  watch(key: string, listener: () => void): Promise<() => void> {
    return this.time.wait('watch to resolve', this.records.watch(key, listener));
  }

  /** The text of a key; undefined where it has none. */
  async textOf(key: string): Promise<string | undefined> {
    return (await this.get(key))?.text;
  }
}
