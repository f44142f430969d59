/**
 * A text of anybody's making on one line of a terminal: what would move the cursor, colour or ring is shown, not done.
 */
export function oneLine(text: string): string {
  return text.replaceAll(CONTROL, escaped);
}

/** The same for several lines. */
export function severalLines(text: string): string {
  return text.split('\n').map(oneLine).join('\n');
}

/** Control characters, and those that turn the direction of a line. */
const CONTROL = /[\p{Cc}\u2028\u2029\u202A-\u202E\u2066-\u2069]/gu;

function escaped(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** At most so many characters; what is cut is told. */
export function cutTo(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, Math.max(most - 1, 0))}…`;
}

/** How long something took or is ago: `850ms`, `12s`, `5m`, `3h`, `2d`. */
export function lengthText(ms: number | undefined): string {
  if (ms === undefined || !Number.isFinite(ms)) return '-';
  const length = Math.max(ms, 0);
  if (length < 1_000) return `${Math.round(length)}ms`;
  const [size, unit] = UNITS.find(([most]) => length >= most) ?? [1_000, 's'];
  return `${Math.floor(length / size)}${unit}`;
}

const UNITS: readonly (readonly [number, string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1_000, 's'],
];
