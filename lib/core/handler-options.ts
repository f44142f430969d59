import { backoffPlan, type Backoff, type BackoffPlan } from './backoff.js';
import { isDefined, type DefinedJob } from './definition-mark.js';
import type { Duration } from './duration.js';
import { checkName } from './names.js';
import { count, keepResultMs, priority, timeoutMs } from './option-checks.js';
import { checkedRate, type Rate, type RateOptions } from './rate.js';
import { checkedObject, within } from './checked-object.js';

/**
 * How the jobs of a handler are published and run; as the module's option `defaults`, of every handler that doesn't say
 * otherwise. What the publisher of a job gives goes before.
 */
export interface JobHandlerOptions {
  /** The queue that its jobs are published to, and that its process reads. Default: that of `routes`, else `'default'`. */
  readonly queue?: string;
  /** At most so many of it at a time in this process. Default 10. */
  readonly concurrency?: number;
  /** After how many failed attempts a job is given up. Default 20. */
  readonly attempts?: number;
  /**
   * How long a failed attempt waits before the next: options, or a function of the attempt (1 the first time) that gives
   * milliseconds or a text such as `'30s'`. Default: exponential from 1 s, factor 2, at most 1 h, ± 10 %.
   */
  readonly backoff?: Backoff;
  /** At most `max` calls within any time of the length `per`, across all processes that share the engine. Not among `defaults`. */
  readonly rate?: RateOptions;
  /** How long an attempt may run: milliseconds or a text such as `'5m'`. Default: as long as it takes. */
  readonly timeout?: Duration;
  /** A whole number, 0 (most urgent; below counts as 0) to 4,294,967,295. Default 1024. */
  readonly priority?: number;
  /**
   * How long the result of its jobs is kept for their callers after their end: milliseconds or a text such as `'10m'`;
   * `false`: not at all. Default: `'10m'` where the job's definition has a schema for results, else `false`.
   */
  readonly keepResult?: Duration | false;
  /**
   * The job, by its name or definition, that each goes on as: what the handler returns is its payload, and it has the
   * same id. It is stored before this one is settled. Not among `defaults`.
   */
  readonly forwardTo?: string | DefinedJob;
}

/** The same, checked; milliseconds. */
export interface CheckedHandlerOptions {
  readonly queue: string | undefined;
  readonly concurrency: number | undefined;
  readonly attempts: number | undefined;
  readonly backoff: BackoffPlan | ((attempt: number) => Duration) | undefined;
  readonly timeoutMs: number | undefined;
  readonly priority: number | undefined;
  readonly rate?: Rate | undefined;
  readonly keepResultMs?: number | false | undefined;
  readonly forwardTo?: string | DefinedJob | undefined;
}

const KNOWN = ['queue', 'concurrency', 'attempts', 'backoff', 'timeout', 'priority', 'rate', 'keepResult', 'forwardTo'];

/**
 * @param what how the options are called in errors
 * @param others options that may stand among them, and are not looked at
 * @throws TypeError naming the option, what was expected and what was given
 */
export function checkedHandlerOptions(
  value: unknown,
  what: string,
  others: readonly string[] = [],
): CheckedHandlerOptions {
  const given = checkedObject(value, [...KNOWN, ...others], what);
  return within(`${what}.`, () => ({
    queue: optional(given['queue'], queueName),
    concurrency: optional(given['concurrency'], (concurrency) => count(concurrency, 'concurrency')),
    attempts: optional(given['attempts'], (attempts) => count(attempts, 'attempts')),
    backoff: optional(given['backoff'], checkedBackoff),
    timeoutMs: optional(given['timeout'], timeoutMs),
    priority: optional(given['priority'], priority),
    rate: optional(given['rate'], (rate) => checkedRate(rate, 'rate')),
    keepResultMs: optional(given['keepResult'], keepResultMs),
    forwardTo: optional(given['forwardTo'], checkedNext),
  }));
}

function optional<T>(value: unknown, check: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : check(value);
}

function queueName(value: unknown): string {
  within('queue: ', () => checkName('queue name', value));
  return value as string;
}

function checkedNext(value: unknown): string | DefinedJob {
  if (isDefined(value)) return value;
  within('forwardTo: ', () => checkName('job name', value));
  return value as string;
}

function checkedBackoff(value: unknown): BackoffPlan | ((attempt: number) => Duration) {
  return typeof value === 'function' ? (value as (attempt: number) => Duration) : backoffPlan(value, 'backoff');
}
