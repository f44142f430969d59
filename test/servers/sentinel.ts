import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './private-server.js';
import { redisProgram, type PrivateRedis } from './redis.js';

/** A sentinel of Redis that watches one server. */
export class Sentinel {
  /** By which it knows the server. */
  readonly name = 'jobs';
  readonly host = '127.0.0.1';

  private constructor(
    private readonly child: ChildProcess,
    private readonly folder: string,
    readonly port: number,
  ) {}

  static async of(server: PrivateRedis): Promise<Sentinel> {
    const folder = await mkdtemp(join(tmpdir(), 'sentinel-'));
    const port = await freePort();
    const file = join(folder, 'sentinel.conf');
    // It keeps what it learns in its file.
    await writeFile(
      file,
      `port ${port}\nbind 127.0.0.1\ndir ${folder}\nsentinel monitor jobs ${server.host} ${server.port} 1\n`,
    );
    const child = spawn(await redisProgram(), [file, '--sentinel'], { stdio: 'ignore' });
    return new Sentinel(child, folder, port);
  }

  async stop(): Promise<void> {
    const exit = once(this.child, 'exit');
    if (this.child.kill('SIGKILL')) await exit;
    await rm(this.folder, { recursive: true, force: true });
  }
}
