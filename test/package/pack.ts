import { execFile } from 'node:child_process';
import { mkdtemp, readdir, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    /** The path of the packed package. */
    tarball: string;
  }
}

/** Packs what was built, once, as `npm publish` would, for all tests of what users get. */
export default async function pack({ provide }: TestProject): Promise<() => Promise<void>> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'nestjs-jobs-pack-')));
  // Without building again: others use what was built at the same time.
  await promisify(execFile)('npm', ['pack', '--ignore-scripts', '--pack-destination', folder]);
  const [name = ''] = await readdir(folder);
  provide('tarball', join(folder, name));
  return () => rm(folder, { recursive: true, force: true });
}
