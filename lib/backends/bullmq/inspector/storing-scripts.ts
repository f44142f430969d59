import type { RedisClient } from 'bullmq';
import { definedOn } from '../batched.js';

/** Stores a job that has ended. */
export const STORE_ENDED = 'nestjsJobsStoreEnded';

/**
 * KEYS: the job, the set of those that ended so, the queue's settings, its counter of jobs. ARGV: the id, when it ended, the
 * fields and their values.
 */
const ENDED = `
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('INCR', KEYS[4])
redis.call('HSETNX', KEYS[3], 'opts.maxLenEvents', 10000)
redis.call('HSET', KEYS[1], unpack(ARGV, 3))
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[1])
return 1`;

/**
 * Adds a job unless one of its id is there, with fields that BullMQ's script doesn't set.
 *
 * The fields are one argument, however many they are: only calls of equally many arguments go together, and jobs whose calls
 * don't would not be stored in their order.
 *
 * KEYS: of BullMQ's script, the job. ARGV: fields and values as a list of texts in JSON, those of BullMQ's script.
 */
const living = (lua: string, numberOfKeys: number): string => `
local function theirs(KEYS, ARGV)
${lua}
end
local job = KEYS[${numberOfKeys + 1}]
if redis.call('EXISTS', job) == 1 then return 0 end
local result = theirs({unpack(KEYS, 1, ${numberOfKeys})}, {unpack(ARGV, 2)})
if type(result) == 'number' and result < 0 then return result end
redis.call('HSET', job, unpack(cjson.decode(ARGV[1])))
return 1`;

/** The name of the command that stores a job by one of BullMQ's scripts. */
export function storingBy(client: RedisClient, name: string): { readonly name: string; readonly numberOfKeys: number } {
  const script = definedOn(client, name);
  if (!script) throw new Error(`the client doesn't tell how the script ${name} of BullMQ goes`);
  const { lua, numberOfKeys } = script;
  const own = `nestjsJobsStore:${name}`;
  if (!definedOn(client, own)) {
    client.defineCommand(own, { numberOfKeys: numberOfKeys + 1, lua: living(lua, numberOfKeys) });
  }
  return { name: own, numberOfKeys };
}

export function defineStoring(client: RedisClient): void {
  if (!definedOn(client, STORE_ENDED)) client.defineCommand(STORE_ENDED, { numberOfKeys: 4, lua: ENDED });
}
