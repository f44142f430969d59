import type { Cluster, Redis } from 'ioredis';

export const BYTES_COMMAND = 'nestjsJobsBytes';
export const DROP_COMMAND = 'nestjsJobsDropOldest';

/**
 * The bytes of some jobs: those at these places from the end where new ones come, so that what is taken meanwhile doesn't
 * move others to places that were looked at.
 *
 * KEYS: a list or a sorted set. ARGV: the first place, the last, what stands before a job's id. Gives how many there are
 * and their bytes.
 */
const BYTES = `
local kind = redis.call('TYPE', KEYS[1])['ok']
local ids = {}
if kind == 'list' then ids = redis.call('LRANGE', KEYS[1], ARGV[1], ARGV[2])
elseif kind == 'zset' then ids = redis.call('ZREVRANGE', KEYS[1], ARGV[1], ARGV[2]) end
local bytes = 0
for _, id in ipairs(ids) do
  bytes = bytes + redis.call('HSTRLEN', ARGV[3] .. id, 'data') + redis.call('HSTRLEN', ARGV[3] .. id, 'opts')
end
return {#ids, bytes}`;

/**
 * Removes jobs that wait, the oldest first: of each priority the first in line is its oldest, and the oldest of these is the
 * next. Then delayed ones, as they fall due. A job that another waits for, as those of BullMQ's flows, is left.
 *
 * KEYS: wait, paused, prioritized, delayed, events. ARGV: how many, what stands before a job's id. Gives of each its id, its
 * name and its options.
 */
const DROP = `
local wanted, prefix = tonumber(ARGV[1]), ARGV[2]
local LEVEL = 4294967296
local heads = {}
local function look(head)
  while true do
    local id
    if head.list then id = redis.call('LINDEX', head.list, -1 - head.skipped)
    else id = redis.call('ZRANGEBYSCORE', KEYS[3], head.from, head.to, 'LIMIT', head.skipped, 1)[1] end
    if not id then return false end
    local key = prefix .. id
    if redis.call('HEXISTS', key, 'parentKey') == 0 then
      head.id, head.at = id, tonumber(redis.call('HGET', key, 'timestamp') or 0) or 0
      return true
    end
    head.skipped = head.skipped + 1
  end
end
local function add(head)
  head.skipped = 0
  if look(head) then heads[#heads + 1] = head end
end
add({list = KEYS[1]})
add({list = KEYS[2]})
local from = '-inf'
while true do
  local first = redis.call('ZRANGEBYSCORE', KEYS[3], from, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  if not first[1] then break end
  local level = math.floor(tonumber(first[2]) / LEVEL)
  local to = string.format('%.0f', (level + 1) * LEVEL)
  add({from = string.format('%.0f', level * LEVEL), to = '(' .. to})
  from = to
end
local dropped = {}
local function drop(id, state)
  local key = prefix .. id
  local job = redis.call('HMGET', key, 'name', 'opts', 'deid')
  if job[3] and redis.call('GET', prefix .. 'de:' .. job[3]) == id then redis.call('DEL', prefix .. 'de:' .. job[3]) end
  redis.call('DEL', key, key .. ':logs', key .. ':dependencies', key .. ':processed', key .. ':failed', key .. ':unsuccessful')
  redis.call('XADD', KEYS[5], 'MAXLEN', '~', 10000, '*', 'event', 'removed', 'jobId', id, 'prev', state)
  dropped[#dropped + 1] = {id, job[1] or '', job[2] or ''}
end
while #dropped < wanted and #heads > 0 do
  local oldest = 1
  for i = 2, #heads do if heads[i].at < heads[oldest].at then oldest = i end end
  local head = heads[oldest]
  if head.list then redis.call('LREM', head.list, -1, head.id) else redis.call('ZREM', KEYS[3], head.id) end
  drop(head.id, 'waiting')
  if not look(head) then table.remove(heads, oldest) end
end
local skipped = 0
while #dropped < wanted do
  local id = redis.call('ZRANGE', KEYS[4], skipped, skipped)[1]
  if not id then break end
  if redis.call('HEXISTS', prefix .. id, 'parentKey') == 1 then skipped = skipped + 1
  else
    redis.call('ZREM', KEYS[4], id)
    drop(id, 'delayed')
  end
end
return dropped`;

export function defineBacklog(client: Redis | Cluster): void {
  client.defineCommand(BYTES_COMMAND, { numberOfKeys: 1, lua: BYTES });
  client.defineCommand(DROP_COMMAND, { numberOfKeys: 5, lua: DROP });
}
