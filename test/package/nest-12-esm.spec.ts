import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { stranger, type Stranger } from './stranger.js';

let project: Stranger;

beforeAll(async () => {
  project = await stranger('nest-12-esm', inject('tarball'));
  // Stricter than `nest new`, which skips the declarations of packages.
  await project.run('tsc', '--skipLibCheck', 'false');
});

afterAll(() => project.remove());

test('an application in ESM on NestJS 12 handles jobs on every backend, and ends by itself', async () => {
  expect(await project.run('node', 'dist/main.js')).toBe(
    'memory: Ada, attempt 2\nfiler: Ada, attempt 2\na URL: Ada, attempt 2\nclosed\n',
  );
});

test('the suite certifies a backend under another test runner than ours', async () => {
  const report = await project.run('node', '--test', 'dist/certify.js');
  expect(report).toMatch(/^# pass [1-9]\d+$/m);
  expect(report).toMatch(/^# fail 0$/m);
});

test('every entry point can be imported and required', async () => {
  expect(await project.run('node', 'smoke.mjs')).toContain('nestjs-jobs/filer: import and require work');
});

test('the command line is there, and publishes to and drains a folder', async () => {
  expect(await project.run('nestjs-jobs', '--help')).toContain('Usage: nestjs-jobs [options] [command]');
  expect(await project.run('nestjs-jobs', 'publish', 'greet', '"Ada"', '--id', 'one', '-b', 'filer:cli')).toBe(
    'one greet in queue default\n',
  );
  expect(await project.run('nestjs-jobs', 'drain', '-c', 'jobs.yaml')).toBe('1 completed\n');
});
