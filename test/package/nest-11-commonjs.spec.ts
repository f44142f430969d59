import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { stranger, type Stranger } from './stranger.js';

let project: Stranger;

beforeAll(async () => {
  project = await stranger('nest-11-commonjs', inject('tarball'));
  await project.run('tsc');
});

afterAll(() => project.remove());

test('an application in CommonJS on NestJS 11 handles jobs on every backend by require(), and ends by itself', async () => {
  expect(await project.run('node', '--disable-warning=ExperimentalWarning', 'dist/main.js')).toBe(
    'memory: Ada, attempt 2\nfiler: Ada, attempt 2\na URL: Ada, attempt 2\nclosed\n',
  );
});

test('the project’s jest tests pass, and leave nothing open', async () => {
  const output = await project.run('jest', '--detectOpenHandles');
  expect(output).toContain('Tests:       5 passed, 5 total');
  expect(output).not.toContain('open handle');
});

test('the project compiles with the module settings of older templates, and with those that name a Node', async () => {
  await project.run('tsc', '--noEmit', '--module', 'node20', '--moduleResolution', 'node16');
  await project.run('tsc', '--noEmit', '-p', 'tsconfig.commonjs.json');
});

test('every entry point can be imported and required', async () => {
  expect(await project.run('node', 'smoke.mjs')).toContain('nestjs-jobs/filer: import and require work');
});
