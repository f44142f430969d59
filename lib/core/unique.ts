import { createHash } from 'node:crypto';
import { checkedObject } from './checked-object.js';
import { durationMs, type Duration } from './duration.js';
import { show } from './show.js';

/** That a job is published only if there is no other of its key. */
export interface UniqueOptions {
  /** Any text that is not empty. Jobs of other names may have the same. */
  readonly key: string;
  /** For how long after it was published the key is taken, from 1 ms up. Default: as long as `while` says. */
  readonly for?: Duration;
  /**
   * In which states the job takes the key: `'waiting'`: until its handler starts, and again while it waits for a retry;
   * `'active'`: while it is handled; `'any'`: until it has completed, failed or expired. With `for` as well, until the first of both ends.
   * Default: `'any'`; with `for`, all of that time, whatever becomes of the job.
   */
  readonly while?: 'waiting' | 'active' | 'any';
  /**
   * What happens to a second job of a key that is taken. `'ignore'` (default): it is not stored, and the publisher is told
   * the first one's id with `duplicate: true`. `'replace'`: it is stored, and the first is dropped when its turn comes; one
   * that is being handled goes on, but is not retried.
   */
  readonly onConflict?: 'ignore' | 'replace';
}

/** What holds the key: the states of the job, or the time alone. */
export type UniqueWhile = 'waiting' | 'active' | 'any' | 'time';

/** The same, checked. */
export interface Unique {
  /** Of the key alone: as short as a header should be, however long the key is. */
  readonly hash: string;
  readonly while: UniqueWhile;
  readonly forMs: number | undefined;
  readonly replaces: boolean;
}

const STATES = ['waiting', 'active', 'any'];
const CONFLICTS = ['ignore', 'replace'];

/** @throws TypeError naming the option, what was expected and what was given */
export function checkedUnique(value: unknown): Unique {
  const given = checkedObject(value, ['key', 'for', 'while', 'onConflict'], 'unique');
  const { key, onConflict = 'ignore' } = given;
  if (typeof key !== 'string' || key === '') {
    throw new TypeError(`unique.key: expected a text that is not empty, got ${show(key)}`);
  }
  const forMs = given['for'] === undefined ? undefined : durationMs(given['for'], 'unique.for');
  if (forMs !== undefined && forMs < 1) throw new TypeError(`unique.for: expected at least 1 ms, got ${forMs} ms`);
  const state = given['while'] ?? (forMs === undefined ? 'any' : undefined);
  if (state !== undefined) oneOf(STATES, state, 'unique.while');
  oneOf(CONFLICTS, onConflict, 'unique.onConflict');
  return {
    hash: createHash('sha256').update(key).digest('base64url'),
    while: (state as UniqueWhile | undefined) ?? 'time',
    forMs,
    replaces: onConflict === 'replace',
  };
}

function oneOf(known: readonly string[], value: unknown, what: string): void {
  if (typeof value === 'string' && known.includes(value)) return;
  throw new TypeError(`${what}: expected ${known.map((one) => `'${one}'`).join(', ')}, got ${show(value)}`);
}

/** What goes along with a unique job. */
export function uniqueHeaders(unique: Unique, now: number): Record<string, string> {
  return {
    unique_key: unique.hash,
    unique_while: unique.while,
    ...(unique.forMs === undefined ? {} : { unique_until: String(Math.ceil(now + unique.forMs)) }),
  };
}

/** Who has a key. */
export interface UniqueHolder {
  readonly id: string;
  readonly queue: string;
}

/** The key of the record that tells who has a job's key. */
export function uniqueRecord(name: string, hash: string): string {
  return `unique:${name}:${hash}`;
}

/** The key of the record that says that another was published in a job's place. */
export function supersededRecord({ id, queue }: UniqueHolder): string {
  return `superseded:${queue}:${createHash('sha256').update(id).digest('base64url')}`;
}

export function holderText({ id, queue }: UniqueHolder): string {
  return JSON.stringify({ id, queue });
}

export function holderOf(text: string): UniqueHolder {
  return JSON.parse(text) as UniqueHolder;
}

/** For how long a key is taken by a job that nobody hears of any more: one that an operator has removed, say. */
export const LONGEST_HOLD_MS = 30 * 24 * 3_600_000;

/** For how long a key is taken by a publisher that dies before its job is stored. */
export const PUBLISHING_HOLD_MS = 30_000;
