import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import { compiled } from '../compiled.js';

const LIMIT_MS = 60_000;

/** What a command printed, and how it ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export interface Running {
  readonly child: ChildProcessWithoutNullStreams;
  readonly ended: Promise<Ended>;
  /** What was printed so far, on both. */
  output(): string;
  /** Resolves once it has printed that. */
  printed(text: string | RegExp): Promise<void>;
}

/** The command line as users have it, in a folder of its own. */
export interface CommandLine {
  readonly folder: string;
  /** The file that node runs. */
  readonly main: string;
  run(args: readonly string[], options?: RunOptions): Promise<Ended>;
  start(args: readonly string[], options?: RunOptions): Running;
  /** Lets what lies in a folder import `nestjs-jobs`, the one that runs, and what is installed beside it. */
  linkPackages(name: string): void;
  /** Writes a file of the folder. */
  write(name: string, text: string): Promise<void>;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
}

/** Of the present sources. */
export function commandLine(): CommandLine {
  const built = compiled();
  const main = join(built, 'lib/cli/main.js');
  const folder = mkdtempSync(join(tmpdir(), 'nestjs-jobs-cli-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const start = (args: readonly string[], { env = {}, input }: RunOptions = {}): Running => {
    const { JOBS_URL: _url, FORCE_COLOR: _colour, ...own } = process.env;
    const child = spawn(process.execPath, [main, ...args], { cwd: folder, env: { ...own, ...env }, timeout: LIMIT_MS });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdin.on('error', () => undefined);
    child.stdin.end(input ?? '');
    const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }));
    const output = (): string => stdout + stderr;
    return { child, ended, output, printed: (text) => printed(child, output, text) };
  };
  return {
    folder,
    main,
    start,
    linkPackages: (name) => {
      const packages = join(folder, name, 'node_modules');
      const own = join(packages, 'nestjs-jobs');
      mkdirSync(own, { recursive: true });
      for (const one of ['@nestjs', 'reflect-metadata', 'rxjs'])
        symlinkSync(join(built, 'node_modules', one), join(packages, one));
      symlinkSync(join(built, 'lib'), join(own, 'lib'));
      symlinkSync(join(built, 'node_modules'), join(own, 'node_modules'));
      writeFileSync(
        join(own, 'package.json'),
        '{ "name": "nestjs-jobs", "type": "module", "exports": "./lib/index.js" }',
      );
    },
    run: (args, options) => start(args, options).ended,
    write: async (name, text) => {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
    },
  };
}

async function printed(child: Running['child'], output: () => string, text: string | RegExp): Promise<void> {
  const has = (): boolean => (typeof text === 'string' ? output().includes(text) : text.test(output()));
  while (!has()) {
    if (child.exitCode !== null) throw new Error(`it ended without having printed ${String(text)}:\n${output()}`);
    await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data'), once(child, 'close')]);
  }
}
