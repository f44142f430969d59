import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, PrivateServer } from './private-server.js';
import { redisProgram, type PrivateRedis } from './redis.js';

/** After so many milliseconds without an answer, a sentinel thinks that its server is down. */
const DOWN_AFTER_MS = 1_000;

/** How long one try to let a replica take over may last, in milliseconds. */
const FAILOVER_MS = 5_000;

/** A sentinel of Redis that watches one server. */
export class Sentinel extends PrivateServer {
  /** By which it knows the server. */
  readonly name = 'jobs';
  protected readonly greeting = { ask: 'PING\r\n', answer: /^\+PONG/ };

  private constructor(program: string, port: number, folder: string) {
    super(program, port, folder);
  }

  /** @param quorum how many sentinels have to think so before the server counts as down */
  static async of({ host, port }: PrivateRedis, quorum = 1): Promise<Sentinel> {
    const folder = await mkdtemp(join(tmpdir(), 'sentinel-'));
    const sentinel = new Sentinel(await redisProgram(), await freePort(), folder);
    // It keeps what it learns in its file.
    const file = join(folder, 'sentinel.conf');
    const settings = [
      `port ${sentinel.port}`,
      `bind ${sentinel.host}`,
      `dir ${folder}`,
      `sentinel monitor ${sentinel.name} ${host} ${port} ${quorum}`,
      `sentinel down-after-milliseconds ${sentinel.name} ${DOWN_AFTER_MS}`,
      `sentinel failover-timeout ${sentinel.name} ${FAILOVER_MS}`,
    ];
    await writeFile(file, settings.map((line) => `${line}\n`).join(''));
    await sentinel.spawn([file, '--sentinel']);
    return sentinel;
  }
}
