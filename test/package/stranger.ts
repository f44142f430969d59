import { execFile } from 'node:child_process';
import { cp, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const LIMIT_MS = 240_000;

/** A project outside of the repository that has installed the tarball, as a user would. */
export interface Stranger {
  /** Runs one of its tools, or node; resolves with what it printed once it has ended by itself. */
  run(command: string, ...args: string[]): Promise<string>;
  remove(): Promise<void>;
}

/** Copies one of projects/ to a temporary folder, and installs it there. */
export async function stranger(name: string, tarball: string): Promise<Stranger> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), `nestjs-jobs-${name}-`)));
  const run = (command: string, ...args: string[]): Promise<string> => {
    const tool = command === 'npm' || command === 'node' ? command : join(folder, 'node_modules/.bin', command);
    return new Promise((resolve, reject) => {
      execFile(tool, args, { cwd: folder, timeout: LIMIT_MS }, (error, stdout, stderr) => {
        if (error) reject(new Error(`${error.message}\n${stdout}`, { cause: error }));
        else resolve(stdout + stderr);
      });
    });
  };
  await cp(fileURLToPath(new URL(`projects/${name}`, import.meta.url)), folder, {
    recursive: true,
    filter: (path) => !['node_modules', 'dist'].includes(basename(path)),
  });
  await cp(tarball, join(folder, 'nestjs-jobs.tgz'));
  await cp(fileURLToPath(new URL('../../scripts/smoke.mjs', import.meta.url)), join(folder, 'smoke.mjs'));
  await run('npm', 'install', '--prefer-offline', '--no-package-lock', '--loglevel=error');
  return { run, remove: () => rm(folder, { recursive: true, force: true }) };
}
