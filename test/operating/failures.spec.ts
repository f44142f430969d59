import { afterEach, beforeEach, expect, test } from 'vitest';
import { errorPattern } from '../../lib/operating/error-pattern.js';
import { openOffice, operatorWith, type Office } from './office.js';

let office: Office;

beforeEach(async () => {
  office = await openOffice();
});

afterEach(() => office.shop.close());

test.each([
  ['no such mailbox: "ada@example.org"', 'no such mailbox: <text>'],
  ['no such mailbox: ada@example.org', 'no such mailbox: <address>'],
  ['connect ECONNREFUSED 127.0.0.1:6379', 'connect ECONNREFUSED <n>:<n>'],
  ['order 0198f2c4-7162-7abc-8b90-fcd0e29cc0b5 is gone', 'order <id> is gone'],
  ["ENOENT: no such file, open '/var/jobs/x.json'", 'ENOENT: no such file, open <text>'],
  ['cannot read /var/jobs/mail/incoming/x.json twice', 'cannot read <path> twice'],
  ['GET https://example.org/a?b=1 gave 503', 'GET <url> gave <n>'],
  ['at 2026-11-21T09:00:00.000Z it was late by 12.5 s', 'at <time> it was late by <n> s'],
  ['commit deadbeef01 and 0xFF', 'commit <hex> and <hex>'],
  ["it's not what Ada's mailer expects", "it's not what Ada's mailer expects"],
  ['a\n  b', 'a b'],
])('%j is %j', (message, pattern) => {
  expect(errorPattern(message)).toBe(pattern);
});

test.each(['"'.repeat(1e5), '/a'.repeat(1e5), '@.'.repeat(1e5), 'a1'.repeat(1e5), 'x://'.repeat(1e5), '-'.repeat(1e6)])(
  'a hostile message is short',
  (message) => {
    expect(errorPattern(message).length).toBeLessThan(3_000);
  },
);

test('what failed alike is one group, with how many, when first and last, and a few of them', async () => {
  const { operator, shop } = office;
  const early = await office.fail('send', ['no mailbox 1', 'no mailbox 2', 'disk is full']);
  const firstAt = new Date(shop.clock.now());
  await shop.clock.advance(60_000);
  await office.fail('print', ['no mailbox 3']);
  await office.fail('send', ['no mailbox 4', 'no mailbox 5', 'no mailbox 6', 'no mailbox 7']);
  const { groups, scanned, complete } = await operator.failures();
  expect([scanned, complete]).toEqual([8, true]);
  const told = groups.map(({ name, error, message, count }) => [count, name, error, message].join(' '));
  expect(told[0]).toBe('6 send RangeError no mailbox <n>');
  expect(told.slice(1).sort()).toEqual(['1 print RangeError no mailbox <n>', '1 send RangeError disk is full']);
  expect(groups[0]).toMatchObject({ queues: ['default'], firstAt, lastAt: new Date(shop.clock.now()) });
  expect(groups[0]?.ids).toHaveLength(5);
  expect(groups.find(({ message }) => message === 'disk is full')?.ids).toEqual([early[2]]);
});

test('failures are filtered as lists are', async () => {
  const { operator, shop } = office;
  await office.fail('send', ['old']);
  await shop.clock.advance(3_600_000);
  await office.fail('send', ['new']);
  await office.fail('print', ['new']);
  const names = async (options: object): Promise<unknown[]> =>
    (await operator.failures(options)).groups.map(({ name, message }) => `${name} ${message}`).sort();
  expect(await names({ since: '10m' })).toEqual(['print new', 'send new']);
  expect(await names({ name: 'send' })).toEqual(['send new', 'send old']);
  expect(await names({ text: 'OLD' })).toEqual(['send old']);
  expect(await names({ queue: 'other' })).toEqual([]);
  await expect(operator.failures({ state: 'failed' } as object)).rejects.toThrow('got the unknown option "state"');
});

test('of more than can be looked at in time, some are told, and that these are not all', async () => {
  const { shop } = office;
  await office.fail('send', ['x', 'y']);
  const honest = shop.engine.inspector;
  const operator = operatorWith(shop, {
    // Pages without an end.
    list: async (queue, state, page) => {
      const { jobs = [] } = (await honest?.list(queue, state, { limit: page.limit })) ?? {};
      return { jobs: Array.from({ length: 250 }, () => jobs).flat(), cursor: 'more' };
    },
  });
  const { groups, scanned, complete } = await operator.failures();
  expect(complete).toBe(false);
  expect(scanned).toBeGreaterThanOrEqual(500);
  expect(scanned).toBeLessThanOrEqual(3_500);
  expect(groups).toHaveLength(2);
});

test('no more are looked at than the limit says', async () => {
  const { operator } = office;
  await office.fail('send', ['x', 'x', 'x']);
  expect(await operator.failures({ limit: 2 })).toMatchObject({ groups: [{ count: 2 }], scanned: 2, complete: false });
  expect(await operator.failures({ limit: 3 })).toMatchObject({ scanned: 3, complete: true });
  await expect(operator.failures({ limit: 0 })).rejects.toThrow('failures: limit: expected');
});

test.each([
  ['small', 10, 3_000],
  ['large', 1_000_000, 16],
])('of %s jobs so many are asked for at a time that they fit into memory', async (_, length, most) => {
  const { shop } = office;
  await office.fail('send', ['x'.repeat(length)]);
  const honest = shop.engine.inspector;
  const asked: number[] = [];
  const operator = operatorWith(shop, {
    list: async (queue, state, page) => {
      asked.push(page.limit);
      const { jobs = [] } = (await honest?.list(queue, state, { limit: 1 })) ?? {};
      return { jobs, cursor: asked.length < 3 ? 'more' : undefined };
    },
  });
  await operator.failures({ limit: 100_000 });
  expect(asked).toEqual([100, most, most]);
});
