import type { Cluster, Redis } from 'ioredis';
import { STANDING_LUA } from './standing.js';

/** The commands by which jobs are looked at. None changes anything. */
export const READ = {
  counts: 'nestjsJobsCounts',
  sorted: 'nestjsJobsListSorted',
  lined: 'nestjsJobsListLined',
  active: 'nestjsJobsListActive',
  find: 'nestjsJobsFind',
} as const;

/** What of a job is shown: the fields whose names are the arguments from one on. A key may be no job's, but of any kind. */
const SHOWN = `
local function shown(id, first)
  local hash = redis.pcall('HMGET', ARGV[1] .. id, unpack(ARGV, first))
  return hash['err'] and {} or hash
end`;

/** As Redis orders what has the same score: by bytes. Lua's own order is that of a language. */
const BEFORE = `
local function before(a, b)
  for i = 1, math.min(#a, #b) do
    local x, y = a:byte(i), b:byte(i)
    if x ~= y then return x < y end
  end
  return #a < #b
end`;

/**
 * A page of a sorted set, from one end or from behind a job, which may have left meanwhile: then from where it stood.
 *
 * ARGV: what stands before a job's id, how many, up or down, the least score, the greatest, the score and the id of the job
 * before or two empty texts, the fields. Gives of each its id, its score and its fields.
 */
const SORTED = `
${SHOWN}
${BEFORE}
local key, limit, up, least, most = KEYS[1], tonumber(ARGV[2]), ARGV[3] == 'up', ARGV[4], ARGV[5]
local function through(score)
  if up then return redis.call('ZCOUNT', key, '-inf', score) end
  return redis.call('ZCOUNT', key, score, '+inf')
end
local function range(first, last, ...) return redis.call(up and 'ZRANGE' or 'ZREVRANGE', key, first, last, ...) end
local first, past = through('(' .. (up and least or most)), through(up and most or least)
local score, id = ARGV[6], ARGV[7]
if score ~= '' then
  local place
  local now = redis.call('ZSCORE', key, id)
  if now and tonumber(now) == tonumber(score) then place = redis.call(up and 'ZRANK' or 'ZREVRANK', key, id) + 1
  else
    local low, high = through('(' .. score), through(score)
    while low < high do
      local middle = math.floor((low + high) / 2)
      local other = range(middle, middle)[1]
      local isBehind = before(up and id or other, up and other or id)
      if isBehind then high = middle else low = middle + 1 end
    end
    place = low
  end
  first = math.max(first, place)
end
local rows = {}
local last = math.min(first + limit, past) - 1
if last < first then return rows end
local some = range(first, last, 'WITHSCORES')
for i = 1, #some, 2 do rows[#rows + 1] = {some[i], some[i + 1], shown(some[i], 8)} end
return rows`;

/**
 * A page of a list, from the end where jobs are taken, or from the first of some jobs that is still there: where none is,
 * all of them were taken, and so were those before.
 *
 * ARGV: what stands before a job's id, how many, how many more ids, how many jobs to begin with, these, the fields. Gives
 * of each its id, nothing and its fields; and the ids of those that come next.
 */
const LINED = `
${SHOWN}
local key, limit, more, known = KEYS[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local first = 0
for i = 5, 4 + known do
  local place = redis.call('LPOS', key, ARGV[i], 'RANK', -1)
  if place then
    first = redis.call('LLEN', key) - 1 - place
    break
  end
end
local ids = redis.call('LRANGE', key, -(first + limit + more), -(first + 1))
local rows, nextIds = {}, {}
for i = #ids, 1, -1 do
  if #ids - i >= limit then nextIds[#nextIds + 1] = ids[i]
  elseif ids[i]:sub(1, 2) ~= '0:' then rows[#rows + 1] = {ids[i], false, shown(ids[i], 5 + known)} end
end
return {rows, nextIds}`;

/**
 * A page of the active ones, the latest first, from the first or from behind one. Their order is made of all of them, for
 * they come and go too fast to be found again by their places, and are only as many as workers have.
 *
 * ARGV: what stands before a job's id, how many, when the job before was begun and its id or two empty texts, the fields.
 * Gives of each its id, when it was begun, its fields, and how long its lease lasts.
 */
