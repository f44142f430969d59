import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { onTestFinished } from 'vitest';
import type { Answer, Call, Verbs, WorkerOpening } from './worker.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const SOURCES = ['lib/core', 'lib/backends/filer', 'lib/conformance/stage'];
const PROGRAM = 'test/backends/filer/support/worker';

let built: string | undefined;

/** The folder of the worker and of the library, compiled without a look at their types. */
function build(): string {
  if (built !== undefined) return built;
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'filer-worker-')));
  built = folder;
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  // Workers of other users read it too.
  chmodSync(folder, 0o755);
  const files = SOURCES.flatMap((source) => readdirSync(join(ROOT, source)).map((file) => join(source, file)));
  for (const file of [...files, `${PROGRAM}.ts`].filter((name) => name.endsWith('.ts'))) {
    const target = join(folder, file.replace(/\.ts$/, '.js'));
    mkdirSync(dirname(target), { recursive: true });
    const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 };
    const { outputText } = ts.transpileModule(readFileSync(join(ROOT, file), 'utf8'), { compilerOptions: options });
    writeFileSync(target, outputText);
  }
  writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return folder;
}

/** How a process is started. */
export interface Start {
  /** What is put before the command line, such as `unshare -r`. */
  readonly by?: readonly string[];
  readonly uid?: number;
}

/** A worker in a process of its own; killed when the test is over. */
export class Child {
  private readonly calls = new Map<number, (answer: Answer) => void>();
  private output = '';
  private last = 0;

  private constructor(private readonly process: ChildProcess) {
    process.on('message', (answer: Answer) => {
      this.calls.get(answer.number)?.(answer);
      this.calls.delete(answer.number);
    });
    process.once('exit', () => {
      for (const [number, resolve] of this.calls) resolve({ number, error: `the worker has ended: ${this.output}` });
    });
    for (const stream of [process.stdout, process.stderr]) stream?.on('data', (text) => (this.output += String(text)));
  }

  /** @param opening where it is left out, nothing is opened */
  static async start(opening?: WorkerOpening, { by = [], uid }: Start = {}): Promise<Child> {
    const program = join(build(), `${PROGRAM}.js`);
    const [command, ...args] = [...by, process.execPath, program];
    const stdio = ['ignore', 'pipe', 'pipe', 'ipc'] as const;
    const child = new Child(spawn(command, args, { stdio: [...stdio], uid, gid: uid }));
    onTestFinished(() => child.kill());
    if (opening) await child.call('open', opening);
    return child;
  }

  async call<Verb extends keyof Verbs>(
    verb: Verb,
    ...args: Parameters<Verbs[Verb]>
  ): Promise<Awaited<ReturnType<Verbs[Verb]>>> {
    const number = ++this.last;
    const answer = await new Promise<Answer>((resolve) => {
      this.calls.set(number, resolve);
      this.process.send({ number, verb, args } satisfies Call);
    });
    if (answer.error !== undefined) throw new Error(answer.error);
    return answer.value as Awaited<ReturnType<Verbs[Verb]>>;
  }

  /** As a crash does. */
  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill('SIGKILL');
    await once(this.process, 'exit');
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.process.kill(signal);
  }

  /** Resolves with the exit code once it has ended by itself. */
  async ended(): Promise<number | null> {
    if (this.process.exitCode === null) await once(this.process, 'exit');
    return this.process.exitCode;
  }
}
