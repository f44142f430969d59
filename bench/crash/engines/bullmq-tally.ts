import { Redis } from 'ioredis';
import { QUEUES } from '../plan.js';
import type { Tally } from './engine.js';

const LISTS = ['wait', 'active'] as const;
const SETS = ['prioritized', 'delayed', 'failed', 'expired'] as const;

/** Jobs by BullMQ's keys. */
export class BullmqTally implements Tally {
  readonly waiting = ['wait', 'prioritized'];
  readonly unfinished = ['wait', 'prioritized', 'delayed', 'active'];
  private readonly redis: Redis;

  constructor(url: string) {
    const server = new URL(url);
    server.search = '';
    // One that is away is asked again by who wants to know.
    this.redis = new Redis(server.href, { maxRetriesPerRequest: 0, retryStrategy: () => 50, commandTimeout: 5_000 });
    this.redis.on('error', () => undefined);
  }

  async count(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const queue of QUEUES) {
      const key = (kind: string): string => `bull:${queue}:${kind}`;
      for (const kind of LISTS) counts[kind] = (counts[kind] ?? 0) + (await this.redis.llen(key(kind)));
      for (const kind of SETS) counts[kind] = (counts[kind] ?? 0) + (await this.redis.zcard(key(kind)));
    }
    return counts;
  }

  close(): Promise<void> {
    this.redis.disconnect();
    return Promise.resolve();
  }
}
