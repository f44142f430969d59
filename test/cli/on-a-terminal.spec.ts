import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { commandLine } from './command-line.js';
import { engineUrls } from './engine-urls.js';

const cli = commandLine();

/** util-linux's; that of macOS takes other options. */
const hasScript = spawnSync('script', ['--version']).stdout?.toString().includes('util-linux') ?? false;
const onTerminal = hasScript ? test : test.skip;

const CTRL_C = '\u0003';
const OWN_SCREEN = '\u001B[?1049h';
const FORMER_SCREEN = '\u001B[?1049l';
const HOME = '\u001B[H';
const YELLOW = '\u001B[33m';

interface Typed {
  type(keys: string): void;
  /** What came to the terminal so far. */
  seen(): string;
  readonly code: Promise<number | null>;
}

/** A command line on a terminal of its own. */
function terminal(args: readonly string[], env: Readonly<Record<string, string>> = {}): Typed {
  const command = [process.execPath, cli.main, ...args].map((word) => `'${word}'`).join(' ');
  // In the place of the shell, which else ends by the signal as well.
  const line = `exec ${command}`;
  // Nothing else of ours: in a CI, and by half a dozen variables more, Node takes a terminal for one without colours.
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn('script', ['-qefc', line, '/dev/null'], {
    cwd: cli.folder,
    env: { PATH, HOME, TERM: 'xterm', SHELL: '/bin/sh', ...env },
    timeout: 60_000,
  });
  let seen = '';
  child.stdout.on('data', (chunk: Buffer) => (seen += chunk.toString()));
  return {
    type: (keys) => void child.stdin.write(keys),
    seen: () => seen,
    code: once(child, 'close').then(([code]) => code as number | null),
  };
}

const PATIENT = { timeout: 30_000 };

vi.setConfig({ testTimeout: 120_000 });

for (const [name, urlOf] of Object.entries(engineUrls())) {
  onTerminal(`watch draws its table again on ${name}, and leaves the screen as it was by Ctrl-C`, async () => {
    const backend = ['-b', await urlOf()];
    await cli.run(['publish', 'send', '-q', 'mail', ...backend]);
    const watch = terminal(['watch', '--interval', '100', ...backend]);
    await expect.poll(watch.seen, PATIENT).toMatch(/mail +1 /);
    await cli.run(['publish', 'send', '-q', 'mail', ...backend]);
    await expect.poll(watch.seen, PATIENT).toMatch(/mail +2 /);
    await cli.run(['pause', 'mail', ...backend]);
    await expect.poll(watch.seen, PATIENT).toContain(`${YELLOW}mail (paused) `);
    watch.type(CTRL_C);
    expect(await watch.code).toBe(0);
    const seen = watch.seen();
    expect(seen.startsWith(OWN_SCREEN)).toBe(true);
    expect(seen.split(HOME).length).toBeGreaterThan(3);
    expect(seen.slice(seen.lastIndexOf(HOME))).toContain(FORMER_SCREEN);
  });
}

onTerminal('colours heed NO_COLOR', async () => {
  await cli.run(['publish', 'send', '-b', 'filer:coloured']);
  const ls = terminal(['ls', '-b', 'filer:coloured']);
  expect(await ls.code).toBe(0);
  expect(ls.seen()).toContain('\u001B[1m');
  const plain = terminal(['ls', '-b', 'filer:coloured'], { NO_COLOR: '1' });
  expect(await plain.code).toBe(0);
  expect(plain.seen()).not.toContain('\u001B');
});

onTerminal('rm --all asks, and does nothing unless the answer is yes', async () => {
  const backend = ['-b', 'filer:asked'];
  await cli.run(['publish', 'send', '-q', 'mail', ...backend]);
  const rm = ['rm', '--all', '--state', 'waiting', ...backend];
  const unsure = terminal(rm);
  await expect.poll(unsure.seen, PATIENT).toContain('Remove 1 waiting jobs of all queues? [y/N]');
  unsure.type('\r');
  expect(await unsure.code).toBe(1);
  const left = terminal(rm);
  await expect.poll(left.seen, PATIENT).toContain('[y/N]');
  left.type(CTRL_C);
  expect(await left.code).toBe(1);
  const sure = terminal(rm);
  await expect.poll(sure.seen, PATIENT).toContain('[y/N]');
  sure.type('y\r');
  expect(await sure.code).toBe(0);
  expect(sure.seen()).toContain('1 of 1 done');
});

onTerminal('Ctrl-C reaches the worker, and not the command that it runs', async () => {
  const script = 'echo begun > begun; while [ ! -f go ]; do sleep 0.1; done; echo done > done';
  await cli.write(
    'worked/jobs.yaml',
    `backend: filer:var\nhandlers: { slow: { shell: ["sh", "-c", ${JSON.stringify(script)}] } }\nqueues: { default: slow }\n`,
  );
  await cli.run(['publish', 'slow', '-c', 'worked/jobs.yaml']);
  const work = terminal(['work', '-c', 'worked/jobs.yaml']);
  await expect.poll(() => existsSync(join(cli.folder, 'worked/begun')), PATIENT).toBe(true);
  work.type(CTRL_C);
  await expect.poll(work.seen, PATIENT).toContain('finishing the running jobs');
  await cli.write('worked/go', '');
  expect(await work.code).toBe(0);
  expect(existsSync(join(cli.folder, 'worked/done'))).toBe(true);
  expect(work.seen()).toContain('stopped');
});
