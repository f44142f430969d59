import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { spawn } from 'node:child_process';
import { afterEach, expect, test, vi } from 'vitest';
import { commandLine } from './command-line.js';

// Each command is a process, and the machine may have others.
vi.setConfig({ testTimeout: 120_000 });

const cli = commandLine();
const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

/** Answers with a status; undefined: never. */
async function listener(status: number | undefined): Promise<{ url: string; told: Record<string, unknown>[] }> {
  const told: Record<string, unknown>[] = [];
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      told.push(JSON.parse(text) as Record<string, unknown>);
      if (status !== undefined) response.writeHead(status).end();
    });
  }).listen(0, '127.0.0.1');
  servers.push(server);
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jobs`, told };
}

async function worked(name: string, webhook: string): Promise<Awaited<ReturnType<typeof cli.run>>> {
  await cli.write(
    `${name}/jobs.yaml`,
    `backend: filer:var
defaults: { attempts: 1 }
handlers:
  good: { shell: ["true"] }
  bad: { shell: ["sh", "-c", "echo no paper >&2; exit 1"] }
queues: { default: { handlers: [good, bad], concurrency: 1 } }
webhook: ${webhook}
`,
  );
  const lines = ['good', 'bad', 'good'].map((job, n) => JSON.stringify({ name: job, id: `j${n}` }));
  await cli.run(['publish', '--from', '-', '-c', `${name}/jobs.yaml`], { input: lines.join('\n') });
  return cli.run(['drain', '-c', `${name}/jobs.yaml`]);
}

test('a webhook is told of what it asked for, in the order of each job', async () => {
  const { url, told } = await listener(204);
  const ended = await worked('told', `{ url: "${url}", events: [started, done, failed] }`);
  expect(ended).toMatchObject({ code: 1, stdout: '2 completed, 1 failed\n' });
  const of = (id: string): unknown[] => told.filter(({ job }) => (job as { id: string }).id === id);
  expect(of('j0')).toMatchObject([{ event: 'started' }, { event: 'done' }]);
  expect(of('j1')).toMatchObject([
    { event: 'started' },
    { event: 'failed', error: 'sh ended with exit code 1: no paper', job: { name: 'bad', attempt: 1 } },
  ]);
  expect(of('j2')).toMatchObject([{ event: 'started' }, { event: 'done' }]);
});

test.for<[what: string, status: number | undefined]>([
  ['refuses', 500],
  ['never answers', undefined],
])('a webhook that %s touches no job, and is told of once', async ([what, status]) => {
  const { url } = await listener(status);
  const { code, stdout, stderr } = await worked(what.replaceAll(' ', '-'), `{ url: "${url}", timeout: 100ms }`);
  expect({ code, stdout }).toEqual({ code: 1, stdout: '2 completed, 1 failed\n' });
  expect(stderr.match(/the webhook fails/g)).toHaveLength(1);
  expect(stderr).toMatch(/the webhook was not told of \d events/);
});

test('an application of Nest is worked by its own configuration, on the engine that is named', async () => {
  // In the folder of the compiled package, where the application finds it, and Nest.
  await cli.write(
    'app/app.module.js',
    `import 'reflect-metadata';
     import { Module } from '@nestjs/common';
     import { JobHandler, JobsModule } from 'nestjs-jobs';
     class Greet { handle(payload) { console.log('hello', payload); } }
     JobHandler('greet')(Greet);
     export class AppModule {}
     Module({ imports: [JobsModule.forRoot({ backend: process.env.JOBS_URL })], providers: [Greet] })(AppModule);`,
  );
  await cli.write('app/package.json', '{ "type": "module" }');
  await cli.write('app/jobs.yaml', 'backend: filer:var\napp: ./app.module.js\n');
  cli.linkPackages('app');
  await cli.run(['publish', 'greet', '"Ada"', '-c', 'app/jobs.yaml']);
  const drained = await cli.run(['drain', '-c', 'app/jobs.yaml']);
  expect(drained.stderr).not.toContain('error:');
  expect(drained.code).toBe(0);
  expect(drained.stdout).toContain('hello Ada');
  await cli.write('app/bad.yaml', 'backend: filer:var\napp: ./app.module.js#NoModule\n');
  const bad = await cli.run(['work', '-c', 'app/bad.yaml']);
  expect(bad).toMatchObject({ code: 2, stdout: '' });
  expect(bad.stderr).toMatch(
    /^error: app\/bad\.yaml:2:1: app: expected an export "NoModule" of \.\/app\.module\.js, which has AppModule\n$/,
  );
});

/** What is said where a program reads the answer to a command; the last line is the command's exit code. */
async function readBy(reader: string, command: string): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const line = `'${process.execPath}' '${cli.main}' ${command} | ${reader}; echo "\${PIPESTATUS[0]}"`;
  const child = spawn('bash', ['-c', line], { cwd: cli.folder });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  await once(child, 'close');
  return { stdout, stderr };
}

test.each(['--help', 'work --help', '--version'])('who reads what %s prints may leave at once', async (command) => {
  expect(await readBy('true', command)).toEqual({ stdout: '0\n', stderr: '' });
});

test('who reads an answer may leave before its end', async () => {
  const lines = Array.from({ length: 300 }, (_, n) => JSON.stringify({ name: 'x', payload: 'y'.repeat(1_000) + n }));
  await cli.run(['publish', '--from', '-', '-b', 'filer:piped'], { input: lines.join('\n') });
  const { stdout, stderr } = await readBy('head -n 1', 'ls default -n 300 -b filer:piped');
  expect(stdout).toMatch(/^ID .*\n0\n$/);
  expect(stderr.replace(/^the first 300.*\n/m, '')).toBe('');
});
