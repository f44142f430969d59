import type { Cluster, Redis, RedisOptions } from 'ioredis';
import { BackendError } from '../../core/backend.js';
import { inTime } from '../../core/in-time.js';
import type { Packages } from './packages.js';

export type Client = Redis | Cluster;

/** Where Redis is: a URL, options of ioredis, or a client of ioredis, which stays open when the application closes. */
export type BullmqConnection = string | RedisOptions | Client;

/** How long connecting may take at boot, and an answer later, in milliseconds. */
export const CONNECT_MS = 10_000;
const ANSWER_MS = 10_000;

/** How long closing waits for what is under way, in milliseconds. */
const CLOSE_MS = 2_000;

/**
 * Commands never wait for a connection that is away and are never sent twice: the first would hide an outage, the
 * second would take two jobs for one.
 */
const FAIL_FAST = { lazyConnect: true, enableOfflineQueue: false, maxRetriesPerRequest: 0 } as const;

/** For a connection that is not to come back. */
const ONCE = { commandTimeout: ANSWER_MS, retryStrategy: () => null } as const;

/** The longest pause before another try to connect, in milliseconds. */
const LONGEST_PAUSE_MS = 2_000;

/** Growing and jittered, so that a fleet doesn't come back at once. */
function retryStrategy(times: number): number {
  return Math.min(50 * 2 ** (times - 1), LONGEST_PAUSE_MS) * (0.5 + Math.random() / 2);
}

export function isClient(connection: BullmqConnection): connection is Client {
  return typeof connection === 'object' && typeof (connection as Partial<Redis>).defineCommand === 'function';
}

/** The options that only say when it is tried again, by functions. */
const WHEN_AGAIN = [
  'retryStrategy',
  'reconnectOnError',
  'sentinelRetryStrategy',
  'sentinelReconnectStrategy',
] as const satisfies readonly (keyof RedisOptions)[];

/**
 * How another thread could connect to the same Redis; undefined of a cluster's client, which knows its nodes in part. What
 * says only how long to wait between tries is left out: those are functions, which are no data.
 */
export function dataOf(setting: BullmqConnection): string | RedisOptions | undefined {
  if (typeof setting === 'string') return setting;
  if (isClient(setting) && setting.isCluster) return undefined;
  const options = isClient(setting) ? (setting as Redis).options : setting;
  const data = { ...options };
  for (const name of WHEN_AGAIN) delete data[name];
  return data;
}

/** One that the caller connects. */
export function createClient(
  { Redis }: Packages['ioredis'],
  setting: string | RedisOptions,
  options: RedisOptions = {},
): Redis {
  const defaults = { commandTimeout: ANSWER_MS, retryStrategy };
  return typeof setting === 'string'
    ? new Redis(setting, { ...defaults, ...FAIL_FAST, ...options })
    : new Redis({ ...defaults, ...setting, ...FAIL_FAST, ...options });
}

/** One that does not come back by itself once its connection is lost; the caller connects it. */
export function createOnce(ioredis: Packages['ioredis'], setting: string | RedisOptions): Redis {
  return createClient(ioredis, setting, ONCE);
}

/**
 * Connects one that does not come back.
 *
 * @throws Error of ioredis
 */
export async function connectOnce(client: Redis): Promise<Redis> {
  let last: unknown;
  client.on('error', (error: unknown) => (last = error));
  try {
    await inTime(client.connect(), CONNECT_MS, () => new Error(`no answer within ${CONNECT_MS} ms`));
    return client;
  } catch (error) {
    client.disconnect();
    throw last ?? error;
  }
}

export function duplicate(client: Client): Client {
  if (client.isCluster) {
    const { enableOfflineQueue, lazyConnect, maxRetriesPerRequest } = FAIL_FAST;
    const redisOptions = { ...(client as Cluster).options.redisOptions, maxRetriesPerRequest };
    return (client as Cluster).duplicate([], { enableOfflineQueue, lazyConnect, redisOptions });
  }
  return (client as Redis).duplicate({ ...FAIL_FAST, commandTimeout: undefined });
}

/** One that does not come back; of a cluster, whose nodes all pass on what is published, to one of the nodes. */
export function duplicateOnce(client: Client): Redis {
  if (!client.isCluster) return (client as Redis).duplicate({ ...FAIL_FAST, ...ONCE });
  const nodes = (client as Cluster).nodes('master');
  const node = nodes[Math.floor(Math.random() * nodes.length)];
  if (!node) throw new Error('no node of the cluster is known');
  return node.duplicate({ ...FAIL_FAST, ...ONCE });
}

/** Waits until a client may be used. @throws BackendError */
export async function readyWithin(client: Client, where: string, waitMs: number): Promise<void> {
  if (client.status === 'ready') return;
  const late = (): Error => new BackendError(`Redis at ${where} is away`, { passing: true });
  if (client.status === 'end' || waitMs <= 0) throw late();
  let settle = (): void => undefined;
  const ready = new Promise<void>((resolve) => {
    settle = resolve;
    client.once('ready', resolve);
  });
  try {
    await inTime(ready, waitMs, late);
  } finally {
    client.off('ready', settle);
  }
}

/** Ends its connection, once all that was asked of it is answered. Never rejects. */
export async function leave(client: Client): Promise<void> {
  // It answers after all that was asked before.
  if (client.status === 'ready') await inTime(client.quit(), CLOSE_MS, () => new Error('late')).catch(() => undefined);
  client.disconnect();
}

/** Where Redis is, for messages; never with a password. */
export function placeOf(client: Client): string {
  if (client.isCluster) {
    const nodes = (client as Cluster).nodes().map(({ options: { host, port } }) => `${host}:${port}`);
    return nodes.length > 0 ? nodes.join(', ') : 'its cluster';
  }
  const { host, port, path, sentinels, name } = (client as Redis).options;
  if (sentinels?.length) {
    return `"${name}" of the sentinels ${sentinels.map((one) => `${one.host}:${one.port}`).join(', ')}`;
  }
  return path ?? `${host}:${port}`;
}