const ACTIVE = `
${SHOWN}
${BEFORE}
local limit, at, id = tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local jobs, seen = {}, {}
local function comes(a, b)
  if a.at ~= b.at then return a.at > b.at end
  return before(a.id, b.id)
end
local last = {at = at, id = id}
for _, one in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  local begun = redis.pcall('HGET', ARGV[1] .. one, 'processedOn')
  local job = {id = one, at = type(begun) == 'string' and tonumber(begun) or 0}
  if not seen[one] and (not at or comes(last, job)) then jobs[#jobs + 1] = job end
  seen[one] = true
end
table.sort(jobs, comes)
local rows = {}
for i = 1, math.min(limit, #jobs) do
  local job = jobs[i]
  local lease = redis.call('PTTL', ARGV[1] .. job.id .. ':lock')
  rows[i] = {job.id, string.format('%.0f', job.at), shown(job.id, 5), lease}
end
return rows`;

/**
 * KEYS: of all states. ARGV: what stands before a job's id, its id, the greatest score that is due, the fields. Gives the
 * state, the id, the score, the fields, and how long its lease lasts; nothing where it is in none.
 */
const FIND = `
${SHOWN}
${STANDING_LUA}
local state, _, score = standing(ARGV[2], ARGV[3])
if not state then return false end
return {state, ARGV[2], score or false, shown(ARGV[2], 4), redis.call('PTTL', ARGV[1] .. ARGV[2] .. ':lock')}`;

/**
 * How many stand where; and since when the one waits that has waited longest, as far as that is cheap to know: of each
 * priority the first in line has waited longest, and of the least urgent hundred priorities these are looked at.
 *
 * KEYS: of all states. ARGV: what stands before a job's id, the greatest score that is due, the field that tells when a job
 * may be handled.
 */
const COUNTS = `
${STANDING_LUA}
local LEVEL, LEVELS = 4294967296, 100
local oldest
local function look(id)
  if not id then return end
  local hash = redis.pcall('HMGET', ARGV[1] .. id, ARGV[3], 'timestamp', 'opts', 'processedOn')
  if hash['err'] then return end
  local since = tonumber(hash[1])
  if not since then
    since = tonumber(hash[2])
    local ok, opts = pcall(cjson.decode, hash[3] or '')
    local delay = ok and type(opts) == 'table' and tonumber(opts['delay'])
    if since and delay then since = since + delay end
  end
  if not since then return end
  since = math.max(since, tonumber(hash[4]) or 0)
  if not oldest or since < oldest then oldest = since end
end
look(redis.call('LINDEX', wait, -1))
look(redis.call('LINDEX', paused, -1))
-- Those that came back at once have no time there.
look(redis.call('ZRANGEBYSCORE', delayed, '-inf', ARGV[2], 'LIMIT', 0, 1)[1])
local due = redis.call('ZRANGEBYSCORE', delayed, 4096000, ARGV[2], 'WITHSCORES', 'LIMIT', 0, 1)
if due[1] then
  local since = math.floor(tonumber(due[2]) / 4096)
  if not oldest or since < oldest then oldest = since end
end
local most = '+inf'
for level = 1, LEVELS do
  local last = redis.call('ZREVRANGEBYSCORE', prioritized, most, '-inf', 'WITHSCORES', 'LIMIT', 0, 1)
  if not last[1] then break end
  local from = string.format('%.0f', math.floor(tonumber(last[2]) / LEVEL) * LEVEL)
  look(redis.call('ZRANGEBYSCORE', prioritized, from, '+inf', 'LIMIT', 0, 1)[1])
  most = '(' .. from
end
local isDue = redis.call('ZCOUNT', delayed, '-inf', ARGV[2])
return {
  redis.call('LLEN', wait) + redis.call('LLEN', paused) + redis.call('ZCARD', prioritized) + isDue,
  redis.call('ZCARD', delayed) - isDue + redis.call('ZCARD', parents),
  redis.call('LLEN', active),
  redis.call('ZCARD', completed),
  redis.call('ZCARD', failed),
  redis.call('ZCARD', expired),
  oldest and string.format('%.0f', oldest) or false,
}`;

export function defineReading(client: Redis | Cluster): void {
  client.defineCommand(READ.counts, { numberOfKeys: 9, lua: COUNTS });
  client.defineCommand(READ.sorted, { numberOfKeys: 1, lua: SORTED });
  client.defineCommand(READ.lined, { numberOfKeys: 1, lua: LINED });
  client.defineCommand(READ.active, { numberOfKeys: 1, lua: ACTIVE });
  client.defineCommand(READ.find, { numberOfKeys: 9, lua: FIND });
}
