import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { COMPILED_FOLDER } from './compiled-folder.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = ['lib', 'bench', 'test'];
const OPTIONS: ts.CompilerOptions = {
  module: ts.ModuleKind.ESNext,
  target: ts.ScriptTarget.ES2023,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
};
/** How long another process may take to compile, and how often it is looked at, in milliseconds. */
const PATIENCE_MS = 240_000;
const LOOK_MS = 50;

/**
 * A folder with the present sources of `lib`, `bench` and `test`, compiled without a look at their types, for processes of
 * plain node. Made once in a run of the tests, by the first that asks; to be asked for outside of tests, for it takes seconds.
 */
export function compiled(): string {
  const folder = process.env[COMPILED_FOLDER];
  if (!folder) throw new Error(`expected ${COMPILED_FOLDER} to name a folder, as compiled-folder.ts does`);
  const done = join(folder, 'package.json');
  if (isFirst(folder)) {
    for (const source of SOURCES) compile(folder, source);
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    // Workers of other users read it too.
    chmodSync(folder, 0o755);
    writeFileSync(done, '{ "name": "nestjs-jobs", "type": "module", "version": "0.0.0-test" }');
  }
  const giveUpAt = performance.now() + PATIENCE_MS;
  while (!existsSync(done)) {
    if (performance.now() > giveUpAt) throw new Error(`${folder} was not compiled by the process that began it`);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, LOOK_MS);
  }
  return folder;
}

function isFirst(folder: string): boolean {
  try {
    mkdirSync(join(folder, 'begun'));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function compile(folder: string, source: string): void {
  const files = readdirSync(join(ROOT, source), { recursive: true, encoding: 'utf8' });
  for (const file of files.filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))) {
    const target = join(folder, source, file.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    const text = readFileSync(join(ROOT, source, file), 'utf8');
    writeFileSync(target, ts.transpileModule(text, { compilerOptions: OPTIONS }).outputText);
  }
}
