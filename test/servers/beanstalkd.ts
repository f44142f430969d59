import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { debianProgram } from './debian.js';

/** A beanstalkd for tests. */
export interface BeanstalkdServer {
  readonly host: string;
  readonly port: number;
  /** Ends it, and removes its files. */
  stop(): Promise<void>;
}

export interface ServerOptions {
  /** Whether it writes a binlog. Default true. */
  readonly binlog?: boolean;
  /** More arguments. */
  readonly args?: readonly string[];
}

/** The running server that BEANSTALKD_URL names, else a private one. */
export async function beanstalkdServer(): Promise<BeanstalkdServer> {
  const url = process.env['BEANSTALKD_URL'];
  if (!url) return PrivateBeanstalkd.start();
  const { hostname, port } = new URL(url);
  return { host: hostname || '127.0.0.1', port: Number(port || 11_300), stop: () => Promise.resolve() };
}

/** A real server on a port and in a folder of its own, which can be killed and started again. */
export class PrivateBeanstalkd implements BeanstalkdServer {
  readonly host = '127.0.0.1';
  private child: ChildProcess | undefined;

  private constructor(
    private readonly program: string,
    readonly port: number,
    /** Of its binlog. */
    readonly folder: string,
    private readonly options: ServerOptions,
  ) {}

  static async start(options: ServerOptions = {}): Promise<PrivateBeanstalkd> {
    const program = await debianProgram('beanstalkd', 'beanstalkd', '-v');
    const folder = await mkdtemp(join(tmpdir(), 'beanstalkd-'));
    const server = new PrivateBeanstalkd(program, await freePort(), folder, options);
    await server.start();
    return server;
  }

  get pid(): number {
    return this.child?.pid ?? 0;
  }

  /** Starts it, on the same port and with the same files; resolves once it answers. */
  async start(args: readonly string[] = this.options.args ?? []): Promise<void> {
    const { binlog = true } = this.options;
    const child = spawn(
      this.program,
      ['-l', this.host, '-p', String(this.port), ...(binlog ? ['-b', this.folder] : []), ...args],
      { stdio: 'ignore' },
    );
    this.child = child;
    for (const end = Date.now() + 15_000; !(await this.answers()); await sleep(20)) {
      if (child.exitCode !== null) throw new Error(`beanstalkd ended with ${child.exitCode}`);
      if (Date.now() > end) throw new Error('beanstalkd does not answer');
    }
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

  async stop(): Promise<void> {
    await this.kill();
    await rm(this.folder, { recursive: true, force: true });
  }

  private async answers(): Promise<boolean> {
    const socket = connect(this.port, this.host);
    try {
      await once(socket, 'connect');
      socket.write('list-tube-used\r\n');
      const [answer] = (await once(socket, 'data', { signal: AbortSignal.timeout(10_000) })) as [Buffer];
      return answer.toString().startsWith('USING');
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
