import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianProgram } from './debian.js';
import { freePort, PrivateServer } from './private-server.js';

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

/** With persistence on. */
export class PrivateRedis extends PrivateServer implements RedisServer {
  protected readonly greeting = { ask: 'PING\r\n', answer: /^(\+PONG|-NOAUTH)/ };

  private constructor(
    program: string,
    port: number,
    folder: string,
    private readonly settings: Readonly<Record<string, string>>,
  ) {
    super(program, port, folder);
  }

  /** @param settings of redis.conf, by name */
  static async start(settings: Readonly<Record<string, string>> = {}): Promise<PrivateRedis> {
    const program = await redisProgram();
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
    await this.spawn(Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]));
  }
}

export function redisProgram(): Promise<string> {
  return debianProgram('redis-server', 'redis-server');
}
