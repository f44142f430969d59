import type { RedisOptions } from 'ioredis';
import type { RedisClient, RedisConnection } from 'bullmq';
import { messageOf } from '../../core/errors.js';
import { inTime } from '../../core/in-time.js';
import { defineBacklog } from './backlog-scripts.js';
import {
  CONNECT_MS,
  connectOnce,
  createClient,
  createOnce,
  dataOf,
  duplicate,
  duplicateOnce,
  isClient,
  leave,
  placeOf,
  readyWithin,
  type BullmqConnection,
  type Client,
} from './clients.js';
import { defineFreeId } from './free-id.js';
import { defineReading } from './inspector/reading-scripts.js';
import { defineRecordCommands } from './record-scripts.js';
import type { Packages } from './packages.js';

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

  /** How another thread could connect, as far as that is data. */
  get asData(): string | RedisOptions | undefined {
    return dataOf(this.setting);
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
    return connectOnce(this.given ? duplicateOnce(this.given) : createOnce(this.packages.ioredis, this.ownSetting));
  }

  /** Waits until a client may be used. @throws BackendError */
  async ready(client: Client, waitMs: number): Promise<void> {
    await readyWithin(client, this.where, waitMs);
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
    return this.listen(createClient(this.packages.ioredis, this.ownSetting, options));
  }

  /** Where no client was given. */
  private get ownSetting(): string | RedisOptions {
    return this.setting as string | RedisOptions;
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
