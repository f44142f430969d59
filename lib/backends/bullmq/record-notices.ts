import { BackendError } from '../../core/backend.js';
import { pause, systemClock } from '../../core/clock.js';
import { inTime } from '../../core/in-time.js';
import type { Client } from './clients.js';
import type { Connections } from './connections.js';
import { faultOf } from './faults.js';

/** How often Redis is asked for a sign of life while something is watched, in milliseconds, and how late it may be. */
const BEAT_MS = 5_000;
const LATE_MS = 2_000;

/** The pauses between tries to connect again, in milliseconds: growing, and jittered. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;

/** Hears what was published; undefined: something may have been, while nobody heard. */
type Told = (message?: string) => void;

/** A connection that hears, and the channels that it was told to hear. */
interface Link {
  readonly client: Client;
  readonly subscribed: Map<string, Promise<unknown>>;
}

/**
 * Hears of the records that are set, for all keys on one connection, made when the first is watched. Where that is lost,
 * something may be set that is not heard; so all who watch are told once there is another that hears again.
 */
export class RecordNotices {
  /** Who watches, by channel. */
  private readonly watching = new Map<string, Set<Told>>();
  private readonly closing = new AbortController();
  private link: Link | undefined;
  private opening: Promise<Link> | undefined;
  private mending = false;
  private cancelBeat: () => void = () => undefined;

  constructor(private readonly connections: Pick<Connections, 'hearing' | 'where'>) {}

  /**
   * Resolves once `listener` hears.
   *
   * @throws BackendError
   */
  async watch(channel: string, listener: Told): Promise<() => void> {
    // One of its own, for the same function may watch twice.
    const told: Told = (message) => listener(message);
    const all = this.watching.get(channel) ?? new Set();
    this.watching.set(channel, all.add(told));
    try {
      const link = await this.linked();
      await this.subscribed(link, channel);
    } catch (error) {
      this.leave(channel, told);
      throw faultOf(error, this.connections.where);
    }
    return () => this.leave(channel, told);
  }

  /** Whether there is a connection that hears. */
  get isLinked(): boolean {
    return this.link !== undefined;
  }

  /** Ends every watch, and the connection. */
  async close(): Promise<void> {
    this.closing.abort();
    this.watching.clear();
    this.cancelBeat();
    this.link?.client.disconnect();
    await this.opening?.catch(() => undefined);
  }

  private leave(channel: string, told: Told): void {
    const all = this.watching.get(channel);
    if (!all?.delete(told) || all.size > 0) return;
    this.watching.delete(channel);
    // Where it fails, the connection is lost, and all that it heard.
    if (this.link?.subscribed.delete(channel)) this.link.client.unsubscribe(channel).catch(() => undefined);
  }

  private subscribed({ client, subscribed }: Link, channel: string): Promise<unknown> {
    let subscribing = subscribed.get(channel);
    if (!subscribing) {
      subscribing = client.subscribe(channel);
      subscribed.set(channel, subscribing);
    }
    return subscribing;
  }

  private linked(): Link | Promise<Link> {
    if (this.link) return this.link;
    this.opening ??= this.open().finally(() => (this.opening = undefined));
    return this.opening;
  }

  private async open(): Promise<Link> {
    const client = await this.connections.hearing();
    if (this.closing.signal.aborted) {
      client.disconnect();
      throw new BackendError('bullmq is closed', { passing: false });
    }
    const link: Link = { client, subscribed: new Map() };
    client.on('message', (channel: string, message: string) => this.tell(channel, message));
    client.on('end', () => this.lost(link));
    this.link = link;
    const channels = [...this.watching.keys()];
    if (channels.length > 0) {
      const subscribing = client.subscribe(...channels);
      for (const channel of channels) link.subscribed.set(channel, subscribing);
      await subscribing.catch((error: unknown) => {
        client.disconnect();
        throw error;
      });
    }
    this.beat(link);
    return link;
  }

  private lost(link: Link): void {
    if (this.link !== link) return;
    this.link = undefined;
    this.cancelBeat();
    if (!this.mending) void this.mend();
  }

  /** Connects again as long as there is somebody who watches, and tells them all. */
  private async mend(): Promise<void> {
    this.mending = true;
    for (let ms = FIRST_PAUSE_MS; this.watching.size > 0; ms = Math.min(2 * ms, LONGEST_PAUSE_MS)) {
      await pause(systemClock, ms * (0.5 + Math.random() / 2), this.closing.signal);
      // Those that come later are told of what is set later.
      const channels = [...this.watching.keys()];
      try {
        if (this.closing.signal.aborted) break;
        await this.linked();
      } catch {
        continue;
      }
      for (const channel of channels) this.tell(channel);
      if (this.link) break;
    }
    this.mending = false;
  }

  private tell(channel: string, message?: string): void {
    for (const told of [...(this.watching.get(channel) ?? [])]) told(message);
  }

  /** Asks for a sign of life, for a connection that is only to hear can be dead for hours and not know. */
  private beat(link: Link): void {
    this.cancelBeat = systemClock.after(BEAT_MS, () => {
      const { client } = link;
      const late = (): Error => new Error(`no answer within ${LATE_MS} ms`);
      const alive = this.watching.size > 0 ? inTime(client.ping(), LATE_MS, late) : Promise.resolve();
      alive.then(
        () => this.link === link && this.beat(link),
        () => client.disconnect(),
      );
    });
  }
}
