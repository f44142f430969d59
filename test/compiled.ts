import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const OPTIONS: ts.CompilerOptions = {
  module: ts.ModuleKind.ESNext,
  target: ts.ScriptTarget.ES2023,
  experimentalDecorators: true,
  emitDecoratorMetadata: true,
};

/**
 * A folder with the present sources of these folders of the repository, compiled without a look at their types, for
 * processes of plain node. Removed when this process ends.
 */
export function compiled(...sources: readonly string[]): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'nestjs-jobs-compiled-')));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  for (const source of sources) {
    const files = readdirSync(join(ROOT, source), { recursive: true, encoding: 'utf8' });
    for (const file of files.filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))) {
      const target = join(folder, source, file.replace(/\.ts$/, '.js'));
      mkdirSync(dirname(target), { recursive: true });
      const text = readFileSync(join(ROOT, source, file), 'utf8');
      writeFileSync(target, ts.transpileModule(text, { compilerOptions: OPTIONS }).outputText);
    }
  }
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}
