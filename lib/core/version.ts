import { readFileSync } from 'node:fs';

/** The version of this package; `'unknown'` where it was bundled into something else. */
export const VERSION = version();

function version(): string {
  try {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    const { name, version: own } = JSON.parse(text) as { name?: unknown; version?: unknown };
    return name === 'nestjs-jobs' && typeof own === 'string' ? own : 'unknown';
  } catch {
    return 'unknown';
  }
}
