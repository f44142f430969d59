import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Random } from '../random.js';

/** Processes of which one is killed now and then, and another takes its place. */
export class Troupe {
  private readonly workers: ChildProcess[] = [];
  /** The processes that were killed. */
  readonly killed = new Set<number>();

  /** @param program says something by `process.send` once it is at work */
  constructor(
    private readonly program: string,
    private readonly args: readonly string[],
  ) {}

  async start(): Promise<void> {
    const worker = fork(this.program, this.args, { stdio: 'inherit' });
    this.workers.push(worker);
    const died = once(worker, 'exit').then(() => Promise.reject(new Error('a worker ended before it was at work')));
    await Promise.race([once(worker, 'message'), died]);
    died.catch(() => undefined);
  }

  /** Kills one with -9, and resolves once another is at work in its place. */
  async killOne(random: Random): Promise<void> {
    const worker = random.pick(this.workers);
    this.workers.splice(this.workers.indexOf(worker), 1);
    const exited = once(worker, 'exit');
    worker.kill('SIGKILL');
    if (worker.pid !== undefined) this.killed.add(worker.pid);
    await exited;
    await this.start();
  }

  /** Kills all, and resolves once they are gone: until then they may write. */
  async end(): Promise<void> {
    const alive = this.workers.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
    const exited = alive.map((worker) => once(worker, 'exit'));
    for (const worker of alive) worker.kill('SIGKILL');
    await Promise.all(exited);
  }
}
