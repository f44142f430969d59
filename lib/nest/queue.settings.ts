import type { Backend } from '../core/backend.js';
import { checkedObject, within } from '../core/checked-object.js';
import { durationMs } from '../core/duration.js';
import { checkName } from '../core/names.js';
import { count } from '../core/option-checks.js';
import { isBounded, type QueueLimits, type WhenFull } from '../core/queue-limits.js';
import { checkedRate, type Rate } from '../core/rate.js';
import { show } from '../core/show.js';

/** The options of one queue, checked. */
export interface QueueSettings {
  readonly concurrency: number | undefined;
  readonly rawJob: string | undefined;
  readonly limits: QueueLimits | undefined;
  readonly rate: Rate | undefined;
}

const OPTIONS = ['concurrency', 'rawJob', 'maxJobs', 'maxBytes', 'maxAge', 'whenFull', 'rate'];
const WHEN_FULL: readonly WhenFull[] = ['reject', 'wait', 'drop-oldest', 'drop-newest'];

/**
 * @param what how the queue's options are called in errors
 * @throws TypeError naming the option, what was expected and what was given
 */
export function queueSettings(value: unknown, what: string): QueueSettings {
  const given = checkedObject(value, OPTIONS, what);
  const optional = <T>(name: string, check: (value: unknown, what: string) => T): T | undefined =>
    given[name] === undefined ? undefined : check(given[name], `${what}.${name}`);
  const limits: QueueLimits = {
    maxJobs: optional('maxJobs', count),
    maxBytes: optional('maxBytes', count),
    maxAgeMs: optional('maxAge', age),
    whenFull: optional('whenFull', whenFull) ?? 'reject',
  };
  if (given['whenFull'] !== undefined && !isBounded(limits)) {
    throw new TypeError(`${what}.whenFull: expected maxJobs or maxBytes beside it, got neither`);
  }
  return {
    concurrency: optional('concurrency', count),
    rawJob: optional('rawJob', jobName),
    limits: isBounded(limits) || limits.maxAgeMs !== undefined ? limits : undefined,
    rate: optional('rate', checkedRate),
  };
}

/** The limits of the queues that have any, by their names. */
export function limitsOf(queues: ReadonlyMap<string, QueueSettings>): ReadonlyMap<string, QueueLimits> {
  return new Map([...queues].flatMap(([name, { limits }]) => (limits ? [[name, limits] as const] : [])));
}

/**
 * Refuses limits that an engine can't keep.
 *
 * @throws Error naming the option, the backend and those that can
 */
export function checkLimits(queues: ReadonlyMap<string, QueueSettings>, { backlog, traits }: Backend): void {
  for (const [queue, { limits }] of queues) {
    if (!limits || !isBounded(limits)) continue;
    const refuse = (option: string, what: string, others: string): never => {
      throw new Error(`queues.${queue}.${option}: expected a backend that ${what} (${others}), got ${traits.name}`);
    };
    const bounding = limits.maxJobs === undefined ? 'maxBytes' : 'maxJobs';
    if (!backlog) refuse(bounding, 'can tell what waits', 'memory, filer, bullmq and beanstalkd can');
    else if (limits.maxBytes !== undefined && !backlog.bytes)
      refuse('maxBytes', 'can tell how many bytes wait', 'memory, filer and bullmq can');
    else if (limits.whenFull === 'drop-oldest' && !backlog.dropOldest)
      refuse("whenFull 'drop-oldest'", 'can remove what has waited longest', 'memory, filer and bullmq can');
  }
}

function age(value: unknown, what: string): number {
  const ms = Math.ceil(durationMs(value, what));
  if (ms > 0) return ms;
  throw new TypeError(`${what}: expected more than 0, got 0`);
}

function whenFull(value: unknown, what: string): WhenFull {
  const found = WHEN_FULL.find((one) => one === value);
  if (found) return found;
  throw new TypeError(`${what}: expected of ${WHEN_FULL.map((one) => `'${one}'`).join(', ')}, got ${show(value)}`);
}

function jobName(value: unknown, what: string): string {
  within(`${what}: `, () => checkName('job name', value));
  return value as string;
}
