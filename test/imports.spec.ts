import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { directionFaults, strangerFaults, type Tree } from '../scripts/import-directions.js';

const root = fileURLToPath(new URL('..', import.meta.url));

async function treeOf(folder: string): Promise<Tree> {
  const files = (await readdir(join(root, folder), { recursive: true })).filter((file) => file.endsWith('.ts'));
  return new Map(
    await Promise.all(files.map(async (file) => [file, await readFile(join(root, folder, file), 'utf8')] as const)),
  );
}

async function entryPoints(): Promise<Map<string, string>> {
  const { exports } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { default: string }>;
  };
  return new Map(
    Object.entries(exports).flatMap(([name, target]) =>
      typeof target === 'string'
        ? []
        : [[`nestjs-jobs${name.slice(1)}`, target.default.replace('./dist/', '').replace(/\.js$/, '.ts')] as const],
    ),
  );
}

describe('the sources', () => {
  test('of lib/ import only whom they may', async () => {
    const tree = await treeOf('lib');
    expect(tree.size).toBeGreaterThan(5);
    expect(directionFaults(tree, new Set((await entryPoints()).values()))).toEqual([]);
  });

  test('of the sample application use the package as a stranger would', async () => {
    const built = /^dist\//;
    const tree = new Map([...(await treeOf('sample-app'))].filter(([path]) => !built.test(path)));
    expect([...tree.keys()]).toEqual(expect.arrayContaining(['src/main.ts', 'test/orders.spec.ts']));
    expect(strangerFaults(tree, new Set((await entryPoints()).keys()))).toEqual([]);
  });
});

