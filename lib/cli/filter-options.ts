import type { Command } from 'commander';
import type { JobFilter } from '../operating/job-filter.js';
import { momentOf } from './operated.js';

/** Which jobs are meant. */
export interface FilterOptions {
  readonly name?: string;
  readonly text?: string;
  readonly since?: string;
  readonly until?: string;
}

export function withFilter(command: Command): Command {
  return command
    .option('--name <name>', 'of this name')
    .option('--text <text>', 'with this text in the payload, the reason or an error')
    .option('--since <time>', 'not before: 2h ago, or a moment such as 2026-11-21T09:00Z')
    .option('--until <time>', 'not after, likewise');
}

export function filterOf({ name, text, since, until }: FilterOptions): JobFilter {
  return {
    ...(name === undefined ? {} : { name }),
    ...(text === undefined ? {} : { text }),
    ...given('since', since),
    ...given('until', until),
  };
}

/** Whether any is given. */
export function isFiltered(options: FilterOptions): boolean {
  return Object.keys(filterOf(options)).length > 0;
}

function given(key: 'since' | 'until', text: string | undefined): JobFilter {
  const at = momentOf(text);
  return at === undefined ? {} : { [key]: at };
}
