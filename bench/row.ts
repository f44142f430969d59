import type { Spread } from './pairs.js';

/** One line of the table. */
export interface Row {
  readonly what: string;
  /** What was demanded, as one reads it: `≥ 0.6`. */
  readonly bar: string;
  /** What was found, as one reads it. */
  readonly found: string;
  readonly ok: boolean;
  /** Absolute numbers, which tell of the machine as well. */
  readonly info: string;
}

/** A line whose figure is the median of quotients. */
export function ratioRow(what: string, ratio: Spread, bar: { least: number } | { most: number }, info: string): Row {
  const least = 'least' in bar;
  return {
    what,
    bar: least ? `≥ ${bar.least}` : `≤ ${bar.most}`,
    found: `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)})`,
    ok: least ? ratio.median >= bar.least : ratio.median <= bar.most,
    info,
  };
}

/** Jobs a second from milliseconds a job. */
export function perSecond(ms: number): string {
  return `${(1000 / ms).toLocaleString('en', { maximumFractionDigits: 0 })}/s`;
}
