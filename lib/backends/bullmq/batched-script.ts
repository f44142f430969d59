/**
 * What a script of BullMQ's begins with: comments, the short name of `redis.call`, and functions, each to the first `end`
 * that is not indented.
 */
const DEFINITIONS =
  /^(?:\s+|--\[\[[\s\S]*?\]\]|--.*|local rcall = redis\.call|local (?:function|\w+ = function)\b[\s\S]*?\nend\b)*/;
const COMMENTS_AND_TEXTS = /--\[\[[\s\S]*?\]\]|--.*|"[^"\n]*"|'[^'\n]*'/g;

/** Lua lets a function use 60 locals from around it at most. */
const MOST_DEFINITIONS = 50;

/**
 * Runs a script several times, each time as if alone. The calls of a batch have most arguments in common: the first has all
 * of its own, the others only those in which any of them differs. An error of one leaves the others alone. The tables are
 * the same for all, for BullMQ's scripts only read them.
 *
 * KEYS: of the first. ARGV: how many calls, how many arguments beside the keys, how many differ; the place of each of
 * these, the keys counted first; the arguments of the first; then of each other call those that differ.
 */
export function severalTimes(lua: string): string {
  const definitions = definitionsOf(lua);
  return `${definitions}
local function run(KEYS, ARGV)
${lua.slice(definitions.length)}
end
local calls, size, width = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local places = {}
for column = 1, width do places[column] = tonumber(ARGV[3 + column]) end
local first = 3 + width
local at = first + size
local replies = {}
local keys, args, ownKeys = {unpack(KEYS)}, {unpack(ARGV, first + 1, first + size)}, #KEYS
for call = 1, calls do
  if call > 1 then
    for column = 1, width do
      local place, value = places[column], ARGV[at + column]
      if place <= ownKeys then keys[place] = value else args[place - ownKeys] = value end
    end
    at = at + width
  end
  local ok, reply = pcall(run, keys, args)
  if ok then replies[call] = {1, reply}
  else replies[call] = {0, type(reply) == 'table' and reply['err'] or tostring(reply)} end
end
return replies`;
}

/**
 * The functions that a script begins with, where they are the same for each call: `moveToFinished` has 37, and to make
 * them anew for each job takes Redis a tenth of its time. None where they may use what is another's in the next call, or
 * where the text is laid out otherwise than BullMQ's are now.
 *
 * @internal For tests.
 */
export function definitionsOf(lua: string): string {
  const found = DEFINITIONS.exec(lua)?.[0] ?? '';
  const words = found.replace(COMMENTS_AND_TEXTS, '').match(/\w+/g) ?? [];
  const count = (...wanted: readonly string[]): number => words.filter((word) => wanted.includes(word)).length;
  const isWhole = count('function', 'if', 'do') === count('end');
  return isWhole && count('KEYS', 'ARGV') === 0 && count('function') <= MOST_DEFINITIONS ? found : '';
}
