import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { commandLine } from './command-line.js';

// Each command is a process, and the machine may have others.
vi.setConfig({ testTimeout: 120_000 });

const cli = commandLine();

/** What the shell of `handlers.x` says. */
function shell(script: string, options = ''): string {
  return `{ shell: ["sh", "-c", ${JSON.stringify(script)}, "{id}", "{payload}"]${options && `, ${options}`} }`;
}

async function configured(name: string, text: string): Promise<string[]> {
  await cli.write(`${name}/jobs.yaml`, `backend: filer:var\n${text}`);
  return ['-c', `${name}/jobs.yaml`];
}

/** The meta of a failed job. */
async function failure(name: string, queue: string, id: string): Promise<{ reason: string; failures: unknown[] }> {
  const file = join(cli.folder, name, 'var', queue, 'errors', `${id}.meta`);
  return JSON.parse(await readFile(file, 'utf8')) as { reason: string; failures: unknown[] };
}

test('drain runs functions and commands of a configuration, each in its queues, and says what became of the jobs', async () => {
  const config = await configured(
    'drained',
    `
environment: { GREETING: hello }
handlers:
  greet: { module: ./greet.mjs#greet }
  print: ${shell('printf "%s-%s\\n" "$0" "$GREETING" > $JOB_ID.txt; cat >> $JOB_ID.txt; echo $JOB_ID.txt')}
queues:
  default: greet
  paper: { handlers: [print], concurrency: 2 }
  urgent: [print, greet]
`,
  );
  await cli.write(
    'drained/greet.mjs',
    `import { writeFileSync } from 'node:fs';
     export const greet = (payload, job) => writeFileSync(new URL(job.id, import.meta.url), process.env.GREETING + payload.to);`,
  );
  await cli.run(['publish', 'greet', '{"to":"Ada"}', '--id', 'g1', ...config]);
  await cli.run(['publish', 'print', '{"n":1}', '--id', 'p1', '-q', 'paper', ...config]);
  await cli.run(['publish', 'print', '{"n":2}', '--id', 'p2', '-q', 'urgent', ...config]);
  expect(await cli.run(['drain', ...config])).toEqual({ code: 0, stdout: '3 completed\n', stderr: '' });
  const made = (name: string): Promise<string> => readFile(join(cli.folder, 'drained', name), 'utf8');
  expect(await made('g1')).toBe('helloAda');
  expect(await made('p1.txt')).toBe('p1-hello\n{"n":1}');
  expect(await made('p2.txt')).toBe('p2-hello\n{"n":2}');
  expect(await cli.run(['drain', ...config, '--idle', '100'])).toMatchObject({ code: 0, stdout: 'nothing was due\n' });
});

