import { afterEach, describe, expect, test } from 'vitest';
import { LAST_MOMENT, parseTime } from '../../lib/core/time.js';

const NINE = Date.parse('2026-11-21T09:00:00.000Z');
const zone = process.env['TZ'];

afterEach(() => {
  if (zone === undefined) delete process.env['TZ'];
  else process.env['TZ'] = zone;
});

const READABLE: readonly (readonly [string, number])[] = [
  ['2026-11-21T09:00:00.000Z', NINE],
  ['2026-11-21T09:00:00Z', NINE],
  ['2026-11-21t09:00:00z', NINE],
  ['2026-11-21 09:00:00', NINE],
  ['2026-11-21T09:00:00', NINE],
  ['2026-11-21T09:00', NINE],
  ['2026-11-21', NINE - 9 * 3_600_000],
  ['2026-11-21T09:00:00.5Z', NINE + 500],
  ['2026-11-21T09:00:00,25Z', NINE + 250],
  ['2026-11-21T09:00:00.123999', NINE + 123],
  ['2026-11-21 09:00:00.123456+00:00', NINE + 123],
  ['2026-11-21T09:00:00.123456789Z', NINE + 123],
  ['2026-11-21T10:00:00+01:00', NINE],
  ['2026-11-21T10:00:00+0100', NINE],
  ['2026-11-21T10:00:00+01', NINE],
  ['2026-11-21T10:00:00 +01:00', NINE],
  ['2026-11-21T03:30:00-05:30', NINE],
  ['2026-11-20T23:00:00-10:00', NINE],
  ['2024-02-29T00:00:00Z', Date.parse('2024-02-29T00:00:00Z')],
  ['0050-01-01T00:00:00Z', Date.parse('0050-01-01T00:00:00Z')],
  ['0000-01-01T00:00:00Z', Date.parse('0000-01-01T00:00:00Z')],
  ['9999-12-31T23:59:59.999Z', LAST_MOMENT],
];

describe.each(['UTC', 'America/New_York', 'Asia/Kolkata'])('on a host whose zone is %s', (hostZone) => {
  test.each(READABLE)('%s is read', (text, ms) => {
    process.env['TZ'] = hostZone;
    if (hostZone === 'America/New_York') expect(new Date(NINE).getTimezoneOffset()).toBe(300);
    expect(parseTime(text)).toBe(ms);
  });
});

test('each millisecond of a day is read as it was written', () => {
  for (let ms = NINE; ms < NINE + 86_400_000; ms += 7_919) expect(parseTime(new Date(ms).toISOString())).toBe(ms);
});

test.each([
  [undefined],
  [null],
  [NINE],
  [new Date(NINE)],
  [['2026-11-21']],
  [''],
  ['soon'],
  ['2026'],
  ['2026-11'],
  ['20261121T090000Z'],
  ['2026-W47-6'],
  ['2026-13-01'],
  ['2026-00-01'],
  ['2026-02-30'],
  ['2026-11-31T00:00:00Z'],
  ['2023-02-29'],
  ['2026-11-00'],
  ['2026-11-21T24:00:00Z'],
  ['2026-11-21T09:60:00Z'],
  ['2026-11-21T09:00:60Z'],
  ['2026-11-21T9:00:00Z'],
  ['2026-11-21T09:00:00.Z'],
  ['2026-11-21T09:00:00+99:00'],
  ['2026-11-21T09:00:00+01:60'],
  ['2026-11-21T09:00:00 CET'],
  ['2026-11-21T09:00:00Z '],
  ['2026-11-21T09:00:00Z\n'],
  [' 2026-11-21T09:00:00Z'],
  ['2026-11-21  09:00:00Z'],
  ['+002026-11-21T09:00:00Z'],
  ['-000001-01-01T00:00:00Z'],
  ['0000-01-01T00:00:00+01:00'],
  ['9999-12-31T23:59:59-01:00'],
  ['٢٠٢٦-11-21T09:00:00Z'],
])('%j is no time', (text) => {
  expect(parseTime(text)).toBeUndefined();
});
