import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { PrivateBeanstalkd } from '../../../test/servers/beanstalkd.js';
import { PrivateRedis } from '../../../test/servers/redis.js';
import type { CrashSettings } from '../plan.js';
import { BinlogWitness } from './binlog-witness.js';
import { BULLMQ_LEASE_MS } from './engine.js';

/** A server that can be killed, and started again with what it has kept. */
export interface KillableServer {
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Ends it, and removes its files. */
  stop(): Promise<void>;
}

/** Where a run takes place. */
export interface Stage {
  /** As `backendFromUrl` takes it. */
  readonly url: string;
  readonly server: KillableServer | undefined;
  /** Of an engine that at times destroys jobs by itself: looks at what a killed server has left. */
  readonly witness?: BinlogWitness | undefined;
  readonly ledgers: string;
  /** The folder of the compiled `publisher-process.js` and `worker-process.js`. */
  readonly programs: string;
}

/**
 * Makes ready for a run. A server is a private one that acknowledges nothing before it is synced to the disk.
 *
 * @param folder an empty one, for the filer's queues and the ledgers
 * @param programs see {@link Stage}
 */
export async function setUp(settings: CrashSettings, folder: string, programs: string): Promise<Stage> {
  const ledgers = join(folder, 'ledgers');
  mkdirSync(ledgers);
  return { ...(await open(settings, folder)), ledgers, programs };
}

async function open(
  { engine, durable }: CrashSettings,
  folder: string,
): Promise<Pick<Stage, 'url' | 'server' | 'witness'>> {
  switch (engine) {
    case 'filer':
      return { url: `filer:${encodeURI(join(folder, 'queues'))}?durable=${durable}`, server: undefined };
    case 'bullmq': {
      const server = await PrivateRedis.start({ appendfsync: 'always' });
      return { url: `${server.url}?lease=${BULLMQ_LEASE_MS}ms`, server };
    }
    case 'beanstalkd': {
      const server = await PrivateBeanstalkd.start({ args: ['-f0'] });
      return { url: `beanstalkd://${server.host}:${server.port}`, server, witness: new BinlogWitness(server.folder) };
    }
  }
}
