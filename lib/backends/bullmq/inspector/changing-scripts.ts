import type { RedisClient } from 'bullmq';
import { definedOn } from '../batched.js';
import { ATTEMPTS_FIELD, READY_FIELD, REASON_FIELD, UNCOUNTED_FIELD } from '../stored-job.js';
import { SCORES_A_MS, STANDING_LUA } from './standing.js';

/** The commands by which one job is changed. Each looks first whether it still stands where it was seen. */
export const CHANGE = {
  retry: 'nestjsJobsRetry',
  remove: 'nestjsJobsRemove',
  reschedule: 'nestjsJobsReschedule',
} as const;

/** How many keys BullMQ's script that runs a failed job again takes, and the one that removes a job. */
const RETRY_KEYS = 9;
const REMOVE_KEYS = 2;

/** BullMQ's own, as a function. */
function theirs(client: RedisClient, name: string, numberOfKeys: number): string {
  const script = definedOn(client, name);
  if (script?.numberOfKeys === numberOfKeys) return `local function theirs(KEYS, ARGV)\n${script.lua}\nend`;
  const got = script ? `one with ${script.numberOfKeys}` : 'none';
  throw new Error(`expected a script ${name} of BullMQ's with ${numberOfKeys} keys, got ${got}`);
}

/**
 * Its starts so far count no more, and neither does what was kept of its end.
 *
 * KEYS: of BullMQ's script. ARGV: of BullMQ's script, and the time now.
 */
const retry = (script: string): string => `
${script}
local result = theirs(KEYS, ARGV)
if result ~= 1 then return 0 end
local starts = redis.call('HGET', KEYS[1], 'ats') or 0
redis.call('HSET', KEYS[1], '${UNCOUNTED_FIELD}', starts, '${READY_FIELD}', ARGV[7])
redis.call('HDEL', KEYS[1], '${ATTEMPTS_FIELD}', '${REASON_FIELD}')
return 1`;

/**
 * BullMQ refuses to remove the next job of a schedule of its own, for the schedule would end; that one is left alone. The
 * expired ones it doesn't know.
 *
 * KEYS: of all states, of BullMQ's script. ARGV: of BullMQ's script, the state, the greatest score that is due.
 */
const remove = (script: string): string => `
${STANDING_LUA}
${script}
if standing(ARGV[1], ARGV[5]) ~= ARGV[4] then return 0 end
if ARGV[4] == 'expired' then redis.call('ZREM', expired, ARGV[1]) end
return theirs({KEYS[10], KEYS[11]}, ARGV) == 1 and 1 or 0`;

/**
 * As BullMQ's promote, changeDelay and the move of a job that is put off, but from wherever a job waits.
 *
 * KEYS: of all states, the job, the queue's settings, the counter of priorities, the marker, the events. ARGV: the id, the
 * state, the greatest score that is due, the time now, the time to come or 0, the options as they were read, as they are
 * to be.
 */
const RESCHEDULE = `
${STANDING_LUA}
local job, meta, counter, marker, events = unpack(KEYS, 10, 14)
local id, now, at = ARGV[1], tonumber(ARGV[4]), tonumber(ARGV[5])
local state, place = standing(id, ARGV[3])
if state ~= ARGV[2] or place == parents then return 0 end
if (redis.call('HGET', job, 'opts') or '') ~= ARGV[6] then return 0 end
if ARGV[7] ~= ARGV[6] then redis.call('HSET', job, 'opts', ARGV[7]) end
local function leave()
  if place == wait or place == paused then redis.call('LREM', place, 1, id) else redis.call('ZREM', place, id) end
end
local function tell(event, ...)
  local most = redis.call('HGET', meta, 'opts.maxLenEvents') or 10000
  redis.call('XADD', events, 'MAXLEN', '~', most, '*', 'event', event, 'jobId', id, ...)
end
if at > now then
  leave()
  local least, most = at * ${SCORES_A_MS}, (at + 1) * ${SCORES_A_MS} - 1
  local last = redis.call('ZREVRANGEBYSCORE', delayed, most, least, 'WITHSCORES', 'LIMIT', 0, 1)
  local score = last[2] and math.min(tonumber(last[2]) + 1, most) or least
  redis.call('ZADD', delayed, string.format('%.0f', score), id)
  redis.call('HSET', job, 'delay', ARGV[5] - now, '${READY_FIELD}', ARGV[5])
  tell('delayed', 'delay', ARGV[5])
  local first = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  redis.call('ZADD', marker, tonumber(first[2]) / ${SCORES_A_MS}, '1')
  return 1
end
if place ~= delayed then return 1 end
leave()
local priority = tonumber(redis.call('HGET', job, 'priority')) or 0
if priority == 0 then redis.call('LPUSH', wait, id)
else
  local count = redis.call('INCR', counter)
  redis.call('ZADD', prioritized, string.format('%.0f', priority * 4294967296 + count % 4294967296), id)
end
redis.call('HSET', job, 'delay', 0, '${READY_FIELD}', ARGV[4])
tell('waiting', 'prev', 'delayed')
local settings = redis.call('HMGET', meta, 'paused', 'concurrency')
local isFull = settings[2] and redis.call('LLEN', active) >= tonumber(settings[2])
if not settings[1] and not isFull then redis.call('ZADD', marker, 0, '0') end
return 1`;

/** @param named the name by which the client knows a script of BullMQ's */
export function defineChanging(client: RedisClient, named: (script: string) => string): void {
  if (definedOn(client, CHANGE.retry)) return;
  const [again, gone] = [named('reprocessJob'), named('removeJob')];
  const define = (name: string, numberOfKeys: number, lua: string): void =>
    client.defineCommand(name, { numberOfKeys, lua });
  define(CHANGE.remove, 9 + REMOVE_KEYS, remove(theirs(client, gone, REMOVE_KEYS)));
  define(CHANGE.reschedule, 14, RESCHEDULE);
  define(CHANGE.retry, RETRY_KEYS, retry(theirs(client, again, RETRY_KEYS)));
}
