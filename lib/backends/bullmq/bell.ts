import { systemClock } from '../../core/clock.js';
import { inTime } from '../../core/in-time.js';
import type { Client } from './clients.js';
import type { Connections } from './connections.js';

/** How long Redis is asked to wait at a time, in seconds; then the queue is looked at, whatever was told. */
const BLOCK_SECONDS = 5;

/** By how much an answer may be late before the connection counts as dead, in milliseconds. */
const LATE_MS = 2_000;

interface Waiter {
  readonly wake: () => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Tells when a queue is worth another look. BullMQ keeps a marker beside each queue that has something: whoever takes it
 * (a blocking command) looks, and each job that is taken sets it again, so that the next one looks too. So one that has
 * taken the marker and doesn't look has to put it back.
 *
 * Of the delayed jobs, only who looked last knows when the next falls due; it wakes itself.
 */
export class Bell {
  private readonly waiters = new Set<Waiter>();
  private client: Client | undefined;
  private listening: Promise<void> | undefined;
  private cancelDue: (() => void) | undefined;
  private dueAt = Infinity;
  private closed = false;

  constructor(
    private readonly marker: string,
    private readonly connections: Connections,
  ) {}

  /** Resolves when the queue should be looked at, `signals` abort or `ms` have passed; rejects where Redis is away. */
  wait(ms: number, signals: readonly AbortSignal[]): Promise<void> {
    if (this.closed || signals.some((signal) => signal.aborted)) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.waiters.delete(waiter);
        cancel();
        for (const signal of signals) signal.removeEventListener('abort', waiter.wake);
      };
      const waiter: Waiter = {
        wake: () => {
          leave();
          resolve();
        },
        fail: (error) => {
          leave();
          reject(error);
        },
      };
      const cancel = systemClock.after(ms, waiter.wake);
      for (const signal of signals) signal.addEventListener('abort', waiter.wake, { once: true });
      this.waiters.add(waiter);
      this.listening ??= this.listen().finally(() => (this.listening = undefined));
    });
  }

  /** Says when the next delayed job falls due, in milliseconds since 1970; 0 where there is none. */
  due(at: number): void {
    const next = at > 0 && !this.closed ? Math.ceil(at) : Infinity;
    if (next === this.dueAt) return;
    this.cancelDue?.();
    this.dueAt = next;
    this.cancelDue =
      next === Infinity ? undefined : systemClock.after(Math.max(next - Date.now(), 0), () => this.fallDue());
  }

  /** Ends every wait. */
  async close(): Promise<void> {
    this.closed = true;
    this.cancelDue?.();
    for (const { wake } of [...this.waiters]) wake();
    const { client } = this;
    if (!client) return;
    client.disconnect();
    await this.listening?.catch(() => undefined);
    // The marker may have been on its way.
    await this.putBack();
  }

  private fallDue(): void {
    this.dueAt = Infinity;
    this.ring();
  }

  private ring(): void {
    const [first] = this.waiters;
    if (first) first.wake();
    else void this.putBack();
  }

  private async listen(): Promise<void> {
    try {
      while (this.waiters.size > 0 && !this.closed) {
        const client = await this.connected();
        if (client) {
          const answer = client.bzpopmin(this.marker, BLOCK_SECONDS);
          await inTime(answer, BLOCK_SECONDS * 1000 + LATE_MS, () => this.dead(client));
        }
        // After the time that Redis was asked to wait, too: a marker may have been lost with a worker that took it.
        if (!this.closed) this.ring();
        await Promise.resolve();
      }
    } catch (error) {
      for (const { fail } of [...this.waiters]) fail(error);
    }
  }

  /**
   * Undefined where this connection is not back yet, be it that Redis is away or only that its turn to try again comes
   * later: then the look that follows tells, for it goes by another connection.
   */
  private async connected(): Promise<Client | undefined> {
    this.client ??= this.connections.blocking();
    const { client } = this;
    if (client.status === 'wait') await client.connect();
    if (client.status === 'ready') return client;
    try {
      await this.connections.ready(client, LATE_MS);
      return client;
    } catch (error) {
      if (client.status === 'end') throw error;
      return undefined;
    }
  }

  /** Has ioredis make a new connection, for it would wait for this one forever. */
  private dead(client: Client): Error {
    client.disconnect(true);
    return new Error(`no answer within ${BLOCK_SECONDS * 1000 + LATE_MS} ms`);
  }

  /** A marker too many costs a look; it is lost where Redis is away, and the next look in {@link BLOCK_SECONDS} mends it. */
  private async putBack(): Promise<void> {
    const { client } = this.connections.working;
    if (client.status === 'ready') await client.zadd(this.marker, 0, '0').catch(() => undefined);
  }
}