/** Which files a program loads, once built, and what it printed. */
async function loadedBy(program: string): Promise<{ readonly urls: readonly string[]; readonly printed: string }> {
  const watched = `
    import { Session } from 'node:inspector';
    const session = new Session();
    session.connect();
    const urls = [];
    session.on('Debugger.scriptParsed', ({ params }) => urls.push(params.url));
    session.post('Debugger.enable');
    ${program}
    session.disconnect();
    console.log(JSON.stringify(urls));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', watched], { cwd: root });
  const lines = stdout.trimEnd().split('\n');
  return { urls: JSON.parse(lines.at(-1) ?? '') as string[], printed: lines.slice(0, -1).join('\n') };
}

test('the main entry point, once built, loads no backend', async () => {
  const { urls } = await loadedBy(`await import('nestjs-jobs');`);
  const ours = urls.filter((url) => url.includes('/dist/') && !url.includes('/node_modules/'));
  expect(ours.some((url) => url.endsWith('/dist/index.js'))).toBe(true);
  expect(ours.filter((url) => /\/dist\/(backends|conformance)\//.test(url))).toEqual([]);
});

test('a command, once built, loads no other one, no reader of configurations and nothing that works', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nestjs-jobs-imports-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const { urls, printed } = await loadedBy(`
    const { runCommandLine } = await import('./dist/cli/program.js');
    await runCommandLine(['ls', '--backend', 'filer:${folder}']);`);
  expect(printed).toContain('WAITING');
  expect(urls.filter((url) => /\/dist\/cli\/commands\//.test(url)).map((url) => basename(url))).toEqual(['ls.js']);
  expect(urls.filter((url) => /\/(yaml|bullmq)\/|\/core\/consumer\.js/.test(url))).toEqual([]);
});

test('the help, once built, lists each command, and each is found by that name', async () => {
  const { printed } = await loadedBy(`
    const { runCommandLine } = await import('./dist/cli/program.js');
    await runCommandLine(['--help']);`);
  const names = [...printed.matchAll(/^ {2}([a-z-]+) \[options\]/gm)].map(([, name = '']) => name);
  expect(names).toEqual(expect.arrayContaining(['publish', 'ls', 'run-now', 'cancel', 'pause', 'resume', 'doctor']));
  const { printed: helps } = await loadedBy(`
    const { runCommandLine } = await import('./dist/cli/program.js');
    for (const name of ${JSON.stringify(names)}) await runCommandLine([name, '--help']);`);
  for (const name of names) expect(helps).toContain(`nestjs-jobs ${name} [options]`);
});

describe('the checker finds', () => {
  const house = {
    'index.ts': `export { JobsModule } from './nest/jobs.module.js';`,
    'core/backend.ts': `import { setTimeout } from 'node:timers/promises'; import Queue from 'tinyqueue';`,
    'core/message.ts': `import type { Backend } from './backend.js';`,
    'nest/jobs.module.ts': `import { Module } from '@nestjs/common'; import type { Backend } from '../core/backend.js';`,
    'nest/backend-url.ts': `export const load = () => import('../backends/filer/index.js');`,
    'backends/filer/index.ts': `export { filer } from './filer.js';`,
    'backends/filer/filer.ts': `import type { Backend } from '../../core/backend.js'; import 'node:fs';`,
    'backends/memory/index.ts': `import type { Backend } from '../../core/backend.js';`,
    'conformance/index.ts': `import assert from 'node:assert/strict'; import type { Backend } from '../core/backend.js';`,
  };
  const published = new Set(['index.ts', 'backends/filer/index.ts', 'conformance/index.ts']);
  const faultsWith = (changed: Record<string, string>): string[] =>
    directionFaults(new Map(Object.entries({ ...house, ...changed })), published);

  test('nothing in a sound house', () => {
    expect(faultsWith({})).toEqual([]);
  });

  test.for<[title: string, path: string, text: string, fault: string]>([
    [
      'Nest in the core',
      'core/backend.ts',
      `import { Logger } from '@nestjs/common';`,
      'imports @nestjs/common, which core may not',
    ],
    [
      'Nest in a backend',
      'backends/memory/index.ts',
      `import '@nestjs/core';`,
      'imports @nestjs/core, which backends/memory may not',
    ],
    [
      'a sub-path of Nest',
      'conformance/index.ts',
      `import '@nestjs/core/injector/module.js';`,
      'which conformance may not',
    ],
    [
      'a driver in the core',
      'core/message.ts',
      `import type { Queue } from 'bullmq';`,
      'imports bullmq, which core may not',
    ],
    [
      'a library that is not the backend’s',
      'backends/filer/filer.ts',
      `import ms from 'ms';`,
      'imports ms, which backends/filer may not',
    ],
    ['a built-in module without node:', 'core/message.ts', `import 'fs';`, 'imports fs, which core may not'],
    [
      'one backend’s driver in another',
      'backends/filer/filer.ts',
      `import { Redis } from 'ioredis';`,
      'imports ioredis, which backends/filer may not',
    ],
    [
      'the core reaching up',
      'core/message.ts',
      `import type { X } from '../nest/jobs.module.js';`,
      'imports nest/jobs.module.ts, which core may not',
    ],
    [
      'a type by import()',
      'core/message.ts',
      `let x: import('../nest/jobs.module.js').X;`,
      'imports nest/jobs.module.ts, which core may not',
    ],
    [
      'one backend in another',
      'backends/memory/index.ts',
      `import '../filer/filer.js';`,
      'imports backends/filer/filer.ts, which backends/memory may not',
    ],
    [
      'a backend in the suite',
      'conformance/index.ts',
      `import '../backends/filer/filer.js';`,
      'which conformance may not',
    ],
    [
      'a backend in the main entry point',
      'index.ts',
      `export { filer } from './backends/filer/filer.js';`,
      'imports backends/filer/filer.ts, which index.ts may not',
    ],
    [
      'a backend by any other file of nest/',
      'nest/jobs.module.ts',
      `void import('../backends/filer/index.js');`,
      'which nest may not',
    ],
    [
      'an eager backend in backend-url.ts',
      'nest/backend-url.ts',
      `import '../backends/filer/index.js';`,
      'otherwise than lazily',
    ],
    [
      'an eager type in backend-url.ts',
      'nest/backend-url.ts',
      `import type { F } from '../backends/filer/index.js';`,
      'otherwise than lazily',
    ],
    [
      'a backend’s inside in backend-url.ts',
      'nest/backend-url.ts',
      `void import('../backends/filer/filer.js');`,
      'otherwise than lazily',
    ],
    ['a barrel', 'core/all.ts', `export * from './backend.js';`, 'passes on ./backend.js, but is no entry point'],
    ['an index inside', 'core/index.ts', `export const one = 1;`, 'core/index.ts is an index, but no entry point'],
    [
      'an entry point imported inside',
      'nest/jobs.module.ts',
      `import '../index.js';`,
      'imports index.ts, which nest may not',
    ],
    [
      'a backend’s entry point imported by itself',
      'backends/filer/filer.ts',
      `import './index.js';`,
      'imports the entry point backends/filer/index.ts',
    ],
    [
      'the package by its own name',
      'core/message.ts',
      `import 'nestjs-jobs';`,
      'imports nestjs-jobs, which core may not',
    ],
    [
      'a file that is not there',
      'core/message.ts',
      `import './missing.js';`,
      'imports ./missing.js, which is not there',
    ],
    ['a computed name', 'core/message.ts', `const name = 'x'; void import(name);`, 'imports a computed name'],
    ['require', 'core/message.ts', `require('bullmq');`, 'imports bullmq, which core may not'],
    [
      'a cycle',
      'core/backend.ts',
      `import { x } from './message.js';`,
      'cycle: core/backend.ts → core/message.ts → core/backend.ts',
    ],
    [
      'a cycle of types',
      'core/backend.ts',
      `import type { X } from './message.js';`,
      'cycle: core/backend.ts → core/message.ts → core/backend.ts',
    ],
    [
      'a file that imports itself',
      'core/backend.ts',
      `import './backend.js';`,
      'cycle: core/backend.ts → core/backend.ts',
    ],
    [
      'a room without a rule',
      'garage/car.ts',
      `export const wheels = 4;`,
      'garage/car.ts lies in "garage", for which there is no rule',
    ],
  ])('%s', ([, path, text, fault]) => {
    const faults = faultsWith({ [path]: text });
    expect(faults.filter((each) => each.includes(fault))).toHaveLength(1);
    expect(faults.every((each) => each.startsWith(path) || each.startsWith('cycle'))).toBe(true);
  });

  test.for<[title: string, text: string, fault: string]>([
    [
      'an application that reaches into lib/',
      `import '../../lib/index.js';`,
      'imports ../../lib/index.js from outside',
    ],
    [
      'an application that uses what is not published',
      `import 'nestjs-jobs/dist/core/id.js';`,
      'which is not published',
    ],
  ])('%s', ([, text, fault]) => {
    const faults = strangerFaults(new Map([['main.ts', text]]), new Set(['nestjs-jobs', 'nestjs-jobs/filer']));
    expect(faults).toEqual([expect.stringContaining(fault)]);
  });

  test('nothing in an application that imports what is published, its own files and other packages', () => {
    const main = `import 'nestjs-jobs'; import 'nestjs-jobs/filer'; import './shop.js'; import 'sharp';`;
    const tree = new Map([
      ['main.ts', main],
      ['shop.ts', ''],
    ]);
    expect(strangerFaults(tree, new Set(['nestjs-jobs', 'nestjs-jobs/filer']))).toEqual([]);
  });
});
