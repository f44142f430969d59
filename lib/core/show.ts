import { inspect } from 'node:util';

const LONGEST = 120;

/** How a value of anybody's making is shown in a message: on one line, short, and never throwing. */
export function show(value: unknown): string {
  try {
    const text =
      typeof value === 'string'
        ? JSON.stringify(value.slice(0, LONGEST + 1))
        : inspect(value, { depth: 1, breakLength: Infinity });
    const line = text.replaceAll('\n', ' ');
    return line.length > LONGEST ? `${line.slice(0, LONGEST - 3)}…` : line;
  } catch {
    return `a ${typeof value} that cannot be shown`;
  }
}
