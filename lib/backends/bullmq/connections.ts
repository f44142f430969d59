import type { Cluster, Redis, RedisOptions } from 'ioredis';
import type { RedisClient, RedisConnection } from 'bullmq';
import { BackendError } from '../../core/backend.js';
import { messageOf } from '../../core/errors.js';
import { inTime } from '../../core/in-time.js';
import { defineBacklog } from './backlog-scripts.js';
import { defineFreeId } from './free-id.js';
import { defineReading } from './inspector/reading-scripts.js';
import { defineRecordCommands } from './record-scripts.js';
import type { Packages } from './packages.js';

export type Client = Redis | Cluster;

/** Where Redis is: a URL, options of ioredis, or a client of ioredis, which stays open when the application closes. */
export type BullmqConnection = string | RedisOptions | Client;

/** How long connecting may take at boot, and an answer later, in milliseconds. */
const CONNECT_MS = 10_000;
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

/** A client and BullMQ's view of it. */
export interface Line {
  readonly client: Client;
  readonly connection: RedisConnection;
  /** The client as BullMQ's scripts take it. */
  readonly adapted: RedisClient;
}

/**
 * All connections of a backend: one for publishing, one for the rest, one for each queue that is waited for, one where
 * records are watched.
 */
export class Connections {
  readonly publishing: Line;
  readonly working: Line;
  /** Where Redis is, for messages; never with a password. */
  readonly where: string;
  private readonly given: Client | undefined;
  private readonly own: Client[] = [];
  /** Of clients that aren't ours, whose listeners have to go. */
  private readonly ignore = (): void => undefined;

  constructor(
    private readonly packages: Packages,
    private readonly setting: BullmqConnection,
  ) {
    this.given = isClient(setting) ? setting : undefined;
    const publishing = this.given ?? this.make();
    this.where = placeOf(publishing);
    this.given?.on('error', this.ignore);
    this.publishing = this.line(publishing);
    this.working = this.given ? this.publishing : this.line(this.make());
  }

  /** @throws Error that says where Redis was looked for */
  async open(): Promise<void> {
    for (const { client } of new Set([this.publishing, this.working])) await this.connect(client);
    await Promise.all([this.publishing.connection.client, this.working.connection.client]);
  }

  /** A connection that one queue is waited for on; the caller connects it. */
  blocking(): Client {
    return this.given ? this.listen(duplicate(this.given)) : this.make({ commandTimeout: undefined });
  }

  /**
   * A connection of its own that hears what is published, once it is ready. When it is lost it ends, and doesn't come back
   * by itself; the caller closes it.
   *
   * @throws Error of ioredis
   */
  async hearing(): Promise<Client> {
    const client = this.given ? duplicateNode(this.given) : this.create(ONCE);
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

  /** Waits until a client may be used. @throws BackendError */
  async ready(client: Client, waitMs: number): Promise<void> {
    if (client.status === 'ready') return;
    const late = (): Error => new BackendError(`Redis at ${this.where} is away`, { passing: true });
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

  async close(): Promise<void> {
    await Promise.all([this.publishing, this.working].map(({ connection }) => connection.close()));
    await Promise.all(this.own.map((client) => leave(client)));
    this.given?.off('error', this.ignore);
  }

  private line(client: Client): Line {
    defineFreeId(client);
    defineBacklog(client);
    defineRecordCommands(client);
    defineReading(client);
    const connection = new this.packages.bullmq.RedisConnection(client, {
      shared: true,
      blocking: false,
      skipVersionCheck: true,
      skipWaitingForReady: true,
    });
    connection.on('error', this.ignore);
    return { client, connection, adapted: this.packages.bullmq.createIORedisClient(client) };
  }

  private make(options: RedisOptions = {}): Client {
    return this.listen(this.create(options));
  }

  private create(options: RedisOptions): Redis {
    const { Redis } = this.packages.ioredis;
    const { setting } = this;
    const defaults = { commandTimeout: ANSWER_MS, retryStrategy };
    return typeof setting === 'string'
      ? new Redis(setting, { ...defaults, ...FAIL_FAST, ...options })
      : new Redis({ ...defaults, ...(setting as RedisOptions), ...FAIL_FAST, ...options });
  }

  /** A client without a listener for errors prints them; what matters of them is told by the commands that fail. */
  private listen(client: Client): Client {
    client.on('error', this.ignore);
    this.own.push(client);
    return client;
  }

  private async connect(client: Client): Promise<void> {
    let last: unknown;
    const note = (error: unknown): void => void (last = error);
    client.on('error', note);
    const late = (): Error => new Error(`no answer within ${CONNECT_MS} ms`);
    try {
      if (client.status === 'wait') await inTime(client.connect(), CONNECT_MS, late);
      else await this.ready(client, CONNECT_MS);
      await inTime(client.ping(), CONNECT_MS, late);
    } catch (error) {
      // What a listener hears says more than that the connection was closed.
      const why = `bullmq: Redis at ${this.where} can't be used: ${messageOf(last ?? error)}`;
      throw new Error(`${why}. Start it, or set the option connection.`, { cause: error });
    } finally {
      client.off('error', note);
    }
  }
}

function duplicate(client: Client): Client {
  if (client.isCluster) {
    const { enableOfflineQueue, lazyConnect, maxRetriesPerRequest } = FAIL_FAST;
    const redisOptions = { ...(client as Cluster).options.redisOptions, maxRetriesPerRequest };
    return (client as Cluster).duplicate([], { enableOfflineQueue, lazyConnect, redisOptions });
  }
  return (client as Redis).duplicate({ ...FAIL_FAST, commandTimeout: undefined });
}

/** Of a cluster, whose nodes all pass on what is published, one of the nodes. */
function duplicateNode(client: Client): Redis {
  if (!client.isCluster) return (client as Redis).duplicate({ ...FAIL_FAST, ...ONCE });
  const nodes = (client as Cluster).nodes('master');
  const node = nodes[Math.floor(Math.random() * nodes.length)];
  if (!node) throw new Error('no node of the cluster is known');
  return node.duplicate({ ...FAIL_FAST, ...ONCE });
}

async function leave(client: Client): Promise<void> {
  // It answers after all that was asked before.
  if (client.status === 'ready') await inTime(client.quit(), CLOSE_MS, () => new Error('late')).catch(() => undefined);
  client.disconnect();
}

function placeOf(client: Client): string {
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
