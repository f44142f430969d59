import { messageOf } from '../../core/errors.js';
import { Client } from './client/client.js';
import { connect, nameOf, type Address } from './client/connect.js';

/** What is to be known of a server. */
export interface Server {
  readonly address: Address;
  /** The largest body of a job, in bytes. */
  readonly maxBytes: number;
  /** Whether it writes its jobs to files at all. How soon it syncs them, no client can see. */
  readonly hasBinlog: boolean;
}

/** The first version that has `reserve-job`. */
const OLDEST = [1, 12] as const;

/**
 * Connects and asks the server what it is.
 *
 * @throws Error naming the server where it can't be reached, or is too old
 */
export async function meet(address: Address): Promise<{ readonly server: Server; readonly client: Client }> {
  let client: Client | undefined;
  try {
    client = new Client(await connect(address));
    const stats = await client.stats();
    checkVersion(stats.text('version') ?? '');
    const server = {
      address,
      maxBytes: stats.number('max-job-size'),
      hasBinlog: stats.number('binlog-current-index') > 0,
    };
    return { server, client };
  } catch (cause) {
    client?.connection.destroy('not needed');
    throw new Error(
      `beanstalkd: the server at ${nameOf(address)} can't be used: ${messageOf(cause)}. ` +
        'Start it, or give the options host and port, or path, of another.',
      { cause },
    );
  }
}

function checkVersion(version: string): void {
  const [major, minor] = version.split('.').map(Number);
  if (major === undefined || minor === undefined || Number.isNaN(major + minor)) return;
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return;
  throw new Error(`expected version ${OLDEST.join('.')} or later, got ${version}`);
}
