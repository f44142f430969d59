import { loadError } from '../../core/optional-package.js';

/** What is used of the optional packages, loaded when a backend is opened. */
export interface Packages {
  readonly bullmq: typeof import('bullmq');
  readonly ioredis: Pick<typeof import('ioredis'), 'Redis'>;
}

/** @throws Error that names the missing package and the command that installs it */
export async function loadPackages(): Promise<Packages> {
  return { bullmq: await load('bullmq', () => import('bullmq')), ioredis: await loadIoredis() };
}

/** @throws as `loadPackages` */
export function loadIoredis(): Promise<Packages['ioredis']> {
  return load('ioredis', () => import('ioredis'));
}

/** @internal For tests, which can't have the packages missing. */
export async function load<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    throw loadError(cause, 'bullmq', name, 'bullmq ioredis');
  }
}
