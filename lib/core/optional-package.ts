const MISSING = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND']);

/**
 * What to throw where loading an optional package has failed: where it is missing, what says so.
 *
 * @param who needs it: `'bullmq'`
 * @param install the packages that a command installs
 */
export function loadError(cause: unknown, who: string, name: string, install: string): unknown {
  if (!MISSING.has((cause as { code?: string } | null)?.code ?? '')) return cause;
  return new Error(`${who}: the package "${name}" is missing, which it needs; install it: npm install ${install}`, {
    cause,
  });
}
