import { randomUUID } from 'node:crypto';
import { expect, test, vi } from 'vitest';
import { engineUrls } from './engine-urls.js';
import { commandLine, type Running } from './command-line.js';

// Each command is a process, and the machine may have others.
vi.setConfig({ testTimeout: 120_000 });

const cli = commandLine();
const urls = engineUrls();

const CONFIG = `
defaults: { attempts: 1 }
handlers:
  send: { module: ./send.mjs#send }
  note: { module: ./send.mjs#note }
queues:
  mail: send
  notes: note
`;
const MODULE = `
export const send = ({ fails }) => { if (fails) throw new RangeError('no mailbox\\u001B[2J'); };
export const note = (_, job) => { job.log('noted'); };
`;

/** A worker of its own process. */
async function working(env: Record<string, string>): Promise<Running> {
  const folder = randomUUID();
  await cli.write(`${folder}/jobs.yaml`, CONFIG);
  await cli.write(`${folder}/send.mjs`, MODULE);
  const work = cli.start(['work', '-c', `${folder}/jobs.yaml`], { env });
  await work.printed('reading mail');
  return work;
}

/** Follows, once that is so. */
async function following(args: readonly string[], env: Record<string, string>): Promise<Running> {
  const events = cli.start(['events', ...args], { env });
  await events.printed('of all processes; Ctrl-C ends');
  return events;
}

test.each(['filer', 'bullmq', 'beanstalkd'] as const)('events of other processes are printed, on %s', async (name) => {
  const env = { JOBS_URL: await urls[name]() };
  const work = await working(env);
  const [all, some] = [
    await following([], env),
    await following(['failed', 'log', 'completed', '--json', '--queue', 'mail', '--name', 'send'], env),
  ];
  await cli.run(['publish', 'note', '1', '--id', 'n1', '-q', 'notes'], { env });
  await cli.run(['publish', 'send', '{}', '--id', 's1', '-q', 'mail'], { env });
  await cli.run(['publish', 'send', '{"fails":true}', '--id', 's2', '-q', 'mail'], { env });
  await some.printed('"failed"');
  await all.printed(/failed +send s2 mail/);
  await all.printed('noted');
  some.child.kill('SIGINT');
  all.child.kill('SIGTERM');
  const { code, stdout } = await some.ended;
  expect(code).toBe(0);
  const told = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object);
  expect(told).toMatchObject([
    { event: 'completed', job: { id: 's1', name: 'send', queue: 'mail', attempt: 1 }, worker: { pid: work.child.pid } },
    { event: 'failed', job: { id: 's2' }, error: { name: 'RangeError' }, happenedAt: expect.stringMatching(/^\d.*Z$/) },
  ]);
  const text = await all.ended;
  expect(text.code).toBe(0);
  expect(text.stdout).toMatch(/^\S+Z log +note n1 notes \S+:\d+ {2}noted$/m);
  expect(text.stdout).toMatch(/^\S+Z completed +send s1 mail \S+:\d+ {2}\d+ms$/m);
  expect(text.stdout).not.toContain('\u001B');
  work.child.kill('SIGTERM');
  await work.ended;
});

test('it ends after the time that is named, and where nobody reads', async () => {
  const env = { JOBS_URL: await urls.filer() };
  await cli.run(['publish', 'a'], { env });
  expect(await cli.run(['events', 'failed', '--for', '100ms'], { env })).toEqual({
    code: 0,
    stdout: '',
    stderr: 'following failed of all processes; Ctrl-C ends\n',
  });
  expect(await cli.run(['ls', '--json'], { env })).toMatchObject({ code: 0 });
});

test('a name that is no event, and a time that is none, are refused', async () => {
  const env = { JOBS_URL: await urls.filer() };
  const refused = await cli.run(['events', 'failed', 'fail'], { env });
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toMatch(/^error: expected an event of published, started, .*, got "fail"\n$/);
  const never = await cli.run(['events', '--for', '0'], { env });
  expect(never).toMatchObject({ code: 2, stderr: 'error: --for: expected more than 0, got 0\n' });
});

test('its help has examples', async () => {
  const { code, stdout } = await cli.run(['events', '--help']);
  expect(code).toBe(0);
  expect(stdout).toContain('$ nestjs-jobs events failed expired --queue mail');
});
