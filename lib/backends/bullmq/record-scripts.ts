import type { Cluster, Redis } from 'ioredis';

/** The commands of records, each a script of one key. */
export const RECORD_COMMANDS = {
  set: 'nestjsJobsSetRecord',
  claim: 'nestjsJobsClaimRecord',
  swap: 'nestjsJobsSwapRecord',
  get: 'nestjsJobsGetRecord',
  delete: 'nestjsJobsDeleteRecord',
} as const;

/** What is there, how many milliseconds it has left, and when that was, in milliseconds since 1970. */
const LIVING = `
local text = redis.call('GET', KEYS[1])
if not text then return false end
local left = redis.call('PTTL', KEYS[1])
local time = redis.call('TIME')
return {text, left, time[1] * 1000 + math.floor(time[2] / 1000)}`;

/** Longer texts don't go along with a letter, in bytes: what Redis keeps for one who reads slowly is limited. */
const LONGEST_LETTER = 16_384;

/** ARGV of the first two: the text, and for how many milliseconds. */
const SCRIPTS: Readonly<Record<keyof typeof RECORD_COMMANDS, string>> = {
  // The notice says nothing: who hears it looks. A letter goes to the channel ARGV[3], and begins with ARGV[4].
  set: `
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('PUBLISH', KEYS[1], '')
if ARGV[3] then
  local text = ''
  if #ARGV[1] <= ${LONGEST_LETTER} then text = '\\n' .. ARGV[1] end
  redis.call('PUBLISH', ARGV[3], ARGV[4] .. text)
end
return 1`,
  claim: `
if redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2], 'NX') then return false end
${LIVING}`,
  // ARGV: the text that it must have, the one that it gets, and for how many milliseconds.
  swap: `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('PUBLISH', KEYS[1], '')
return 1`,
  get: LIVING,
  // ARGV: nothing, or the text that it must have.
  delete: `
if ARGV[1] and redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])`,
};

export function defineRecordCommands(client: Redis | Cluster): void {
  for (const [kind, lua] of Object.entries(SCRIPTS)) {
    client.defineCommand(RECORD_COMMANDS[kind as keyof typeof SCRIPTS], { numberOfKeys: 1, lua });
  }
}