test('an exit code says what becomes of the job, and the end of stderr is its reason', async () => {
  const config = await configured(
    'exits',
    `
defaults: { attempts: 2, backoff: { kind: fixed, base: 1 } }
handlers:
  by_rule: ${shell('exit "$1"')}
  by_choice: ${shell('exit "$1"', 'exit: { done: [7], transient: [1], others: fatal }')}
  killed: ${shell('kill -9 $$')}
  talker: ${shell('yes | head -c 1000000 >&2; echo the end >&2; exit 3')}
queues: { default: [by_rule, by_choice, killed, talker] }
`,
  );
  const jobs: [name: string, payload: string, id: string][] = [
    ['by_rule', '0', 'r0'],
    ['by_rule', '75', 'r75'],
    ['by_rule', '1', 'r1'],
    ['by_choice', '7', 'c7'],
    ['by_choice', '1', 'c1'],
    ['by_choice', '75', 'c75'],
    ['killed', '0', 'k'],
    ['talker', '0', 't'],
  ];
  const lines = jobs.map(([name, payload, id]) => JSON.stringify({ name, payload: Number(payload), id }));
  await cli.run(['publish', '--from', '-', ...config], { input: lines.join('\n') });
  const { code, stdout } = await cli.run(['drain', ...config, '--json']);
  expect(code).toBe(1);
  const last = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Record<string, unknown>;
  expect(last).toMatchObject({ event: 'drained', completed: 2, retried: 3, failed: 6, interrupted: false });
  const ids = ['r75', 'r1', 'c1', 'c75', 'k', 't'];
  const reasons = await Promise.all(ids.map((id) => failure('exits', 'default', id)));
  const told = reasons.map((one) => [one.failures.length, JSON.stringify(one.failures.at(-1))] as const);
  expect(told.map((one) => one[0])).toEqual([2, 1, 2, 1, 2, 1]);
  expect(told[1]?.[1]).toContain('"message":"sh ended with exit code 1"');
  expect(told[4]?.[1]).toContain('"message":"sh was killed by SIGKILL"');
  expect(told[5]?.[1]).toMatch(/the end"/);
  expect(told[5]?.[1].length).toBeLessThan(20_000);
});

test('what a job carries stays within its argument, and is never taken for an option or run by a shell', async () => {
  const config = await configured(
    'hostile',
    `
handlers:
  show: { shell: [node, -e, "process.stdout.write(JSON.stringify(process.argv.slice(1)))", --, "{payload.text}", "a{{{payload.text}}}", "{payload.list.1}"] }
  option: { shell: [node, -e, "0", "{payload.text}"] }
  missing: { shell: [node, -e, "0", "{payload.no.way}"] }
queues: { default: [show, option, missing] }
`,
  );
  const hostile = ['$(touch pwned)', '`touch pwned`', '"; touch pwned; "', "it's\na line\\", '--eval=1', '-', '', '*'];
  const lines = hostile.flatMap((text, n) => [
    JSON.stringify({ name: 'show', id: `show-${n}`, payload: { text, list: [1, { deep: '$(id)' }] } }),
    JSON.stringify({ name: 'option', id: `option-${n}`, payload: { text } }),
  ]);
  await cli.run(['publish', '--from', '-', ...config], {
    input: [...lines, '{"name":"missing","id":"missing"}'].join('\n'),
  });
  const { stdout } = await cli.run(['drain', '--json', ...config]);
  const events = stdout
    .trim()
    .split('\n')
    .map(
      (line) =>
        JSON.parse(line) as { event: string; job: { id: string }; result?: { files: string[] }; error?: string },
    );
  const endOf = (id: string): (typeof events)[number] | undefined =>
    events.find(({ event, job }) => job?.id === id && event !== 'started');
  for (const [n, text] of hostile.entries()) {
    const printed = endOf(`show-${n}`)?.result?.files.join('\n') ?? '';
    expect(JSON.parse(printed)).toEqual([text, `a{${text}}`, '{"deep":"$(id)"}']);
    expect(endOf(`option-${n}`)?.event).toBe(text.startsWith('-') ? 'failed' : 'completed');
  }
  expect(endOf('option-4')?.error).toContain('the argument "--eval=1" would be taken for an option');
  expect(endOf('missing')?.error).toBe('the payload has no "no.way", which {payload.no.way} stands for');
  expect(await readdir(join(cli.folder, 'hostile'))).not.toContain('pwned');
});

test('a command that prints 1 GB harms nothing', { timeout: 120_000 }, async () => {
  const script = 'head -c 1000000000 /dev/zero | tr "\\\\0" "\\\\n"; echo never';
  const config = await configured('loud', `handlers: { loud: ${shell(script)} }\nqueues: { default: loud }\n`);
  await cli.run(['publish', 'loud', ...config]);
  const { code, stdout } = await cli.run(['drain', '--json', ...config]);
  expect(code).toBe(0);
  expect(stdout).toContain('"result":{"files":[],"cut":true}');
});

test('a timeout ends a command and all that it has started, and heeds no trap for long', async () => {
  const script = 'trap "" TERM; sleep 300 & echo $$ $! > pids; wait; sleep 300';
  const config = await configured(
    'endless',
    `handlers: { endless: ${shell(script, 'timeout: 1s, attempts: 1, killAfter: 100')} }\nqueues: { default: endless }\n`,
  );
  await cli.run(['publish', 'endless', ...config]);
  const ended = await cli.run(['drain', ...config]);
  expect(ended).toMatchObject({ code: 1, stdout: '1 failed\n' });
  expect(ended.stderr).toContain('the job ran longer than its timeout of 1000 ms');
  const pids = (await readFile(join(cli.folder, 'endless/pids'), 'utf8')).trim().split(' ');
  await expect.poll(() => pids.filter((pid) => isAlive(Number(pid))), { timeout: 30_000 }).toEqual([]);
});

test('Ctrl-C lets the running job finish and leaves; a second one leaves at once, and ends the command', async () => {
  const script = 'echo $$ > pid; echo begun > begun; while [ ! -f go ]; do sleep 0.1; done; echo done > done';
  const text = `handlers: { slow: ${shell(script)} }\nqueues: { default: slow }\n`;
  const files =
    (name: string): ((file: string) => boolean) =>
    (file) =>
      existsSync(join(cli.folder, name, file));
  const begin = async (name: string): Promise<ReturnType<typeof cli.start>> => {
    const config = await configured(name, text);
    await cli.run(['publish', 'slow', ...config]);
    const running = cli.start(['work', ...config]);
    await expect.poll(() => files(name)('begun'), { timeout: 30_000 }).toBe(true);
    running.child.kill('SIGINT');
    await running.printed('finishing the running jobs');
    return running;
  };
  const patient = await begin('patient');
  await cli.write('patient/go', '');
  expect(await patient.ended).toMatchObject({ code: 0 });
  expect(files('patient')('done')).toBe(true);
  expect(await readdir(join(cli.folder, 'patient/var/default/pending'))).toEqual([]);

  const hasty = await begin('hasty');
  hasty.child.kill('SIGINT');
  expect(await hasty.ended).toMatchObject({ code: 130 });
  const pid = Number(await readFile(join(cli.folder, 'hasty/pid'), 'utf8'));
  await expect.poll(() => isAlive(pid), { timeout: 30_000 }).toBe(false);
  expect(files('hasty')('done')).toBe(false);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
