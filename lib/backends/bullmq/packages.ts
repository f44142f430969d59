/** What is used of the optional packages, loaded when a backend is opened. */
export interface Packages {
  readonly bullmq: typeof import('bullmq');
  readonly ioredis: Pick<typeof import('ioredis'), 'Redis'>;
}

const MISSING = new Set(['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND']);

/** @throws Error that names the missing package and the command that installs it */
export async function loadPackages(): Promise<Packages> {
  return {
    bullmq: await load('bullmq', () => import('bullmq')),
    ioredis: await load('ioredis', () => import('ioredis')),
  };
}

/** @internal For tests, which can't have the packages missing. */
export async function load<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    if (!MISSING.has((cause as { code?: string }).code ?? '')) throw cause;
    throw new Error(
      `bullmq: the package "${name}" is missing, which this backend needs; install it: npm install bullmq ioredis`,
      { cause },
    );
  }
}
