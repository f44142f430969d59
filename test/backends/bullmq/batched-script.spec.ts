import { Queue } from 'bullmq';
import { describe, expect, test } from 'vitest';
import { definitionsOf, severalTimes } from '../../../lib/backends/bullmq/batched-script.js';
import { definedOn } from '../../../lib/backends/bullmq/batched.js';
import { PrivateRedis } from '../../servers/redis.js';
import { onRedis } from './on-redis.js';

const HELPERS = `--[[ Says what the end is. ]]
local rcall = redis.call
-- if it is told
local function twice(text)
  if text == "end" then
    return "the end"
  end
  for n = 1, 1 do text = text .. text end
  return text
end
local thrice = function (text)
  return twice(text) .. text
end
`;
const BODY = `local key = KEYS[1]
local function later() return ARGV[1] end
rcall("APPEND", key, later())
return thrice(ARGV[1])
`;

describe('what a script begins with', () => {
  test('is its functions, up to what is another in each call', () => {
    expect(definitionsOf(HELPERS + BODY).trim()).toBe(HELPERS.trim());
  });

  test.each([
    ['a function uses an argument', `local function first()\n  return ARGV[1]\nend\nreturn first()`],
    ['a function is laid out otherwise', `local function sign(n)\n  if n < 0 then\n    n = -1\nend\n  return n\nend`],
    ['there are more than Lua takes', 'local function f()\n  return 1\nend\n'.repeat(51)],
    ['it begins otherwise', `local n = 1\n${HELPERS}`],
  ])('is nothing where %s', (_, lua) => {
    expect(definitionsOf(lua)).toBe('');
  });
});

describe('on Redis', () => {
  const on = onRedis(() => PrivateRedis.start());

  /** Two calls, which have another key and another argument each. */
  const run = (lua: string): Promise<unknown> =>
    on.redis.eval(severalTimes(lua), 1, 'one', 2, 1, 2, 1, 2, 'a', 'two', 'b');

  test.each([
    ['once', HELPERS + BODY],
    ['for each call', `local n = 1\n${HELPERS}${BODY}`],
  ])('a script gives each call its own, its functions made %s', async (_, lua) => {
    await on.redis.unlink('one', 'two');
    expect(await run(lua)).toEqual([
      [1, 'aaa'],
      [1, 'bbb'],
    ]);
    expect(await on.redis.mget('one', 'two')).toEqual(['a', 'b']);
  });

  test('the functions by which BullMQ ends a job are made once for many jobs', async () => {
    const queue = new Queue('q', { connection: { url: on.server.url } });
    try {
      const backend = queue.getBackend();
      const { version } = backend as unknown as { readonly version: string };
      const { lua = '' } = definedOn(await backend.client, `moveToFinished:${version}`) ?? {};
      expect(definitionsOf(lua).match(/^local function/gm)?.length).toBeGreaterThan(20);
    } finally {
      await queue.close();
    }
  });
});
