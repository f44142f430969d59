import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { debianProgram } from './debian.js';
import { freePort, PrivateServer } from './private-server.js';

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

export class PrivateBeanstalkd extends PrivateServer implements BeanstalkdServer {
  protected readonly greeting = { ask: 'list-tube-used\r\n', answer: /^USING/ };

  private constructor(
    program: string,
    port: number,
    folder: string,
    private readonly options: ServerOptions,
  ) {
    super(program, port, folder);
  }

  static async start(options: ServerOptions = {}): Promise<PrivateBeanstalkd> {
    const program = await debianProgram('beanstalkd', 'beanstalkd', '-v');
    const folder = await mkdtemp(join(tmpdir(), 'beanstalkd-'));
    const server = new PrivateBeanstalkd(program, await freePort(), folder, options);
    await server.start();
    return server;
  }

  /** Starts it, on the same port and with the same files; resolves once it answers. */
  async start(args: readonly string[] = this.options.args ?? []): Promise<void> {
    const { binlog = true } = this.options;
    await this.spawn(['-l', this.host, '-p', String(this.port), ...(binlog ? ['-b', this.folder] : []), ...args]);
  }
}
