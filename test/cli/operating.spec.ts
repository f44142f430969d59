import { randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { engineUrls } from './engine-urls.js';
import { commandLine, type CommandLine, type RunOptions } from './command-line.js';

// Each command is a process, and the machine may have others.
vi.setConfig({ testTimeout: 120_000 });

const cli = commandLine();
const urls = engineUrls();

/** Fails with what the payload says; `wait` waits for the file `go`. */
const CONFIG = `
defaults: { attempts: 1 }
handlers:
  send: { module: ./send.mjs }
  wait: { module: ./wait.mjs }
queues:
  mail: { handlers: [send, wait], concurrency: 2 }
`;

/** Everything that a person does with an engine, as it is typed; a folder and an engine of its own. */
async function shell(name: keyof typeof urls): Promise<{
  type(line: string, options?: RunOptions): ReturnType<CommandLine['run']>;
  json(line: string): Promise<Record<string, unknown>>;
  readonly folder: string;
  readonly env: Record<string, string>;
}> {
  const folder = randomUUID();
  await cli.write(`${folder}/jobs.yaml`, CONFIG);
  await cli.write(
    `${folder}/send.mjs`,
    'export const send = (payload) => { if (payload.fails) throw new Error(`no mailbox ${payload.to}`); };',
  );
  await cli.write(
    `${folder}/wait.mjs`,
    `export const wait = (_, job) => new Promise((_, reject) => job.signal.addEventListener('abort', () => reject(job.signal.reason)));`,
  );
  const env = { JOBS_URL: await urls[name]() };
  const type = (line: string, options: RunOptions = {}): ReturnType<CommandLine['run']> =>
    cli.run(words(line), { ...options, env: { ...env, ...options.env } });
  const json = async (line: string): Promise<Record<string, unknown>> => {
    const { stdout, stderr } = await type(`${line} --json`);
    expect(stderr).toBe('');
    return JSON.parse(stdout) as Record<string, unknown>;
  };
  return { type, json, folder, env };
}

/** A line in words; what is quoted is one. */
function words(line: string): string[] {
  return (line.match(/'[^']*'|\S+/g) ?? []).map((word) => word.replace(/^'(.*)'$/, '$1'));
}

for (const name of ['filer', 'bullmq'] as const) {
  test(`jobs are seen, retried and removed, on ${name}`, { timeout: 120_000 }, async () => {
    const { type, json, folder } = await shell(name);
    const jobs = ['a', 'b', 'c'].map((id, n) => ({
      name: 'send',
      id,
      queue: 'mail',
      payload: { to: n, fails: n > 0 },
    }));
    await type('publish --from -', { input: jobs.map((job) => JSON.stringify(job)).join('\n') });
    await type(`publish send '{"to":"later","fails":true}' --id later --delay 1h -q mail`);

    const before = (await json('ls')) as { queues: { name: string; counts: Record<string, number> }[] };
    expect(before.queues).toMatchObject([{ name: 'mail', counts: { waiting: 3, delayed: 1, failed: 0, active: 0 } }]);
    const waiting = (await json('ls mail --state waiting')) as { jobs: { id: string }[] };
    expect(waiting.jobs.map(({ id }) => id)).toEqual(['a', 'b', 'c']);

    expect(await type(`drain -c ${folder}/jobs.yaml`)).toMatchObject({ code: 1, stdout: '1 completed, 2 failed\n' });
    const listed = await type('ls mail');
    expect(listed.code).toBe(0);
    expect(listed.stdout).toMatch(/^ID +NAME +QUEUE +STATE +PRIORITY +ATTEMPTS +AGE +PAYLOAD OR REASON\n/);
    expect(listed.stdout).toMatch(/\nlater +send +mail +delayed +1024 +0 +in \d+m /);
    expect(listed.stdout).toMatch(
      /\nb +send +mail +failed +1024 +1 +\S+ +its only attempt has failed: Error: no mailbox 1\n/,
    );
    const few = (await json('ls --state failed --text mailbox --limit 1')) as { jobs: unknown[]; more: boolean };
    expect(few).toMatchObject({ jobs: [{ name: 'send', state: 'failed' }], more: true });

    const shown = await type('show b');
    expect(shown.stdout).toMatch(/attempt 1 failed at .*\n +Error: no mailbox 1\n +at /);
    expect(await json('show b --queue mail')).toMatchObject({ jobs: [{ id: 'b', failures: [{ attempt: 1 }] }] });
    expect(await type('show nobody')).toEqual({ code: 1, stdout: '', stderr: 'there is no job with id "nobody"\n' });

    expect(await json('failures')).toMatchObject({ groups: [{ name: 'send', error: 'Error', count: 2 }], scanned: 2 });
    expect((await type('failures')).stdout).toMatch(/^ *COUNT .*\n +2 +send +mail .*no mailbox/);

    expect(await type('retry --all --name send --dry-run')).toMatchObject({
      code: 0,
      stdout: '2 failed of queue mail\n2 in all; nothing was done\n',
    });
    expect(await type('retry b')).toMatchObject({ code: 0, stdout: 'b in queue mail: retried\n' });
    expect(await type('retry --all')).toMatchObject({ code: 0, stdout: '1 of 1 done\n' });
    expect(await json('retry --all')).toMatchObject({ total: 0, done: 0, changed: 0 });
    const again = await type('retry nobody a', {});
    expect(again.code).toBe(1);
    expect(again.stderr).toContain('there is no job with id "nobody"');

    expect(await type('run-now later')).toMatchObject({ code: 0, stdout: 'later in queue mail: due now\n' });
    expect(await type(`drain -c ${folder}/jobs.yaml`)).toMatchObject({ stdout: '3 failed\n' });
    const unsure = await type('rm --all');
    expect(unsure).toMatchObject({ code: 2, stdout: '' });
    expect(unsure.stderr).toContain('Remove all failed jobs of all queues? Say --yes');
    expect(await type('rm b')).toMatchObject({ code: 0, stdout: 'b in queue mail: removed\n' });
    expect(await type('rm --all --text later --yes')).toMatchObject({ code: 0, stdout: '1 of 1 done\n' });
    expect(await json('ls --state failed')).toMatchObject({ jobs: [{ id: 'c' }] });
  });

  test(`queues are paused, running jobs cancelled, and workers told, on ${name}`, { timeout: 120_000 }, async () => {
    const { type, json, folder, env } = await shell(name);
    await type('publish wait --id w1 -q mail');
    expect(await type('pause mail')).toMatchObject({ code: 0, stdout: 'queue mail: paused\n' });
    expect(await type('pause mail')).toMatchObject({ code: 0, stdout: 'queue mail: was paused already\n' });
    const drained = await type(`drain -c ${folder}/jobs.yaml`);
    expect(drained).toMatchObject({
      code: 0,
      stdout: 'nothing was due\n',
      stderr: 'queue mail is paused: its jobs were left\n',
    });

    const work = cli.start(['work', '-c', `${folder}/jobs.yaml`], { env });
    await work.printed('reading mail');
    expect(await json('resume mail')).toEqual({ queues: [{ queue: 'mail', changed: true }] });
    const active = async (): Promise<unknown> => ((await json('ls --state active')) as { jobs: unknown[] }).jobs;
    await expect.poll(active, { timeout: 30_000 }).toMatchObject([{ id: 'w1' }]);
    expect(await json('workers')).toMatchObject({ workers: [{ pid: work.child.pid, queues: ['mail'], stale: false }] });
    expect((await type('workers')).stdout).toContain(`:${work.child.pid} `);
    expect(await type('cancel w1')).toMatchObject({ code: 0, stdout: 'w1 in queue mail: cancelled\n' });
    await work.printed('cancelled by an operator');
    expect(await json('ls --state failed')).toMatchObject({ jobs: [{ id: 'w1' }] });
    work.child.kill('SIGTERM');
    expect(await work.ended).toMatchObject({ code: 0 });
    expect(await json('workers')).toEqual({ workers: [] });
  });
}

test('beanstalkd shows what it can, and says why where it can not', async () => {
  const { type, json } = await shell('beanstalkd');
  await type(`publish send '{"to":1}' -q mail`);
  await type(`publish send '{"to":2}' -q mail`);
  await type(`publish send '{"to":3}' -q mail --delay 1h`);
  expect(await json('ls')).toMatchObject({ queues: [{ name: 'mail', counts: { waiting: 2, delayed: 1 } }] });
  const head = await type('ls mail --state waiting --json');
  expect(JSON.parse(head.stdout)).toMatchObject({ jobs: [{ payload: { to: 1 } }] });
  const unable = await type('ls mail --state active');
  expect(unable).toMatchObject({ code: 4, stdout: '' });
  expect(unable.stderr).toMatch(/^error: beanstalkd can't list active jobs: \S.*\n$/);
  expect(await type('pause mail')).toMatchObject({ code: 0, stdout: 'queue mail: paused\n' });
  expect(await json('ls')).toMatchObject({ queues: [{ name: 'mail', paused: true }] });
});

test('watch prints a block each time something has changed where it is no terminal, and ends by Ctrl-C', async () => {
  const { type, env } = await shell('filer');
  await type('publish send 1 -q mail');
  const watch = cli.start(['watch', '--interval', '100'], { env });
  await watch.printed(/mail +1 /);
  await type('publish send 2 -q mail');
  await watch.printed(/mail +2 /);
  watch.child.kill('SIGINT');
  const { code, stdout } = await watch.ended;
  expect(code).toBe(0);
  expect(stdout).not.toContain('\u001B');
  expect(stdout.match(/^QUEUE/gm)).toHaveLength(2);
});

test('what stands in a job moves no cursor and rings no bell', async () => {
  const { type } = await shell('filer');
  const evil = '\u001B[2Jcleared\u0007\r\u202Etxt';
  await type('publish --from - send', { input: JSON.stringify({ id: 'x', payload: evil }) });
  for (const line of ['ls default', 'show x']) {
    const { stdout } = await type(line);
    expect(stdout).toContain('cleared');
    // oxlint has no objection to what is spelled out.
    expect([...stdout].filter((letter) => letter < ' ' && letter !== '\n')).toEqual([]);
    expect(stdout).not.toContain('\u202E');
  }
});

test('a folder that is not there is told, and not made', async () => {
  const ended = await cli.run(['ls', '-b', 'filer:typo']);
  expect(ended).toEqual({ code: 3, stdout: '', stderr: "error: filer can't be reached: there is no folder typo\n" });
  expect(await readdir(cli.folder)).not.toContain('typo');
  await cli.run(['publish', 'a', '-b', `filer:${join(cli.folder, 'made')}`]);
  expect(await readdir(cli.folder)).toContain('made');
});
