import { createRequire } from 'node:module';
import { loadError } from '../../core/optional-package.js';

/** What is used of the optional packages, loaded when a backend is opened. */
export interface Packages {
  readonly bullmq: typeof import('bullmq');
  readonly ioredis: Pick<typeof import('ioredis'), 'Redis'>;
}

const require = createRequire(import.meta.url);

/** @throws Error that names the missing package and the command that installs it */
export async function loadPackages(): Promise<Packages> {
  return {
    bullmq: await load(
      'bullmq',
      () => require('bullmq') as Packages['bullmq'],
      () => import('bullmq'),
    ),
    ioredis: await loadIoredis(),
  };
}

/** @throws as `loadPackages` */
export function loadIoredis(): Promise<Packages['ioredis']> {
  return load(
    'ioredis',
    () => require('ioredis') as Packages['ioredis'],
    () => import('ioredis'),
  );
}

/**
 * Both are CommonJS, hundreds of files that an import would read twice: to learn the names that they export, too. What
 * can't be required may be there for an import, as in a program made into one file.
 *
 * @internal For tests, which can't have the packages missing.
 */
export async function load<T>(name: string, required: () => T, imported: () => Promise<T>): Promise<T> {
  try {
    return required();
  } catch {
    // The import tells why, if it fails as well.
  }
  try {
    return await imported();
  } catch (cause) {
    throw loadError(cause, 'bullmq', name, 'bullmq ioredis');
  }
}
