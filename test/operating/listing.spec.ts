import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Inspector } from '../../lib/core/inspector.js';
import type { ListOptions } from '../../lib/operating/job-list.js';
import type { JobsOperator } from '../../lib/operating/jobs-operator.js';
import { openOffice, operatorWith, type Office } from './office.js';

let office: Office;

beforeEach(async () => {
  office = await openOffice();
});

afterEach(() => office.shop.close());

/** All that a list gives, call by call. */
async function calls(operator: JobsOperator, options: ListOptions): Promise<readonly unknown[][]> {
  const all: unknown[][] = [];
  for (let cursor: string | undefined, more = true; more;) {
    const list = await operator.list(cursor === undefined ? options : { ...options, cursor });
    all.push(list.jobs.map(({ payload }) => payload));
    cursor = list.cursor;
    more = cursor !== undefined;
  }
  return all;
}

test('a job is shown with all that is known of it, and is JSON', async () => {
  const { operator, shop } = office;
  const options = { priority: 7, attempts: 3, expiration: '2h', headers: { tenant: 'x' }, id: 'order-1' };
  await office.publish('send', { to: 'ada' }, options);
  const { jobs, cursor, scanned } = await operator.list({ queue: 'default', state: 'waiting' });
  expect([jobs.length, cursor, scanned]).toEqual([1, undefined, 1]);
  const now = new Date(shop.clock.now());
  expect(jobs[0]).toMatchObject({
    id: 'order-1',
    queue: 'default',
    state: 'waiting',
    name: 'send',
    payload: { to: 'ada' },
    unreadable: undefined,
    priority: 7,
    attempts: 0,
    maxAttempts: 3,
    headers: { tenant: 'x' },
    publishedAt: now,
    storedAt: now,
    expiresAt: new Date(now.getTime() + 7_200_000),
    failures: [],
  });
  expect(JSON.parse(JSON.stringify(jobs[0]))).toMatchObject({ publishedAt: now.toISOString(), payload: { to: 'ada' } });
});

test('fifty come at a time, and the cursor goes on behind them', async () => {
  for (let n = 0; n < 120; n++) await office.publish('send', n);
  const pages = await calls(office.operator, { queue: 'default', state: 'waiting' });
  expect(pages.map((page) => page.length)).toEqual([50, 50, 20]);
  expect(pages.flat()).toEqual(Array.from({ length: 120 }, (_, n) => n));
});

test('a filter finds each job once, however its pages fall', async () => {
  for (let n = 0; n < 1_000; n++) await office.publish(n % 3 === 0 ? 'third' : 'other', n);
  const options = { queue: 'default', state: 'waiting', name: 'third' } as const;
  const expected = Array.from({ length: 334 }, (_, n) => 3 * n);
  for (const limit of [1, 7, 67, 200, 1_000]) {
    const pages = await calls(office.operator, { ...options, limit });
    expect(pages.flat(), `limit ${limit}`).toEqual(expected);
    expect(Math.max(...pages.map((page) => page.length))).toBe(Math.min(limit, 334));
  }
});

