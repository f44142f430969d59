import { spawn } from 'node:child_process';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const root = fileURLToPath(new URL('..', import.meta.url));

/** @typedef {{ cwd?: string, env?: NodeJS.ProcessEnv }} Place */

/**
 * Runs a shell line with the tools of `cwd` in reach, its output passed on, and resolves once it has exited with 0.
 * A signal that ends us ends it first, so that nothing a step started outlives the step.
 *
 * @param {string} line
 * @param {Place} [place]
 * @returns {Promise<void>}
 */
export function run(line, { cwd = root, env = process.env } = {}) {
  console.log(`$ ${line}`);
  return new Promise((resolve, reject) => {
    const child = spawn(line, {
      cwd,
      env: { ...env, PATH: [join(cwd, 'node_modules', '.bin'), env['PATH']].join(delimiter) },
      shell: true,
      stdio: ['ignore', 'inherit', 'inherit'],
      detached: true,
    });
    const pass = (/** @type {NodeJS.Signals} */ signal) => {
      if (child.pid !== undefined) process.kill(-child.pid, signal);
    };
    process.on('SIGINT', pass).on('SIGTERM', pass);
    child.once('error', reject).once('close', (code, signal) => {
      process.off('SIGINT', pass).off('SIGTERM', pass);
      if (code === 0) resolve();
      else reject(new Error(`"${line}" ended with ${signal ?? `exit code ${code}`}`));
    });
  });
}

/**
 * A script's body: what it rejects with is told in one line, for the output above it has said the rest.
 *
 * @param {() => Promise<void>} work
 */
export async function main(work) {
  try {
    await work();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
