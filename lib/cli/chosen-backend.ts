import { existsSync } from 'node:fs';
import { UsageError } from './exit-codes.js';
import type { ConfigOutline } from './worker/work-config.js';

/** Where a configuration is looked for that nobody has named. */
export const USUAL_CONFIG = 'jobs.yaml';

interface Choice {
  readonly backend?: string;
  readonly config?: string;
}

/** The URL of the engine that is meant: the option's, else that of JOBS_URL, else the configuration's. @throws UsageError */
export async function chosenBackend(choice: Choice): Promise<string> {
  const named = namedBackend(choice);
  if (named) return named;
  const outline =
    choice.config === undefined && !existsSync(USUAL_CONFIG)
      ? undefined
      : await readOutline(choice.config ?? USUAL_CONFIG);
  return outline?.backend ?? refuse();
}

/** Its reader is loaded where there is something to read. */
async function readOutline(file: string): Promise<ConfigOutline> {
  return (await import('./worker/work-config.js')).readOutline(file);
}

/** The same for one who has read the configuration. @throws UsageError */
export function chosenBackendOf(choice: Choice, { backend }: Pick<ConfigOutline, 'backend'>): string {
  return namedBackend(choice) ?? backend ?? refuse();
}

function namedBackend({ backend }: Choice): string | undefined {
  return backend || process.env['JOBS_URL'] || undefined;
}

function refuse(): never {
  throw new UsageError('no engine: expected --backend <url>, the variable JOBS_URL, or backend in the configuration');
}
