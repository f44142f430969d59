import type { Delivery } from '../../core/backend.js';
import { systemClock } from '../../core/clock.js';
import { isUnreadable, type ReceivedMessage, type Unreadable } from '../../core/message.js';
import { decodeMessage } from '../../core/message-decoding.js';
import type { Client, ReservedJob } from './client/client.js';
import type { Stats } from './client/stats.js';
import { count, type Count } from './counting.js';
import type { Lane } from './lane.js';

/** The shortest time between two renewals on our own, in milliseconds. */
const SHORTEST_BEAT_MS = 100;

/**
 * A job that a lane holds, from its reserve to its end.
 *
 * The server takes it back `ttr` seconds after the last touch. That is its publisher's to say, and of a foreign one may
 * be shorter or longer than the lease that this backend promises: so it renews a shorter one by itself as long as the
 * lease lasts. When the lease is over it gives the job back, and does not rely on the server: that forgets to take a job
 * from a silent connection whose deadline it meets to the microsecond, as it mostly does, for it spins before it
 * (`conn_timeout` in its prot.c leaves without `connsched`).
 */
export class HeldJob {
  readonly id: string;
  readonly body: Buffer;
  readonly receipt: string;
  readonly priority: number;
  readonly count: Count;
  readonly content: ReceivedMessage | Unreadable;
  readonly storedAt: number;
  /** Set while a settlement is under way. */
  ending = false;
  /** Set once its delete was sent: the server will have heard of it when it reads what is sent next. */
  leaving = false;
  /** Set while it leaves as soon as the server has answered what was sent. */
  closing = false;
  private readonly ttrMs: number;
  private leasedUntil: number;
  /** Until when the server keeps it for the lane, at least, by the clock's `monotonic()`. */
  private keptUntil: number;
  private cancelBeat: (() => void) | undefined;
  private readonly whenForgotten: (() => void)[] = [];
  private lost = false;
  private leaseLost: (() => void) | undefined;

  constructor(
    readonly lane: Lane,
    reserved: ReservedJob,
    stats: Stats,
    private readonly leasedAt: number,
    private readonly leaseMs: number,
  ) {
    this.id = reserved.id;
    this.body = reserved.body;
    this.receipt = lane.newReceipt();
    this.priority = stats.number('pri');
    this.ttrMs = stats.number('ttr') * 1000;
    this.content = decodeMessage(reserved.body, reserved.id);
    this.count = count(stats, isUnreadable(this.content) ? 0 : this.content.attemptsUsed);
    this.storedAt = Date.now() - stats.number('age') * 1000;
    this.leasedUntil = leasedAt + leaseMs;
    this.keptUntil = leasedAt + this.ttrMs;
    lane.held.add(this);
    this.beat();
  }

  delivery(queue: string): Delivery {
    const { receipt, content, storedAt, leasedAt } = this;
    const { attempt } = this.count;
    const onLeaseLost = (listener: () => void): void => this.hearLeaseLost(listener);
    return { queue, receipt, attempt, content, storedAt, leasedAt, failures: [], onLeaseLost };
  }

  /** How much of the lease is left, in milliseconds; 0 or less where it has lapsed. */
  get leftMs(): number {
    return Math.min(this.leasedUntil, this.keptUntil) - systemClock.monotonic();
  }

  /** Renews the lease; false where it was lost. */
  async extend(): Promise<boolean> {
    if (this.leftMs <= 0) return false;
    // Behind its delete a reserve may wait by now, and nothing is read until that is answered.
    if (this.leaving) return true;
    const before = systemClock.monotonic();
    if (!(await this.touch())) return false;
    this.leasedUntil = before + this.leaseMs;
    return true;
  }

  /** Sends what goes along with its end, which then follows at once. */
  async sendBeforeEnd<T>(send: (client: Client) => Promise<T>): Promise<T> {
    this.closing = true;
    try {
      return await send(this.lane.client);
    } catch (error) {
      this.stay();
      throw error;
    }
  }

  /** False where the lane holds it no more. */
  delete(): Promise<boolean> {
    const deleted = this.lane.client.delete(this.id);
    this.leaving = true;
    this.lane.freed();
    return deleted;
  }

  /** It does not leave yet after all. */
  stay(): void {
    this.leaving = false;
    this.closing = false;
    this.lane.freed();
  }

  /** Calls back once this lane has nothing to do with it any more. */
  onForgotten(callback: () => void): void {
    this.whenForgotten.push(callback);
  }

  forget(): void {
    this.lane.held.delete(this);
    this.lane.freed();
    this.cancelBeat?.();
    for (const callback of this.whenForgotten.splice(0)) callback();
  }

  /** The lane holds it no more, though nobody has settled it. */
  lose(): void {
    this.forget();
    this.lost = true;
    this.leaseLost?.();
  }

  /** The lease is over. Resolves once the server knows, or can't be told. */
  async lapse(): Promise<void> {
    const { client } = this.lane;
    this.lose();
    try {
      // A release would overwrite the count of one that was kicked; any command makes the server look at its clock.
      await (this.count.restarted ? client.statsJob(this.id) : client.release(this.id, this.priority, 0));
    } catch {
      // The connection is lost, and all that it held.
    }
  }

  private hearLeaseLost(listener: () => void): void {
    this.leaseLost = listener;
    if (this.lost) listener();
  }

  private async touch(): Promise<boolean> {
    const before = systemClock.monotonic();
    const kept = await this.lane.client.touch(this.id);
    if (kept) this.keptUntil = before + this.ttrMs;
    else this.lose();
    return kept;
  }

  private beat(): void {
    const leaseLeftMs = this.leasedUntil - systemClock.monotonic();
    const ms = this.ttrMs < this.leaseMs ? Math.min(this.ttrMs / 3, leaseLeftMs) : leaseLeftMs;
    this.cancelBeat = systemClock.after(Math.max(ms, SHORTEST_BEAT_MS), () => void this.afterBeat());
  }

  private async afterBeat(): Promise<void> {
    if (this.ending || !this.lane.held.has(this)) return;
    if (this.leasedUntil <= systemClock.monotonic()) return this.lapse();
    try {
      if (this.ttrMs < this.leaseMs) await this.touch();
    } catch {
      // The connection is lost, and all that it held.
    }
    if (this.lane.held.has(this)) this.beat();
  }
}
