import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { compiled } from '../../../compiled.js';
import type { Answer, Call, Verbs, WorkerOpening } from './worker.js';

const program = join(compiled(), 'test/backends/filer/support/worker.js');

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
    const [command, ...args] = [...by, process.execPath, program];
    const stdio = ['ignore', 'pipe', 'pipe', 'ipc'] as const;
    const child = new Child(spawn(command, args, { stdio: [...stdio], uid, gid: uid }));
    onTestFinished(() => child.kill());
    if (opening) await child.call('open', opening);
    return child;
  }

  /**
   * One whose system gives it no notices, for it may have none of these. Skips the test where that can't be arranged.
   *
   * @param none of what: `instances` of inotify, or `watches`
   */
  static async withoutNotices(
    none: 'instances' | 'watches',
    opening: WorkerOpening,
    skip: (reason: string) => never,
  ): Promise<Child> {
    const by = ['unshare', '--user', '--map-root-user', 'sh', '-c'];
    const limit = `echo 0 > /proc/sys/user/max_inotify_${none} && exec "$0" "$@"`;
    const child = await Child.start(undefined, { by: [...by, limit] });
    await child.call('open', opening).catch((error: Error) => skip(`no user namespaces here: ${error.message}`));
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
