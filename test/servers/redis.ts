import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { debianProgram } from './debian.js';

/** A Redis for tests. */
export interface RedisServer {
  readonly url: string;
  /** Ends it if it was started here, and removes its files. */
  stop(): Promise<void>;
}

/** The running server that REDIS_URL names, else a private one. */
export async function redisServer(): Promise<RedisServer> {
  const url = process.env['REDIS_URL'];
  return url ? { url, stop: () => Promise.resolve() } : PrivateRedis.start();
}

/** A real server on a port and in a folder of its own, with persistence on, which can be killed and started again. */
export class PrivateRedis implements RedisServer {
  readonly host = '127.0.0.1';
  private child: ChildProcess | undefined;

  private constructor(
    private readonly program: string,
    readonly port: number,
    private readonly folder: string,
    private readonly settings: Readonly<Record<string, string>>,
  ) {}

  /** @param settings of redis.conf, by name */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<PrivateRedis> {
    const program = await debianProgram('redis-server', 'redis-server');
    const folder = await mkdtemp(join(tmpdir(), 'redis-'));
    const server = new PrivateRedis(program, await freePort(), folder, settings);
    await server.start();
    return server;
  }

  get url(): string {
    return `redis://${this.host}:${this.port}`;
  }

  /** Starts it, on the same port and with the same files; resolves once it answers. */
  async start(): Promise<void> {
    const settings: Record<string, string> = {
      bind: this.host,
      port: String(this.port),
      dir: this.folder,
      appendonly: 'yes',
      appendfsync: 'everysec',
      save: '',
      ...this.settings,
    };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
    const child = spawn(this.program, args, { stdio: 'ignore' });
    this.child = child;
    for (const end = Date.now() + 15_000; !(await this.answers()); await sleep(20)) {
      if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}`);
      if (Date.now() > end) throw new Error('redis-server does not answer');
    }
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    const { child } = this;
    this.child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
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
      socket.write('PING\r\n');
      const [answer] = (await once(socket, 'data', { signal: AbortSignal.timeout(10_000) })) as [Buffer];
      return /^(\+PONG|-NOAUTH)/.test(answer.toString());
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
