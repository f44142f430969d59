import { durationMs, type Duration } from '../../core/duration.js';
import { show } from '../../core/show.js';

/** How many finished jobs of a kind are kept in each queue; where both are given, both bounds hold. */
export interface Keep {
  /** No longer than this after their end. Looked at when the next job ends so. */
  readonly age?: Duration;
  /** At most so many, the newest. */
  readonly count?: number;
}

/** What is kept of jobs that have ended, `true` for all of a kind, `false` for none. */
export interface Retention {
  /** Default 1 hour and 1,000. Their ids are free all the same. */
  readonly completed?: Keep | boolean;
  /** Default 7 days and 10,000. The id of a failed job is taken as long as it is kept. */
  readonly failed?: Keep | boolean;
  /** Default 7 days and 10,000. Their ids are free all the same. */
  readonly expired?: Keep | boolean;
}

/** As BullMQ takes it: seconds; no count or -1 for no bound, 0 for none. */
export interface KeepJobs {
  readonly age?: number;
  readonly count: number;
}

export type CheckedRetention = Readonly<Record<keyof Retention, KeepJobs>>;

const DEFAULTS: Readonly<Record<keyof Retention, Keep>> = {
  completed: { age: '1h', count: 1_000 },
  failed: { age: '7 days', count: 10_000 },
  expired: { age: '7 days', count: 10_000 },
};

/** @throws TypeError naming the option and what was expected */
export function checkRetention(value: unknown): CheckedRetention {
  const given = objectOf(value ?? {}, Object.keys(DEFAULTS), 'bullmq: retention');
  const keep = (kind: keyof Retention): KeepJobs =>
    checkKeep(given[kind] ?? DEFAULTS[kind], `bullmq: retention.${kind}`);
  return { completed: keep('completed'), failed: keep('failed'), expired: keep('expired') };
}

function checkKeep(value: unknown, what: string): KeepJobs {
  if (typeof value === 'boolean') return { count: value ? -1 : 0 };
  const { age, count } = objectOf(value, ['age', 'count'], what);
  if (age === undefined && count === undefined) throw new TypeError(`${what}: expected { age, count }, true or false`);
  if (count !== undefined && !(Number.isSafeInteger(count) && Number(count) >= 0)) {
    throw new TypeError(`${what}.count: expected a whole number of at least 0, got ${show(count)}`);
  }
  return {
    ...(age === undefined ? {} : { age: durationMs(age, `${what}.age`) / 1000 }),
    count: count === undefined ? -1 : Number(count),
  };
}

function objectOf(value: unknown, keys: readonly string[], what: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${what}: expected { ${keys.join(', ')} }, got ${show(value)}`);
  }
  const unknown = Object.keys(value).find((key) => !keys.includes(key));
  if (unknown === undefined) return value as Record<string, unknown>;
  throw new TypeError(`${what}: unknown option ${show(unknown)}; known are ${keys.join(', ')}`);
}