test('a list goes on behind a job that is gone', async () => {
  for (let n = 0; n < 10; n++) await office.publish('send', n, { id: `job-${n}` });
  const options = { queue: 'default', state: 'waiting', name: 'send', limit: 3 } as const;
  const first = await office.operator.list(options);
  await office.operator.remove('default', 'job-2');
  const rest = await office.operator.list({ ...options, limit: 10, cursor: first.cursor ?? '' });
  const seen = [...first.jobs, ...rest.jobs].map(({ payload }) => payload);
  expect([...new Set(seen)]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test('a call looks at ten thousand jobs at most, and gives the cursor to go on', async () => {
  const { shop } = office;
  const requests = Array.from({ length: 12_000 }, (_, n) => ({
    name: n === 11_500 ? 'needle' : 'hay',
    payload: n,
    options: { queue: 'default' },
  }));
  await shop.publisher.publishMany(requests);
  const options = { queue: 'default', state: 'waiting', name: 'needle' } as const;
  const operator = operatorWith(shop, {}, { deadline: '1m' });
  const first = await operator.list(options);
  expect([first.jobs, first.scanned]).toEqual([[], 10_000]);
  const second = await operator.list({ ...options, cursor: first.cursor ?? '' });
  expect([second.jobs.map(({ payload }) => payload), second.cursor]).toEqual([[11_500], undefined]);
});

test('text is found in payloads, reasons and errors, whatever its case', async () => {
  await office.fail('send', ['No such mailbox', 'Disk is full']);
  const found = async (text: string): Promise<unknown[]> => {
    const { jobs } = await office.operator.list({ queue: 'default', state: 'failed', text });
    return jobs.map(({ payload }) => payload);
  };
  expect(await found('no SUCH')).toEqual(['No such mailbox']);
  expect(await found('rangeerror')).toHaveLength(2);
  expect(await found('only attempt')).toHaveLength(2);
  expect(await found('nothing of it')).toEqual([]);
});

test('times are moments, or so long ago: of what has ended, when it did', async () => {
  const { operator, shop } = office;
  await office.fail('send', ['first']);
  await shop.clock.advance(600_000);
  const between = new Date(shop.clock.now() - 300_000);
  await office.fail('again', ['second']);
  const found = async (filter: object): Promise<unknown[]> => {
    const { jobs } = await operator.list({ queue: 'default', state: 'failed', ...filter });
    return jobs.map(({ payload }) => payload);
  };
  expect(await found({ since: '5m' })).toEqual(['second']);
  expect(await found({ since: between })).toEqual(['second']);
  expect(await found({ until: between })).toEqual(['first']);
  expect(await found({ since: '1h', until: 0 })).toHaveLength(2);
});

test('what redact hides is neither shown nor found', async () => {
  const { shop } = office;
  await office.publish('login', { user: 'ada', password: 'swordfish' });
  await office.publish('other', 'swordfish');
  const redact = (payload: unknown, { name, queue }: { name?: string | undefined; queue: string }): unknown => {
    if (name !== 'login') throw new Error('not foreseen');
    delete (payload as { password?: string }).password;
    return { ...(payload as object), queue };
  };
  const operator = operatorWith(shop, {}, { redact });
  const { jobs } = await operator.list({ queue: 'default', state: 'waiting' });
  expect(jobs.map(({ payload }) => payload)).toEqual([
    { user: 'ada', queue: 'default' },
    '(hidden, for redact has failed)',
  ]);
  expect((await operator.list({ queue: 'default', state: 'waiting', text: 'swordfish' })).jobs).toEqual([]);
  // What the engine keeps is not touched.
  expect((await office.operator.list({ queue: 'default', state: 'waiting', text: 'swordfish' })).jobs).toHaveLength(2);
});

test('what the engine can’t list is refused with its reason', async () => {
  const { shop } = office;
  const { abilities } = shop.engine.inspector as Inspector;
  const operator = operatorWith(shop, {
    abilities: { ...abilities, list: { ...abilities.list, active: { cannot: 'it tells nobody who has what' } } },
  });
  await expect(operator.list({ queue: 'default', state: 'active' })).rejects.toThrow(
    'memory can’t list active jobs: it tells nobody who has what'.replace('’', "'"),
  );
});

test('where the engine falls silent, what was found is given, and where to go on', async () => {
  const { shop } = office;
  for (let n = 0; n < 500; n++) await office.publish('send', n);
  const honest = shop.engine.inspector as Inspector;
  let asked = 0;
  const operator = operatorWith(
    shop,
    { list: (...args) => (asked++ === 0 ? honest.list(...args) : new Promise(() => undefined)) },
    { deadline: 2_000 },
  );
  const { jobs, cursor } = await operator.list({ queue: 'default', state: 'waiting', text: '7', limit: 1_000 });
  expect(jobs.length).toBeGreaterThan(0);
  expect(cursor).toBeDefined();
});

test.each([
  [{ queue: 'a b', state: 'failed' }, 'queue name: expected 1 to 100'],
  [
    { queue: 'a', state: 'dead' },
    'list: state: expected waiting, delayed, active, completed, failed, expired, got "dead"',
  ],
  [{ queue: 'a', state: 'failed', limit: 0 }, 'list: limit: expected a whole number of at least 1, got 0'],
  [{ queue: 'a', state: 'failed', cursor: 'nonsense' }, 'list: cursor: expected what the list before gave'],
  [{ queue: 'a', state: 'failed', name: '' }, 'list: name: expected a text that is not empty, got ""'],
  [{ queue: 'a', state: 'failed', since: 'yesterday' }, 'list: since: expected milliseconds or a duration'],
  [{ queue: 'a', state: 'failed', until: new Date(NaN) }, 'list: until: expected a Date or how long ago'],
  [{ queue: 'a', state: 'failed', page: 1 }, 'got the unknown option "page"'],
])('%o is refused', async (options, message) => {
  await expect(office.operator.list(options as never)).rejects.toThrow(message);
});
