import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A real server on a port and in a folder of its own, which can be killed and started again. */
export abstract class PrivateServer {
  readonly host = '127.0.0.1';
  private child: ChildProcess | undefined;

  protected constructor(
    private readonly program: string,
    readonly port: number,
    /** Of what it keeps. */
    readonly folder: string,
  ) {}

  /** What it is asked whether it is up, and how it answers that it is. */
  protected abstract readonly greeting: { readonly ask: string; readonly answer: RegExp };

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    // One that was stopped has to go on to die of a signal that can be caught; this one can't.
    child.kill('SIGKILL');
    await exit;
  }

  signal(signal: NodeJS.Signals): void {
    this.child?.kill(signal);
  }

  /** Ends it, and removes its files. */
  async stop(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Starts the program; resolves once it answers. */
  protected async spawn(args: readonly string[]): Promise<void> {
    const child = spawn(this.program, args, { stdio: 'ignore' });
    this.child = child;
    for (const end = Date.now() + 15_000; !(await this.answers()); await sleep(20)) {
      if (child.exitCode !== null) throw new Error(`${this.program} ended with ${child.exitCode}`);
      if (Date.now() > end) throw new Error(`${this.program} does not answer`);
    }
  }

  private async answers(): Promise<boolean> {
    const socket = connect(this.port, this.host);
    try {
      await once(socket, 'connect');
      socket.write(this.greeting.ask);
      const [answer] = (await once(socket, 'data', { signal: AbortSignal.timeout(10_000) })) as [Buffer];
      return this.greeting.answer.test(answer.toString());
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
