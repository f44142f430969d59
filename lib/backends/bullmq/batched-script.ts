import { createHash } from 'node:crypto';
import { partsOf } from './script-parts.js';

/**
 * Functions of BullMQ's that concern a queue, not a job, and return nothing, by the digests of their texts. Nobody comes
 * between the calls of a batch, so that once is enough; where a text has become another, BullMQ's own calls are left alone.
 */
const ACTS = new Map([
  ['trimEvents', '7a861b2956693a88'],
  // That it is worth a look.
  ['addBaseMarkerIfNeeded', '4221cfc2f45bc4af'],
  // Those that have fallen due. A batch adds none to them: no script of ours both puts a job back and fetches one.
  ['promoteDelayedJobs', 'c713f701208105bb'],
]);
const ONCE = `  local function once(act)
    local done = {}
    return function(key, other, ...)
      local doneToKey = done[key] or {}
      if doneToKey[tostring(other)] then return end
      act(key, other, ...)
      doneToKey[tostring(other)] = true
      done[key] = doneToKey
    end
  end`;

/** Says whether a queue is paused, and its limits. How many may be active together is another matter after each call. */
const METADATA = 'getQueueMetadata';
const METADATA_DIGEST = '470f1082f956495a';
const METADATA_ONCE = `do
  local ask, metadata = ${METADATA}, {}
  ${METADATA} = function(key, ...)
    local known = metadata[key]
    if not known then
      known = {ask(key, ...)}
      if redis.call('HEXISTS', key, 'concurrency') == 0 then metadata[key] = known end
    end
    return known[1], known[2], known[3]
  end
end`;

/**
 * Runs a script several times, each time as if alone. The calls of a batch have most arguments in common: the first has all
 * of its own, the others only those in which any of them differs. An error of one leaves the others alone. The tables are
 * the same for all, for BullMQ's scripts only read them.
 *
 * KEYS: of the first. ARGV: how many calls, how many arguments beside the keys, how many differ; the place of each of
 * these, the keys counted first; the arguments of the first; then of each other call those that differ.
 *
 * Replies, for each call: 1 and its reply, or 0 and its error. In one list, for Redis takes a buffer for each list.
 */
export function severalTimes(lua: string): string {
  const { functions, locals, body } = partsOf(lua);
  return `local KEYS, ARGV, argumentsOfBatch = {unpack(KEYS)}, {}, ARGV
${locals.map((name) => `local ${name}\n`).join('')}
${[...functions.values()].join('\n')}
${onceForTheQueue(functions)}
local run = function()
${body}
end
local batch = argumentsOfBatch
local calls, size, width = tonumber(batch[1]), tonumber(batch[2]), tonumber(batch[3])
local places = {}
for column = 1, width do places[column] = tonumber(batch[3 + column]) end
local first = 3 + width
local at = first + size
local replies = {}
local ownKeys = #KEYS
ARGV = {unpack(batch, first + 1, first + size)}
for call = 1, calls do
  if call > 1 then
    for column = 1, width do
      local place, value = places[column], batch[at + column]
      if place <= ownKeys then KEYS[place] = value else ARGV[place - ownKeys] = value end
    end
    at = at + width
  end
  local ok, reply = pcall(run)
  if not ok then reply = type(reply) == 'table' and reply['err'] or tostring(reply) end
  replies[2 * call - 1], replies[2 * call] = ok and 1 or 0, reply or false
end
return replies`;
}

function onceForTheQueue(functions: ReadonlyMap<string, string>): string {
  const isAsNow = (name: string, digest: string): boolean => digestOf(functions.get(name)) === digest;
  const acts = [...ACTS].filter(([name, digest]) => isAsNow(name, digest));
  return `do
${ONCE}
${acts.map(([name]) => `  ${name} = once(${name})\n`).join('')}end
${isAsNow(METADATA, METADATA_DIGEST) ? METADATA_ONCE : ''}`;
}

function digestOf(text = ''): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
