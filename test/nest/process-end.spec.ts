import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { compiled } from '../compiled.js';

const node = promisify(execFile);
const folder = compiled();

const PRELUDE = `
  import 'reflect-metadata';
  import { Module } from '@nestjs/common';
  import { NestFactory } from '@nestjs/core';
  import { JobHandler, JobsModule, PublisherService } from './lib/index.js';
  let handled;
  const done = new Promise((resolve) => { handled = resolve; });
  class Note { handle() { handled(); } }
  JobHandler('note')(Note);
  class App {}
  const use = (options) => Module({ imports: [JobsModule.forRoot(options)], providers: [Note] })(App);
  const logger = ['warn', 'error'];
`;

async function run(script: string): Promise<string> {
  const { stdout, stderr } = await node(process.execPath, ['--input-type=module', '-e', PRELUDE + script], {
    cwd: folder,
    timeout: 50_000,
    env: { ...process.env, NO_COLOR: '1' },
  });
  return stdout + stderr;
}

const CLOSED = `
  await app.get(PublisherService).publish('note');
  await done;
  await app.close();
  const closed = performance.now();
  process.on('exit', () => console.log(performance.now() - closed < 900 ? 'ended by itself' : 'ended late'));
`;

for (const backend of ['memory:', 'filer:jobs']) {
  test(`a closed application leaves nothing behind: the process ends by itself within a second, on ${backend}`, async () => {
    const options = JSON.stringify({ backend });
    const context = `use(${options}); const app = await NestFactory.createApplicationContext(App, { logger });`;
    expect(await run(context + CLOSED)).toBe('ended by itself\n');
    const web = `use(${options}); const app = await NestFactory.create(App, { logger }); await app.listen(0, '127.0.0.1');`;
    expect(await run(web + CLOSED)).toBe('ended by itself\n');
  });
}

test('a start that fails leaves nothing behind', async () => {
  const output = await run(`
    use({ backend: 'memory:' });
    class Again { handle() {} }
    JobHandler('note')(Again);
    class Root {}
    Module({ imports: [App], providers: [Again] })(Root);
    await NestFactory.createApplicationContext(Root, { logger: false, abortOnError: false })
      .catch((error) => console.log(error.message));
  `);
  expect(output).toMatch(/^Job "note" has two handlers: Note in App and Again in Root|Again in Root and Note in App/);
});

const started = 'const app = await NestFactory.createApplicationContext(App, { logger });';
const aWhile = 'await new Promise((resolve) => setTimeout(resolve, 1300)); await app.close();';
const signals: [what: string, script: string, warned: boolean][] = [
  ['nothing listens for SIGTERM', `use({ backend: 'memory:' }); ${started} ${aWhile}`, true],
  ['shutdown hooks are enabled', `use({ backend: 'memory:' }); ${started} app.enableShutdownHooks(); ${aWhile}`, false],
  ['the process only publishes', `use({ backend: 'memory:', consume: false }); ${started} ${aWhile}`, false],
  ['it closes before', `use({ backend: 'memory:' }); ${started} await app.close(); ${aWhile}`, false],
];

for (const [what, script, warned] of signals) {
  test(`${what}: ${warned ? 'there is a warning' : 'there is no warning'}`, async () => {
    const output = await run(script);
    if (warned) expect(output.match(/WARN \[Jobs\] Nothing listens for SIGTERM.*enableShutdownHooks/g)).toHaveLength(1);
    else expect(output).toBe('');
  });
}

test('at SIGTERM the running job is finished, and the process ends by the signal', async () => {
  const ended = await run(`
    use({ backend: 'memory:' });
    Note.prototype.handle = async () => {
      setTimeout(() => process.kill(process.pid, 'SIGTERM'), 1);
      await new Promise((resolve) => setTimeout(resolve, 200));
      console.log('finished');
    };
    ${started}
    app.enableShutdownHooks();
    await app.get(PublisherService).publish('note');
  `).catch((error: unknown) => error);
  expect(ended).toMatchObject({ signal: 'SIGTERM', stdout: 'finished\n', stderr: '' });
});
