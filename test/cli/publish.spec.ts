import { createWriteStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { commandLine } from './command-line.js';

// Each command is a process, and the machine may have others.
vi.setConfig({ testTimeout: 120_000 });

const cli = commandLine();

async function stored(directory: string, queue: string, state = 'incoming'): Promise<Record<string, unknown>[]> {
  const folder = join(cli.folder, directory, queue, state);
  const names = await readdir(folder);
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.map((text) => JSON.parse(text) as Record<string, unknown>);
}

test('a job is published as it is typed, and its id is printed', async () => {
  const backend = ['--backend', 'filer:one'];
  const options = [
    '--priority',
    '7',
    '--id',
    'order-1',
    '--header',
    'tenant=a=b',
    '--attempts',
    '3',
    '--queue',
    'mail',
  ];
  const args = ['publish', 'send_email', '{"to":"ada"}', ...options, ...backend];
  expect(await cli.run(args)).toEqual({ code: 0, stdout: 'order-1 send_email in queue mail\n', stderr: '' });
  expect(await stored('one', 'mail')).toMatchObject([
    {
      id: 'order-1',
      header: { request_type: 'send_email', priority: 7, max_attempts: 3, tenant: 'a=b' },
      body: { to: 'ada' },
    },
  ]);
  const again = await cli.run([...args, '--json']);
  expect(JSON.parse(again.stdout)).toMatchObject({ id: 'order-1', queue: 'mail', duplicate: true });
});

test('a delay is a duration or a moment, and the payload may come from stdin', async () => {
  const env = { JOBS_URL: 'filer:later' };
  await cli.run(['publish', 'a', '-', '--delay', '2126-01-01 10:00'], { env, input: '"from stdin"' });
  await cli.run(['publish', 'a', '--delay', '3650 days'], { env });
  const jobs = await stored('later', 'default', 'delayed');
  const of = (body: unknown): unknown => jobs.find((job) => job['body'] === body)?.['header'];
  expect(of('from stdin')).toMatchObject({ delay: '2126-01-01T10:00:00.000Z' });
  expect(of(null)).toMatchObject({ delay: expect.stringMatching(/^20[34]\d-/) });
});

test.for<[what: string, args: string[], problem: RegExp]>([
  ['no engine', ['publish', 'a'], /^error: no engine: expected --backend/],
  ['an unknown engine', ['publish', 'a', '-b', 'http://x'], /^error: backend: expected a URL that starts with filer:/],
  ['memory', ['publish', 'a', '-b', 'memory:'], /^error: memory: keeps its jobs within one process/],
  ['a payload that is no JSON', ['publish', 'a', '{a', '-b', 'filer:x'], /^error: payload: expected JSON, got "{a"/],
  [
    'a name that is none',
    ['publish', '../a', '-b', 'filer:x'],
    /^error: job "..\/a" not published: job name: expected/,
  ],
  [
    'a priority that is none',
    ['publish', 'a', '--priority', '1e3', '-b', 'filer:x'],
    /^error: --priority: expected a whole/,
  ],
  [
    'a header without a value',
    ['publish', 'a', '--header', 'x', '-b', 'filer:x'],
    /^error: --header: expected key=value/,
  ],
  ['an option that is not there', ['publish', 'a', '--prio', '1'], /^error: unknown option '--prio'/],
  ['a command that is not there', ['pubish'], /^error: unknown command 'pubish'/],
  ['no name', ['publish', '-b', 'filer:x'], /^error: publish: expected the name of a job/],
])('bad usage ends with 2 and one line: %s', async ([, args, problem]) => {
  const { code, stdout, stderr } = await cli.run(args);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(problem);
  expect(stderr).not.toContain('    at ');
});

test('an engine that is not there ends with 3, and its password is shown nowhere', async () => {
  const env = { JOBS_URL: 'redis://jobs:s3cret%21@127.0.0.1:1/0' };
  const { code, stdout, stderr } = await cli.run(['publish', 'a', '--verbose'], { env });
  expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
  expect(stderr).toContain("redis can't be reached");
  expect(stderr).not.toMatch(/s3cret/);
});

test('the jobs of a file are published in its order; a bad line ends it, and it goes on from there', async () => {
  const lines = Array.from({ length: 1_200 }, (_, n) => JSON.stringify({ payload: n, queue: 'bulk' }));
  lines[700] = '{"payload": 1, "prio": 2}';
  await cli.write('jobs.jsonl', `\uFEFF${lines.join('\r\n')}\n\n`);
  const args = ['publish', 'n', '--from', 'jobs.jsonl', '-b', 'filer:bulk'];
  const first = await cli.run(args);
  expect(first).toMatchObject({ code: 1, stdout: '700 published, 0 duplicates, 1 bad lines\n' });
  expect(first.stderr).toContain('line 701: job: expected of name, payload, queue');
  expect(first.stderr).toContain('to go on: nestjs-jobs publish --from jobs.jsonl --from-line 701\n');
  const second = await cli.run([...args, '--from-line', '701', '--skip-bad', '--json']);
  expect(second.code).toBe(1);
  expect(JSON.parse(second.stdout)).toEqual({ published: 499, duplicates: 0, bad: 1, maybeStored: false });
  const bodies = (await stored('bulk', 'bulk')).map((job) => job['body'] as number);
  expect(bodies.toSorted((a, b) => a - b)).toEqual([...lines.keys()].filter((n) => n !== 700));
});

test('a line that the engine would not take is told by its number, and the others are stored', async () => {
  await cli.write(
    'mixed.jsonl',
    '{"name":"a"}\n{"name":"not a name"}\nno json\n{"name":"b","delay":"soon"}\n{"name":"c"}\n',
  );
  const ended = await cli.run(['publish', '--from', 'mixed.jsonl', '--skip-bad', '-b', 'filer:mixed']);
  expect(ended).toMatchObject({ code: 1, stdout: '2 published, 0 duplicates, 3 bad lines\n' });
  const told = ended.stderr.split('\n').filter((line) => line.startsWith('line '));
  expect(told.map((line) => line.slice(0, 6)).toSorted()).toEqual(['line 2', 'line 3', 'line 4']);
  const names = (await stored('mixed', 'default')).map(
    (job) => (job['header'] as { request_type: string }).request_type,
  );
  expect(names.toSorted()).toEqual(['a', 'c']);
});

test('a line of 300 MB is refused by its number, and the next is published', { timeout: 60_000 }, async () => {
  const file = createWriteStream(join(cli.folder, 'huge.jsonl'));
  const megabyte = 'x'.repeat(1_048_576);
  for (let n = 0; n < 300; n++) if (!file.write(megabyte)) await once(file, 'drain');
  file.end('\n{"name":"after"}\n');
  await once(file, 'close');
  const ended = await cli.run(['publish', '--from', 'huge.jsonl', '--skip-bad', '-b', 'filer:huge']);
  expect(ended).toMatchObject({ code: 1, stdout: '1 published, 0 duplicates, 1 bad lines\n' });
  expect(ended.stderr).toContain('line 1: expected at most 67108864 bytes, got 314572800');
});
