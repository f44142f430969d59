import { describe, expect, test } from 'vitest';
import { dueTicks } from '../../lib/core/due-ticks.js';
import { checkedSchedule, type Schedule } from '../../lib/core/schedule.js';

const at = (text: string): number => Date.parse(text);

function scheduled(cron: string, options: object = {}): Schedule {
  return checkedSchedule(cron, 'report', null, options);
}

/** The next moments after one. */
function next(cron: string, timeZone: string, from: string, count: number): string[] {
  const { nextAfter } = scheduled(cron, { timeZone });
  const found: string[] = [];
  for (let time = nextAfter(at(from)); time !== undefined && found.length < count; time = nextAfter(time)) {
    found.push(new Date(time).toISOString().slice(0, 19));
  }
  return found;
}

describe('goes by the clocks of its time zone', () => {
  const table: [what: string, cron: string, zone: string, from: string, ticks: string[]][] = [
    [
      'on working days at nine',
      '0 9 * * 1-5',
      'America/New_York',
      '2026-03-06T15:00:00Z',
      ['2026-03-09T13:00:00', '2026-03-10T13:00:00'],
    ],
    [
      'once, when the clocks leave its hour out',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-03-28T12:00:00Z',
      ['2026-03-29T01:00:00', '2026-03-30T00:30:00'],
    ],
    [
      'once, when its hour comes twice',
      '30 2 * * *',
      'Europe/Berlin',
      '2026-10-24T12:00:00Z',
      ['2026-10-25T00:30:00', '2026-10-26T01:30:00'],
    ],
    [
      'on and on, when an hour comes twice',
      '*/30 * * * *',
      'Europe/Berlin',
      '2026-10-25T00:00:00Z',
      ['2026-10-25T00:30:00', '2026-10-25T01:00:00', '2026-10-25T01:30:00', '2026-10-25T02:00:00'],
    ],
    [
      'on and on, when an hour is left out',
      '*/30 * * * *',
      'Europe/Berlin',
      '2026-03-29T00:00:00Z',
      ['2026-03-29T00:30:00', '2026-03-29T01:00:00', '2026-03-29T01:30:00'],
    ],
    [
      'in a zone of half an hour, in the south',
      '0 8 * * *',
      'Australia/Adelaide',
      '2026-04-03T23:00:00Z',
      ['2026-04-04T22:30:00', '2026-04-05T22:30:00'],
    ],
    ['each second', '* * * * * *', 'UTC', '2026-11-21T09:00:00.789Z', ['2026-11-21T09:00:01', '2026-11-21T09:00:02']],
    ['on the 29th of February', '0 0 29 2 *', 'UTC', '2026-11-21T09:00:00Z', ['2028-02-29T00:00:00']],
    ['by a nickname', '@daily', 'Asia/Tokyo', '2026-11-21T09:00:00Z', ['2026-11-21T15:00:00']],
  ];
  test.each(table)('%s', (_, cron, zone, from, ticks) => {
    expect(next(cron, zone, from, ticks.length)).toEqual(ticks);
  });
});

describe('is refused', () => {
  const wrong: [what: string, cron: unknown, options: unknown, message: RegExp][] = [
    ['without a pattern', undefined, {}, /^cron: expected a cron pattern such as '0 9 \* \* 1-5', got undefined$/],
    ['with four fields', '* * * *', {}, /^cron: expected .* got "\* \* \* \*": /],
    ['with a minute of 61', '61 * * * *', {}, /^cron: .*61/],
    ['that never comes', '0 0 30 2 *', {}, /whose time never comes$/],
    ['in an unknown zone', '@daily', { timeZone: 'Mars/X' }, /^timeZone: expected .* got "Mars\/X"$/],
    ['in an empty zone', '@daily', { timeZone: '' }, /^timeZone: /],
    ['with an unknown option', '@daily', { tz: 'UTC' }, /unknown option "tz"/],
    ['with an id', '@daily', { id: 'x' }, /unknown option "id"/],
    ['with a delay', '@daily', { delay: 1 }, /unknown option "delay"/],
    ['with a long name', '@daily', { name: 'x'.repeat(71) }, /at most 70 characters/],
    ['with a name that is none', '@daily', { name: '../x' }, /^name: schedule name/],
    [
      'with another way to catch up',
      '@daily',
      { catchUp: 'some' },
      /^catchUp: expected true, false, 'last' or 'all', got "some"$/,
    ],
  ];
  test.each(wrong)('one %s', (_, cron, options, message) => {
    expect(() => checkedSchedule(cron, 'report', null, options)).toThrow(message);
  });
});

describe('which ticks are due', () => {
  const now = at('2026-11-21T09:00:00Z');
  const minutely = (catchUp?: unknown): Schedule => scheduled('* * * * *', { catchUp: catchUp ?? false });

  test('the one that has just come', () => {
    expect(dueTicks(minutely(), now - 60_000, now)).toEqual({ ticks: [now], skips: false });
    expect(dueTicks(minutely(), now, now)).toEqual({ ticks: [], skips: false });
    expect(dueTicks(minutely(), now, now - 3_600_000), 'the clock was set back').toEqual({ ticks: [], skips: false });
  });

  test('of those that are late only the last, unless it catches up with all', () => {
    const hourly = scheduled('0 * * * *');
    const late = now + 600_000;
    expect(dueTicks(hourly, now - 5 * 3_600_000, late)).toEqual({ ticks: [now], skips: true });
    const all = dueTicks(scheduled('0 * * * *', { catchUp: 'all' }), now - 5 * 3_600_000, late);
    expect([all.ticks.length, all.ticks.at(-1), all.skips]).toEqual([5, now, false]);
    expect(dueTicks(minutely(), now - 3_600_000, now)).toEqual({ ticks: [now - 60_000, now], skips: true });
  });

  test('at most the last thousand', () => {
    const { ticks, skips } = dueTicks(minutely('all'), now - 1_000_000 * 60_000, now);
    expect([ticks.length, ticks[0], ticks.at(-1), skips]).toEqual([1_002, now - 1_001 * 60_000, now, true]);
    const some = dueTicks(minutely('all'), now - 300 * 60_000, now);
    expect([some.ticks.length, some.ticks[0], some.skips]).toEqual([300, now - 299 * 60_000, false]);
  });
});
