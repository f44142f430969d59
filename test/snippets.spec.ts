import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { compile, layOut, runFile } from '../scripts/snippet-programs.js';
import { snippetsOf } from '../scripts/snippets.js';

describe('a text', () => {
  const block = (language: string, text: string): string => `\`\`\`${language}\n${text}\n\`\`\`\n`;

  test('becomes programs, each file made of its blocks and of what readers do not see', () => {
    const { files, runs, excused, faults } = snippetsOf(
      [
        '# Quick start',
        '<!-- snippet: quick/main.ts\nimport assert from "node:assert";\n\n// hidden\n-->',
        block('ts', 'const one: number = 1;'),
        'Then, in a list:',
        `1. do it\n\n   <!-- snippet: quick/main.ts run -->\n\n   \`\`\`ts\n   if (one)\n     assert(one);\n   \`\`\``,
        '<!-- snippet: quick/see.sh run -->',
        block('sh', 'ls main.ts'),
        '<!-- not run: it installs -->',
        block('sh', 'npm install'),
        '<!-- snippet: quick/main.ts\nassert(true);\n-->',
        block('json', '{}').replace('```json', 'Prose in between.\n\n```json'),
        '<!-- an ordinary comment -->',
      ].join('\n\n'),
    );
    expect(faults).toEqual([]);
    expect(files.get('quick/main.ts')).toBe(
      'import assert from "node:assert";\n\n// hidden\nconst one: number = 1;\nif (one)\n  assert(one);\nassert(true);\n',
    );
    expect(files.get('quick/see.sh')).toBe('ls main.ts\n');
    expect(runs).toEqual(['quick/main.ts', 'quick/see.sh']);
    expect(excused).toEqual(['line 34, "```sh": it installs']);
  });

  test.for<[title: string, markdown: string, fault: string]>([
    ['a block of code without a marker', block('ts', 'one'), 'has no "<!-- snippet: <folder>/<file> -->" above it'],
    ['a block in a list', `- x\n\n  ${block('typescript', 'one').replaceAll('\n', '\n  ')}`, 'has no "<!-- snippet'],
    ['a block in a quotation', '> ```js\n> one\n> ```', 'has no "<!-- snippet'],
    ['a block with words after its language', block('ts title=x', 'one'), 'has no "<!-- snippet'],
    ['a shell block without a marker', block('sh', 'ls'), 'has no "<!-- snippet'],
    [
      'a marker with prose between it and the block',
      `<!-- snippet: a/b.ts -->\n\nProse.\n\n${block('ts', 'one')}`,
      'has no',
    ],
    ['a marker above no block', 'Prose.\n\n<!-- snippet: a/b.ts -->', 'stands above no block'],
    ['an excuse for TypeScript', `<!-- not run: lazy -->\n${block('ts', 'one')}`, "can't be excused"],
    ['an excuse without a reason', `<!-- not run: -->\n${block('sh', 'ls')}`, 'gives no reason'],
    ['a file without a folder', `<!-- snippet: b.ts -->\n${block('ts', 'one')}`, 'names no <folder>/<file>'],
    ['a file outside', `<!-- snippet: ../b.ts -->\n${block('ts', 'one')}`, 'names no <folder>/<file>'],
    ['an unknown word', `<!-- snippet: a/b.ts walk -->\n${block('ts', 'one')}`, 'says other than "run"'],
    ['a run of what can’t be run', `<!-- snippet: a/b.json run -->\n${block('json', '{}')}`, 'neither ts, js nor sh'],
    ['a marker with a slip of the pen', `<!-- snippet a/b.ts -->\n${block('ts', 'one')}`, 'is no marker'],
  ])('is refused for %s', ([, markdown, fault]) => {
    expect(snippetsOf(markdown).faults.join('\n')).toContain(fault);
  });
});

describe('programs', () => {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const folders: string[] = [];

  afterAll(async () => {
    for (const folder of folders) await rm(folder, { recursive: true, force: true });
  });

  const laidOut = async (files: Record<string, string>): Promise<string> => {
    const folder = await realpath(await mkdtemp(join(tmpdir(), 'nestjs-jobs-snippets-')));
    folders.push(folder);
    await layOut({ files: new Map(Object.entries(files)), runs: [], excused: [], faults: [] }, folder, root);
    return folder;
  };

  test('compile and run, Nest included', { timeout: 60_000 }, async () => {
    const folder = await laidOut({
      'shop/counter.ts': `import { Injectable } from '@nestjs/common';
        @Injectable() export class Ones { readonly one: number = 1; }
        @Injectable() export class Counter { constructor(readonly ones: Ones) {} }`,
      'shop/main.ts': `import 'reflect-metadata';
        import { writeFileSync } from 'node:fs';
        import { Counter, Ones } from './counter.js';
        const [given] = Reflect.getMetadata('design:paramtypes', Counter) as unknown[];
        if (given !== Ones) throw new Error('no metadata');
        writeFileSync('seen', 'yes');`,
      'shop/see.sh': 'grep yes seen',
    });
    await compile(folder);
    await runFile(folder, 'shop/main.ts');
    await runFile(folder, 'shop/see.sh');
  });

  test('that do not compile are reported with their file', { timeout: 60_000 }, async () => {
    const folder = await laidOut({ 'shop/main.ts': `const one: string = 1;\nexport const other = (x) => x;` });
    await expect(compile(folder)).rejects.toThrow(/shop\/main\.ts\(1,7\).*\n.*shop\/main\.ts\(2,23\)/);
  });

  test('that fail are reported with what they said', async () => {
    const folder = await laidOut({ 'a/main.js': `throw new Error('broken heart');`, 'a/main.sh': 'false\ntrue' });
    await expect(runFile(folder, 'a/main.js')).rejects.toThrow('broken heart');
    await expect(runFile(folder, 'a/main.sh')).rejects.toThrow('ended with 1');
  });
});
