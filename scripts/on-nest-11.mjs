// The same sources on the older NestJS: a copy of the repository with NestJS 11 installed is type-checked, built and tested.
// Arguments go to vitest.
import { cp, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { main, root, run } from './run.mjs';
import { inTemporaryFolder } from './temporary-folder.mjs';

const NEST_11 = {
  '@nestjs/common': '11.2.10',
  '@nestjs/core': '11.2.10',
  '@nestjs/platform-express': '11.2.10',
  '@nestjs/terminus': '11.1.1',
  '@nestjs/testing': '11.2.6',
  // Version 7 imports a file of NestJS 12 by a name that 11 doesn't export.
  'nestjs-cls': '6.3.1',
};
const LEFT_BEHIND = new Set(['node_modules', 'dist', 'var', 'coverage', '.git']);

const args = process.argv.slice(2).map((arg) => JSON.stringify(arg));

await main(() =>
  inTemporaryFolder('nest-11', async (folder) => {
    await cp(root, folder, { recursive: true, filter: (path) => !LEFT_BEHIND.has(basename(path)) });
    const file = join(folder, 'package.json');
    const manifest = /** @type {{ devDependencies: object }} */ (JSON.parse(await readFile(file, 'utf8')));
    await writeFile(
      file,
      JSON.stringify({ ...manifest, devDependencies: { ...manifest.devDependencies, ...NEST_11 } }),
    );

    await run('npm install --prefer-offline --loglevel=error', { cwd: folder });
    await run('tsc --noEmit', { cwd: folder });
    await run('npm run build', { cwd: folder });
    await run('node scripts/smoke.mjs', { cwd: folder });
    await run(['vitest run --project lib --project sample-app', ...args].join(' '), { cwd: folder });
  }),
);
