import type { Letters } from './letters.js';

/**
 * Short texts under keys, the same for all processes of an engine, each for a limited time: an optional part of a
 * backend. Answers to callers, keys of unique jobs, ticks of schedules and places of rates are kept here; what they mean
 * is the core's.
 *
 * Keys are texts that are not empty, of at most 1,000 bytes, and may have any character; none is taken for another's. Each operation rejects
 * with a `BackendError` where the engine fails; whether a `set` or a `claim` that rejected was stored is then unknown.
 */
export interface Records {
  /** Where a text reaches one process more cheaply than by a record that it watches. */
  readonly letters?: Letters;

  /** Stores `text` for `ttlMs` milliseconds from now, in the place of what was there. Who watches the key is told. */
  set(key: string, text: string, ttlMs: number): Promise<void>;

  /**
   * Stores `text` for `ttlMs` milliseconds unless the key has a record, and resolves with that one; undefined: stored.
   * Of several at the same time, in however many processes, one stores.
   */
  claim(key: string, text: string, ttlMs: number): Promise<StoredRecord | undefined>;

  /**
   * Stores `to` for `ttlMs` milliseconds if the key's record has the text `from`; of several at the same time one is
   * first. It may be the same text, to prolong its time. Who watches the key is told.
   *
   * @returns whether it was stored
   */
  swap(key: string, from: string, to: string, ttlMs: number): Promise<boolean>;

  /** Undefined where the key has none, or its time is over. */
  get(key: string): Promise<StoredRecord | undefined>;

  /**
   * Removes the record of a key; where `text` is given, only one that has that text.
   *
   * @returns whether one was removed
   */
  delete(key: string, text?: string): Promise<boolean>;

  /**
   * Calls `listener` after each `set` of the key, from any process; it may be called more often. What is set after this
   * has resolved is told within 100 ms, or, where the engine was away meanwhile, once it is back.
   *
   * @returns what ends that
   */
  watch(key: string, listener: () => void): Promise<() => void>;
}

/** A record whose time is not over. */
export interface StoredRecord {
  readonly text: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
}

/** The same records, of which some operations are done otherwise; without letters, so that each answer is a record. */
export function recordsWith(records: Records, others: Partial<Records>): Records {
  return {
    set: (...args) => records.set(...args),
    claim: (...args) => records.claim(...args),
    swap: (...args) => records.swap(...args),
    get: (key) => records.get(key),
    delete: (...args) => records.delete(...args),
    watch: (...args) => records.watch(...args),
    ...others,
  };
}
