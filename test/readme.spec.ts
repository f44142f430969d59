import { mkdtemp, readFile, readdir, realpath, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compile, layOut, runFile } from '../scripts/snippet-programs.js';
import { snippetsOf } from '../scripts/snippets.js';

const root = fileURLToPath(new URL('..', import.meta.url));

describe('README.md', async () => {
  const snippets = snippetsOf(await readFile(join(root, 'README.md'), 'utf8'));
  let folder = '';

  beforeAll(async () => {
    await expectFreshBuild();
    folder = await realpath(await mkdtemp(join(tmpdir(), 'nestjs-jobs-readme-')));
    await layOut(snippets, folder, root);
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('has a marker for every block of code', () => {
    expect(snippets.faults).toEqual([]);
    expect(snippets.files.size).toBeGreaterThan(0);
  });

  test('compiles', { timeout: 60_000 }, () => compile(folder));

  test.for(snippets.runs)('%s runs', { timeout: 120_000 }, (file) => runFile(folder, file));

  test.for(snippets.excused)('%s', (_, { skip }) => skip());
});

/** What is compiled and run is the built package, which must be that of the present sources. */
async function expectFreshBuild(): Promise<void> {
  const { mtimeMs: built } = await stat(join(root, 'dist/index.js'));
  for (const file of await readdir(join(root, 'lib'), { recursive: true })) {
    const { mtimeMs } = await stat(join(root, 'lib', file));
    if (mtimeMs > built) throw new Error(`lib/${file} is newer than dist/: run "npm run build" first`);
  }
}
