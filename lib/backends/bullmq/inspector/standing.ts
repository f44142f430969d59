/**
 * Where the jobs of a queue stand, in the order in which scripts get the keys. Parents of BullMQ's flows, which wait for
 * their children, are delayed ones to us: they wait, and may not be handled yet.
 */
const STANDING = [
  'prioritized',
  'delayed',
  'waiting-children',
  'completed',
  'failed',
  'expired',
  'wait',
  'paused',
  'active',
] as const;

export function standingKeys(keys: Readonly<Record<string, string>>): readonly string[] {
  return STANDING.map((name) => keys[name] ?? '');
}

/** Of a delayed job, BullMQ's score is the time in milliseconds, with 12 bits for the order of those of the same time. */
export const SCORES_A_MS = 4_096;

/** The greatest score of delayed jobs that are due: the next who takes a job queues them before. */
export function dueScore(now: number): number {
  return (now + 1) * SCORES_A_MS - 1;
}

/**
 * Names of the keys, which are the first nine, and where a job stands: its state, its key, its score. Those that are due
 * are waiting, though nobody has queued them yet.
 */
export const STANDING_LUA = `
local prioritized, delayed, parents, completed, failed, expired, wait, paused, active = unpack(KEYS, 1, 9)
local function standing(id, due)
  if redis.call('ZSCORE', prioritized, id) then return 'waiting', prioritized end
  local score = redis.call('ZSCORE', delayed, id)
  if score then return tonumber(score) <= tonumber(due) and 'waiting' or 'delayed', delayed, score end
  if redis.call('ZSCORE', failed, id) then return 'failed', failed end
  if redis.call('ZSCORE', completed, id) then return 'completed', completed end
  if redis.call('ZSCORE', expired, id) then return 'expired', expired end
  if redis.call('ZSCORE', parents, id) then return 'delayed', parents end
  if redis.call('LPOS', active, id) then return 'active', active end
  if redis.call('LPOS', wait, id) then return 'waiting', wait end
  if redis.call('LPOS', paused, id) then return 'waiting', paused end
  return nil
end`;
