import { cutTo, oneLine } from './plain-text.js';

export interface Column {
  readonly title: string;
  /** Numbers stand under each other's ends. */
  readonly right?: boolean;
}

const GAP = '  ';

/** Lines of a table; where a terminal is too narrow, the last column is cut. */
export function table(columns: readonly Column[], rows: readonly (readonly string[])[], width: number): string[] {
  const shown = rows.map((row) => row.map(oneLine));
  const widths = columns.map(({ title }, at) => Math.max(title.length, ...shown.map((row) => row[at]?.length ?? 0)));
  const line = (cells: readonly string[]): string => {
    const padded = columns.map(({ right }, at) => {
      const cell = cells[at] ?? '';
      if (at === columns.length - 1 && !right) return cell;
      return right ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0);
    });
    return cutTo(padded.join(GAP).trimEnd(), width);
  };
  return [line(columns.map(({ title }) => title)), ...shown.map(line)];
}
