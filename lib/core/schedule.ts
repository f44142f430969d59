import { Cron } from 'croner';
import { checkedObject, within } from './checked-object.js';
import type { JobDefinition } from './definition.js';
import { checkName } from './names.js';
import type { PublishOptions } from './publish-options.js';
import { show } from './show.js';

/** How a job recurs. */
export interface ScheduleOptions extends Omit<PublishOptions, 'id' | 'delay' | 'unique'> {
  /**
   * By which the whole fleet knows it: schedules of one name are one, and each of their ticks is published once. 1 to 70 of
   * `A-Z a-z 0-9 _ - .`. Default: the job's name.
   */
  readonly name?: string;
  /** An IANA time zone such as `'Europe/Berlin'`, by whose clocks the pattern goes. Default `'UTC'`, wherever the host is. */
  readonly timeZone?: string;
  /**
   * What is published at the start of ticks that came while no process was there: nothing (default, `false`), the last
   * one (`'last'`, `true`), or `'all'`, at most the last 1,000.
   */
  readonly catchUp?: boolean | 'last' | 'all';
}

/** A job that recurs, checked. */
export interface Schedule {
  readonly name: string;
  readonly job: string | JobDefinition;
  readonly payload: unknown;
  readonly options: Omit<PublishOptions, 'id' | 'delay' | 'unique'>;
  readonly catchUp: 'none' | 'last' | 'all';
  /** The next moment after that one; both in milliseconds since 1970. Undefined where there is none. */
  readonly nextAfter: (time: number) => number | undefined;
  /** The last so many moments up to that one, the first first. */
  readonly lastUntil: (time: number, count: number) => readonly number[];
}

const OWN = ['name', 'timeZone', 'catchUp'];
const PASSED_ON = ['queue', 'priority', 'expiration', 'attempts', 'backoff', 'timeout', 'headers', 'keepResult'];
/** With the moment of a tick it makes an id, which has 100 characters at most. */
const LONGEST_NAME = 70;

/**
 * @param cron five fields, or six with seconds first; also `@hourly`, `@daily` and the like
 * @param options as {@link ScheduleOptions}
 * @throws TypeError naming the option, what was expected and what was given
 */
export function checkedSchedule(
  cron: unknown,
  job: string | JobDefinition,
  payload: unknown,
  options: unknown,
): Schedule {
  const given = checkedObject(options, [...OWN, ...PASSED_ON], 'options');
  const { name = typeof job === 'string' ? job : job.name, timeZone = 'UTC', catchUp = false, ...passedOn } = given;
  within('name: ', () => checkName('schedule name', name));
  if ((name as string).length > LONGEST_NAME) {
    throw new TypeError(`name: expected a schedule name of at most ${LONGEST_NAME} characters, got ${show(name)}`);
  }
  const pattern = patternOf(cron, timeZone);
  return {
    name: name as string,
    job,
    payload,
    options: passedOn,
    catchUp: catchUpOf(catchUp),
    nextAfter: (time) => pattern.nextRun(new Date(time))?.getTime(),
    lastUntil: (time, count) =>
      pattern
        .previousRuns(count, new Date(time + 1))
        .map((run) => run.getTime())
        .reverse(),
  };
}

function patternOf(cron: unknown, timeZone: unknown): Cron {
  if (typeof timeZone !== 'string' || !isTimeZone(timeZone)) {
    throw new TypeError(`timeZone: expected an IANA time zone such as 'Europe/Berlin', got ${show(timeZone)}`);
  }
  const expected = "a cron pattern such as '0 9 * * 1-5'";
  if (typeof cron !== 'string') throw new TypeError(`cron: expected ${expected}, got ${show(cron)}`);
  try {
    const pattern = new Cron(cron, { paused: true, timezone: timeZone });
    if (pattern.nextRun()) return pattern;
  } catch (cause) {
    throw new TypeError(`cron: expected ${expected}, got ${show(cron)}: ${(cause as Error).message}`, { cause });
  }
  throw new TypeError(`cron: expected ${expected}, got ${show(cron)}, whose time never comes`);
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

function catchUpOf(value: unknown): Schedule['catchUp'] {
  if (value === false) return 'none';
  if (value === true || value === 'last') return 'last';
  if (value === 'all') return 'all';
  throw new TypeError(`catchUp: expected true, false, 'last' or 'all', got ${show(value)}`);
}
