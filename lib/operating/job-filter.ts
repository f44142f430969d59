import { durationMs, type Duration } from '../core/duration.js';
import { checkedObject } from '../core/checked-object.js';
import { JOB_STATES, type JobState } from '../core/inspector.js';
import { show } from '../core/show.js';
import type { JobView } from './job-view.js';

/** A moment: itself, or so long ago. */
export type Moment = Date | Duration;

/** Which jobs are meant: those that all given fields hold for. */
export interface JobFilter {
  /** The job's name. */
  readonly name?: string;
  /** A text in the payload, as it is shown, in the reason, or in the name or message of an error; small letters are as large ones. */
  readonly text?: string;
  /** Not before: when it ended; of one that has not, when it was published. */
  readonly since?: Moment;
  /** Not after, likewise. */
  readonly until?: Moment;
}

export const FILTER_FIELDS: readonly (keyof JobFilter)[] = ['name', 'text', 'since', 'until'];

/** The same, checked. Times are milliseconds since 1970. */
export interface CheckedFilter {
  readonly name: string | undefined;
  readonly text: string | undefined;
  readonly since: number | undefined;
  readonly until: number | undefined;
}

/**
 * @param now milliseconds since 1970
 * @throws TypeError naming the field, what was expected and what was given
 */
export function checkedFilter(filter: JobFilter, now: number, what: string): CheckedFilter {
  return {
    name: optionalText(filter.name, `${what}: name`),
    text: optionalText(filter.text, `${what}: text`)?.toLowerCase(),
    since: moment(filter.since, now, `${what}: since`),
    until: moment(filter.until, now, `${what}: until`),
  };
}

/** The options of a verb, all known. */
export function checkedOptions<T extends object>(options: T, known: readonly (keyof T & string)[], what: string): T {
  checkedObject(options, known, what);
  return options;
}

/** Whether a filter says nothing. */
export function isOpen({ name, text, since, until }: CheckedFilter): boolean {
  return [name, text, since, until].every((field) => field === undefined);
}

export function matches({ name, text, since, until }: CheckedFilter, job: JobView): boolean {
  if (name !== undefined && job.name !== name) return false;
  const at = (job.endedAt ?? job.publishedAt ?? job.storedAt)?.getTime();
  if (since !== undefined && !(at !== undefined && at >= since)) return false;
  if (until !== undefined && !(at !== undefined && at <= until)) return false;
  return text === undefined || texts(job).some((one) => one.toLowerCase().includes(text));
}

/** @throws TypeError */
export function checkState(state: unknown, what: string): asserts state is JobState {
  if ((JOB_STATES as readonly unknown[]).includes(state)) return;
  throw new TypeError(`${what}: expected ${JOB_STATES.join(', ')}, got ${show(state)}`);
}

/** @throws TypeError */
export function checkText(value: unknown, what: string): asserts value is string {
  if (typeof value !== 'string' || value === '') {
    throw new TypeError(`${what}: expected a text that is not empty, got ${show(value)}`);
  }
}

function texts({ payload, reason, failures }: JobView): string[] {
  const errors = failures.flatMap(({ error }) => [error.name, error.message]);
  return [JSON.stringify(payload) ?? '', typeof payload === 'string' ? payload : '', reason ?? '', ...errors];
}

function optionalText(value: unknown, what: string): string | undefined {
  if (value === undefined) return undefined;
  checkText(value, what);
  return value;
}

function moment(value: Moment | undefined, now: number, what: string): number | undefined {
  if (value === undefined) return undefined;
  if (!(value instanceof Date)) return now - durationMs(value, what);
  const at = value.getTime();
  if (Number.isNaN(at)) throw new TypeError(`${what}: expected a Date or how long ago, got an invalid Date`);
  return at;
}
