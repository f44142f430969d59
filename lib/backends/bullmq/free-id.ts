import type { Redis, Cluster } from 'ioredis';

export const FREE_ID_COMMAND = 'nestjsJobsFreeId';

/**
 * Frees an id whose job has completed or expired, though the job is kept for a while: the kept one goes. BullMQ has no
 * way to do that without a moment in which another could add a job of the same id.
 *
 * KEYS: the job, the completed, the expired ones. ARGV: the id. Gives 1 where a job of this id lives, else 0.
 */
const LUA = `
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
local completed = redis.call('ZREM', KEYS[2], ARGV[1])
local expired = redis.call('ZREM', KEYS[3], ARGV[1])
if completed + expired == 0 then return 1 end
redis.call('DEL', KEYS[1], KEYS[1] .. ':logs', KEYS[1] .. ':dependencies', KEYS[1] .. ':processed',
  KEYS[1] .. ':failed', KEYS[1] .. ':unsuccessful')
return 0`;

export function defineFreeId(client: Redis | Cluster): void {
  client.defineCommand(FREE_ID_COMMAND, { numberOfKeys: 3, lua: LUA });
}
