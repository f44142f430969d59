import { spawn } from 'node:child_process';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Snippets } from './snippets.js';

/** As `nest new` gives them, and no laxer. */
const COMPILER_OPTIONS = {
  module: 'nodenext',
  target: 'ES2023',
  lib: ['ES2023'],
  types: ['node'],
  strict: true,
  isolatedModules: true,
  moduleDetection: 'force',
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
  skipLibCheck: true,
  noEmitOnError: true,
};

const LIMIT_MS = 90_000;

/** Lays the files out in a folder in which `nestjs-jobs` is the built package, and its neighbours are those of the repository. */
export async function layOut(snippets: Snippets, folder: string, root: string): Promise<void> {
  const packages = join(folder, 'node_modules');
  await mkdir(packages);
  const neighbours = await readdir(join(root, 'node_modules'));
  await Promise.all(neighbours.map((name) => symlink(join(root, 'node_modules', name), join(packages, name))));
  await symlink(root, join(packages, 'nestjs-jobs'));

  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: COMPILER_OPTIONS }));
  for (const [file, text] of snippets.files) {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
  }
}

/** Compiles all programs in place; rejects with the compiler's messages. */
export async function compile(folder: string): Promise<void> {
  await execute(process.execPath, [join(folder, 'node_modules/typescript/bin/tsc'), '-p', '.'], folder);
}

/** Executes one file in its own folder, as a reader would; rejects with its output unless it ends by itself, with 0. */
export async function runFile(folder: string, file: string): Promise<void> {
  const [command, args] = file.endsWith('.sh')
    ? ['bash', ['-euo', 'pipefail']]
    : [process.execPath, ['--enable-source-maps']];
  await execute(command, [...args, join(folder, file.replace(/\.ts$/, '.js'))], dirname(join(folder, file)));
}

function execute(command: string, args: readonly string[], cwd: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const output: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => output.push(chunk));
    let late = false;
    // The whole group, for a shell's background jobs hold its output open.
    const kill = (): void => {
      late = true;
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    };
    const timer = setTimeout(kill, LIMIT_MS);
    child.once('error', reject).once('close', (code, signal) => {
      clearTimeout(timer);
      const end = late ? `did not end within ${LIMIT_MS} ms` : `ended with ${signal ?? code}`;
      if (code === 0 && !late) resolve();
      else reject(new Error(`${args.at(-1)} ${end}:\n${Buffer.concat(output).toString()}`));
    });
  });
}
