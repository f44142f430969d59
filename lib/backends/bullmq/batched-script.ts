import { partsOf } from './script-parts.js';

/**
 * Those of BullMQ's functions that do something to a queue, not to a job, and return nothing: they trim its events, mark it
 * as worth a look, and look for delayed jobs that are due. Nobody comes between the calls of a batch: once is enough.
 */
const FOR_THE_QUEUE: ReadonlySet<string> = new Set(['trimEvents', 'addBaseMarkerIfNeeded', 'promoteDelayedJobs']);

const ONCE = `local function once(act)
  local done = {}
  return function(key, other, ...)
    local doneToKey = done[key] or {}
    if doneToKey[tostring(other)] then return end
    act(key, other, ...)
    doneToKey[tostring(other)] = true
    done[key] = doneToKey
  end
end`;

/** Of what BullMQ says of a queue, how many may be active together is another matter after each call. */
const METADATA = 'getQueueMetadata';
const METADATA_ONCE = `local askForMetadata, metadata = ${METADATA}, {}
${METADATA} = function(key, ...)
  local known = metadata[key]
  if not known then
    known = {askForMetadata(key, ...)}
    if redis.call('HEXISTS', key, 'concurrency') == 0 then metadata[key] = known end
  end
  return unpack(known, 1, table.maxn(known))
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
  const names = functions.map((text) => /\w+/.exec(text.replace(/^local (function )?/, ''))?.[0] ?? '');
  return `local KEYS, ARGV, argumentsOfBatch = {unpack(KEYS)}, {}, ARGV
${locals.map((name) => `local ${name}\n`).join('')}
${functions.join('\n')}
${ONCE}
${names.map((name) => (FOR_THE_QUEUE.has(name) ? `${name} = once(${name})\n` : '')).join('')}
${names.includes(METADATA) ? METADATA_ONCE : ''}
local function run()
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
