import { checkedObject } from '../core/checked-object.js';
import type { NamedRequest } from '../core/job-types.js';
import type { PublishOptions } from '../core/publish-options.js';
import { show } from '../core/show.js';
import { parseTime } from '../core/time.js';

/** The options of a publish that a text can give; the others are objects. */
const OPTIONS = [
  'queue',
  'delay',
  'priority',
  'expiration',
  'attempts',
  'backoff',
  'timeout',
  'id',
  'unique',
  'keepResult',
  'headers',
] as const;

/**
 * A job of a line such as `{"name":"send_email","payload":{…},"delay":"5m"}`: what it gives goes before `common`.
 *
 * @throws TypeError where it is no such line
 */
export function requestOfLine(text: string, name: string | undefined, common: PublishOptions): NamedRequest {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch (cause) {
    throw new TypeError(`expected JSON such as {"name":"send_email","payload":{}}, got ${show(text)}`, { cause });
  }
  const given = checkedObject(line, ['name', 'payload', ...OPTIONS], 'job');
  const own = Object.fromEntries(OPTIONS.flatMap((key) => (given[key] === undefined ? [] : [[key, given[key]]])));
  const jobName = given['name'] ?? name;
  if (typeof jobName !== 'string') throw new TypeError(`name: expected a job's name, got ${show(jobName)}`);
  return { name: jobName, payload: given['payload'] ?? null, options: { ...common, ...withMoments(own) } };
}

/** Options whose moments are texts: `5m` is from now, `2026-11-21T09:00Z` the moment itself. */
export function withMoments(options: PublishOptions): PublishOptions {
  const moments = (['delay', 'expiration'] as const).flatMap((key) => {
    const at = parseTime(options[key]);
    return at === undefined ? [] : [[key, new Date(at)]];
  });
  return { ...options, ...(Object.fromEntries(moments) as PublishOptions) };
}
