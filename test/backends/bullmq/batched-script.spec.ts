import { Queue } from 'bullmq';
import { beforeEach, describe, expect, test } from 'vitest';
import { severalTimes } from '../../../lib/backends/bullmq/batched-script.js';
import { definedOn } from '../../../lib/backends/bullmq/batched.js';
import { partsOf } from '../../../lib/backends/bullmq/script-parts.js';
import { PrivateRedis } from '../../servers/redis.js';
import { onRedis } from './on-redis.js';

const LOCALS = `local rcall = redis.call
local key = KEYS[1]
local found
`;
const FUNCTIONS = `--[[ Says what the end is. ]]
-- if it is told
local function twice(text)
  if text == "end" then
    return "the end"
  end
  for n = 1, 1 do text = text .. text end

  found = found or ARGV[1]
  return text
end
local thrice = function (text)
  return twice(text) .. text
end
`;
const BODY = `local function later() return found end
local tripled = thrice(ARGV[1])
rcall("APPEND", key, later())
return tripled
`;

describe('the parts of a script', () => {
  test('are the functions that it begins with, its first locals, and what is done in each call', () => {
    const { functions, locals, body } = partsOf(LOCALS + FUNCTIONS + BODY);
    expect([...functions].map(([name, text]) => [name, text.split('\n')[0]])).toEqual([
      ['twice', 'local function twice(text)'],
      ['thrice', 'local thrice = function (text)'],
    ]);
    expect(locals).toEqual(['rcall', 'key', 'found']);
    expect(body.trim()).toBe(`rcall = redis.call\nkey = KEYS[1]\nfound = nil\n${BODY}`.trim());
  });

  test('begin where the first thing is that is neither', () => {
    const lua = `if KEYS[2] then return 1 end\n${LOCALS}${FUNCTIONS}${BODY}`;
    expect(partsOf(lua)).toEqual({ functions: new Map(), locals: [], body: lua });
  });

  test.each([
    ['a function is laid out otherwise', 'local function sign(n)\n  if n < 0 then\n    n = -1\nend\n  return n\nend\n'],
    ['a function is in one line', `local function one() return 1 end\nlocal two = KEYS[2]\n${FUNCTIONS}`],
    ['a name is taken twice', `local found = 1\n${FUNCTIONS}local found = 2\n`],
    ['there are more than Lua takes', [...Array(51).keys()].map((n) => `local l${n} = ${n}\n`).join('')],
    [
      'a function goes on in a line that is not indented',
      `local f = function (n)\n--\n  local m = n\n  return m\nend\n`,
    ],
    ['a text goes over several lines', 'local text = [[\nlocal none = 1\n]]\n'],
  ])('are not taken apart where %s', (_, lua) => {
    expect(partsOf(lua)).toEqual({ functions: new Map(), locals: [], body: lua });
  });
});

describe('on Redis', () => {
  const on = onRedis(() => PrivateRedis.start());

  /** Two calls, which have another key and another argument each. */
  const run = (lua: string): Promise<unknown> =>
    on.redis.eval(severalTimes(lua), 1, 'one', 2, 1, 2, 1, 2, 'a', 'two', 'b');

  beforeEach(() => on.redis.unlink('one', 'two'));

  test.each([
    ['once', LOCALS + FUNCTIONS + BODY],
    ['for each call', `local many, values = 1, 2\n${LOCALS}${FUNCTIONS}${BODY}`],
  ])('a script gives each call its own, its functions made %s', async (_, lua) => {
    expect(await run(lua)).toEqual([1, 'aaa', 1, 'bbb']);
    expect(await on.redis.mget('one', 'two')).toEqual(['a', 'b']);
  });

  test('the error of one call and the reply of none leave the others alone', async () => {
    const failing = `if ARGV[1] == 'a' then return redis.call('NONSENSE') end\nreturn nil`;
    expect(await run(failing)).toEqual([0, expect.stringMatching(/unknown redis command/i), 1, null]);
  });

  test('what BullMQ does to a queue is done once for each queue, unless its text has become another', async () => {
    const { functions } = partsOf(await bullmqScript('moveToFinished'));
    const texts = ['getOrSetMaxEvents', 'trimEvents'].map((name) => functions.get(name)).join('\n');
    const acting = `local rcall = redis.call
${texts}
trimEvents(KEYS[1], "events")
trimEvents("meta", "events")
local acted = rcall("EXISTS", "meta")
rcall("DEL", "meta")
return acted`;
    expect(await run(acting)).toEqual([1, 1, 1, 0]);
    expect(await on.redis.exists('one', 'two')).toBe(2);
    expect(await run(acting.replace('10000)', '20000)'))).toEqual([1, 1, 1, 1]);
  });

  test('the functions of the scripts that are called for many jobs are made once', async () => {
    for (const name of ['moveToActive', 'moveToFinished', 'moveToDelayed', 'addPrioritizedJob', 'addDelayedJob']) {
      const { functions, body } = partsOf(await bullmqScript(name));
      expect({ name, many: functions.size >= 10 }).toEqual({ name, many: true });
      expect(body).not.toMatch(/^local (function|\w+ = function)/m);
    }
  });

  test('of those, the functions that concern the queue are known by their texts', async () => {
    const called = severalTimes(await bullmqScript('moveToFinished'));
    for (const name of ['trimEvents', 'addBaseMarkerIfNeeded', 'promoteDelayedJobs'])
      expect(called).toContain(`${name} = once(${name})`);
    expect(called).toContain('getQueueMetadata = function(key, ...)');
  });

  /** As BullMQ has it. */
  async function bullmqScript(name: string): Promise<string> {
    const queue = new Queue('q', { connection: { url: on.server.url } });
    try {
      const backend = queue.getBackend();
      const { version } = backend as unknown as { readonly version: string };
      return definedOn(await backend.client, `${name}:${version}`)?.lua ?? '';
    } finally {
      await queue.close();
    }
  }
});
