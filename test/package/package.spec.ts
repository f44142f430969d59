import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, inject, test } from 'vitest';

const run = promisify(execFile);
const tarball = inject('tarball');

test('the tarball holds what was built, its papers, and nothing else', async () => {
  const { stdout } = await run('tar', ['-tzf', tarball]);
  const files = stdout
    .trim()
    .split('\n')
    .map((file) => file.replace('package/', ''));
  expect(files).toEqual(
    expect.arrayContaining(['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json', 'dist/index.js']),
  );
  expect(files.filter((file) => !/^dist\/.*\.(js|js\.map|d\.ts)$/.test(file)).toSorted()).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'package.json',
  ]);
  expect(files.filter((file) => /[.-]spec\.|bench|sample/.test(file))).toEqual([]);
});

test('publint has nothing to say', async () => {
  await run('publint', ['run', tarball, '--strict']);
});

test('the types are right for every kind of importer', async () => {
  // That require() meets ESM is meant: every Node that package.json admits can do it.
  await run('attw', [tarball, '--ignore-rules', 'cjs-resolves-to-esm', '--no-emoji', '--no-color']);
});
