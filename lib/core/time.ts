const ISO =
  /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,9}))?)?(?: ?(Z|[+-]\d\d(?::?\d\d)?))?)?$/i;

/** The first and the last moment that a message can name: its times have four-digit years. */
const FIRST_MOMENT = Date.parse('0000-01-01T00:00:00.000Z');
export const LAST_MOMENT = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/**
 * A time of a message in milliseconds since 1970: ISO 8601, where a space may stand for the `T`, a time without a
 * zone is UTC, and what is finer than a millisecond is cut. Undefined where it is no such time.
 */
export function parseTime(text: unknown): number | undefined {
  if (typeof text !== 'string') return undefined;
  if (text !== lastText) {
    lastTime = parse(text);
    lastText = text;
  }
  return lastTime;
}

/** The last one is kept, for what was published together has the same time. */
let lastText = '';
let lastTime: number | undefined;

function parse(text: string): number | undefined {
  const found = ISO.exec(text);
  if (!found) return undefined;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '', zone = 'Z'] = found;
  const ms = Number(fraction.padEnd(3, '0').slice(0, 3));
  const date = new Date(0);
  // Not by Date.UTC, which takes the years 0 to 99 for 1900 to 1999.
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  if (date.getUTCMonth() !== Number(month) - 1 || date.getUTCDate() !== Number(day)) return undefined;
  const minutes = minutesOf(hour, minute);
  const zoneMinutes =
    zone.toUpperCase() === 'Z' ? 0 : minutesOf(zone.slice(1, 3), zone.slice(3).replace(':', '') || '0');
  if (minutes === undefined || zoneMinutes === undefined || Number(second) >= 60) return undefined;
  const utcMinutes = zone.startsWith('-') ? minutes + zoneMinutes : minutes - zoneMinutes;
  const time = date.getTime() + utcMinutes * 60_000 + Number(second) * 1000 + ms;
  return time >= FIRST_MOMENT && time <= LAST_MOMENT ? time : undefined;
}

function minutesOf(hours: string, minutes: string): number | undefined {
  return Number(hours) < 24 && Number(minutes) < 60 ? Number(hours) * 60 + Number(minutes) : undefined;
}
