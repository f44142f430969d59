import { randomUUID } from 'node:crypto';
import type { Delivery } from '../../core/backend.js';
import { isUnreadable } from '../../core/message.js';
import { startsOf, type Starts } from './attempts.js';
import type { Client } from './clients.js';
import type { Connections } from './connections.js';
import { faultOf } from './faults.js';
import type { Fetched, Scripts } from './scripts.js';
import { contentOf, failuresIn, type JobHash } from './stored-job.js';

/** A delivery of BullMQ; the receipt is its lock's token. */
export interface BullmqDelivery extends Delivery {
  /** BullMQ's id. */
  readonly jobId: string;
  readonly starts: Starts;
  /** How often it had stalled. */
  readonly stalled: number;
}

/** How many fetches are sent at once at most. */
const LARGEST_BURST = 64;

/** What one fetch has found. */
interface Found extends Pick<Fetched, 'limitedMs' | 'nextDueAt'> {
  readonly delivery: BullmqDelivery | undefined;
}

/** What a call has found. */
export interface Take {
  readonly deliveries: readonly BullmqDelivery[];
  readonly limitedMs: number;
  readonly nextDueAt: number;
}

/** Takes jobs of one queue, each by a fetch of its own and with a lock of its own. */
export class Fetching {
  /** How many jobs are likely to be there: a fetch that finds nothing costs Redis as much as one that does. */
  private expected = 1;

  constructor(
    private readonly queue: string,
    private readonly worker: string,
    private readonly scripts: Scripts,
    private readonly connections: Connections,
  ) {}

  /**
   * Takes up to `max` jobs that are due; says what was found out about the time to come where there were less.
   *
   * @throws BackendError where none was taken
   */
  async take(max: number): Promise<Take> {
    const { client } = this.connections.working;
    await this.connections.ready(client, 0);
    const size = Math.min(max, this.expected);
    const [first, left] = await Promise.all([this.burst(client, size), size < max ? this.countLeft(client) : Infinity]);
    const isFull = first.deliveries.length === size;
    this.expected = isFull ? Math.min(left, LARGEST_BURST) || 1 : 1;
    if (!isFull || left === 0 || size === max) return first;
    const second = await this.burst(client, Math.min(max - size, this.expected)).catch(() => first);
    if (second === first) return first;
    return { ...second, deliveries: [...first.deliveries, ...second.deliveries] };
  }

  private async burst(client: Client, size: number): Promise<Take> {
    const fetches = await Promise.allSettled(Array.from({ length: size }, () => this.fetch(client)));
    const found = fetches.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const deliveries = found.flatMap(({ delivery }) => delivery ?? []);
    const failed = fetches.find((one) => one.status === 'rejected');
    if (failed && deliveries.length === 0) throw faultOf(failed.reason, this.connections.where);
    const empty = found.find(({ delivery }) => !delivery);
    return { deliveries, limitedMs: empty?.limitedMs ?? 0, nextDueAt: empty?.nextDueAt ?? 0 };
  }

  private async countLeft(client: Client): Promise<number> {
    const { prioritized = '', wait = '' } = this.scripts.keys;
    const counts = await Promise.all([client.zcard(prioritized), client.llen(wait)]).catch(() => [0, 0]);
    return (counts[0] ?? 0) + (counts[1] ?? 0);
  }

  private async fetch(client: Client): Promise<Found> {
    const receipt = randomUUID();
    const leasedAt = performance.now();
    const fetched = await this.scripts.fetch(receipt, this.worker);
    const { job, limitedMs, nextDueAt } = fetched;
    const delivery = job && this.deliver(job.id, job.hash, receipt, leasedAt);
    if (!delivery || !isUnreadable(delivery.content)) return { limitedMs, nextDueAt, delivery };
    const bytes = await this.bytesOf(client, delivery.jobId, delivery.content.bytes);
    return { limitedMs, nextDueAt, delivery: { ...delivery, content: { ...delivery.content, bytes } } };
  }

  private deliver(jobId: string, hash: JobHash, receipt: string, leasedAt: number): BullmqDelivery {
    const content = contentOf(hash, jobId);
    const starts = startsOf(hash, isUnreadable(content) ? 0 : content.attemptsUsed);
    return {
      queue: this.queue,
      receipt,
      attempt: starts.attempt,
      content,
      storedAt: Number(hash['timestamp'] ?? hash['processedOn'] ?? 0) || Date.now(),
      leasedAt,
      failures: failuresIn(hash),
      jobId,
      starts,
      stalled: Number(hash['stc'] ?? 0),
    };
  }

  /** As they came: what is no text was broken by reading it as such. */
  private async bytesOf(client: Client, jobId: string, text: Uint8Array): Promise<Uint8Array> {
    return (await client.hgetBuffer(this.scripts.toKey(jobId), 'data').catch(() => undefined)) ?? text;
  }
}
