import { setMaxListeners } from 'node:events';
import type { Backend, BackendTraits, Delivery, Settlement, StoredReceipt } from '../../core/backend.js';
import type { Backlog } from '../../core/backlog.js';
import type { Clock } from '../../core/clock.js';
import type { Message } from '../../core/message.js';
import { MemoryInspector } from './memory-inspector.js';
import { MemoryQueue } from './memory-queue.js';
import { MemoryRecords, OpenedRecords } from './memory-records.js';

/** Where the jobs of a description are, whoever opens it. */
export class MemoryStore {
  private readonly queues = new Map<string, MemoryQueue>();

  constructor(
    readonly clock: Clock,
    readonly leaseMs: number,
    readonly records = new MemoryRecords(clock),
  ) {}

  names(): Iterable<string> {
    return this.queues.keys();
  }

  queue(name: string): MemoryQueue {
    let queue = this.queues.get(name);
    if (!queue) {
      queue = new MemoryQueue(name, this.clock, this.leaseMs);
      this.queues.set(name, queue);
    }
    return queue;
  }
}

/** The reference for what the contract means: in this process, exact to the millisecond, gone with it. */
export class MemoryBackend implements Backend {
  readonly traits: BackendTraits;
  readonly backlog: Backlog;
  readonly records: OpenedRecords;
  readonly inspector: MemoryInspector;
  private readonly closing = new AbortController();

  /** @param worker who takes the jobs, as operators see it */
  constructor(
    private readonly store: MemoryStore,
    private readonly worker?: string,
  ) {
    this.backlog = {
      jobs: (queue) => Promise.resolve(store.queue(queue).jobs),
      bytes: (queue) => Promise.resolve(store.queue(queue).bytes),
      dropOldest: (queue, count) => Promise.resolve(store.queue(queue).dropOldest(count)),
    };
    // Every waiting reserve listens.
    setMaxListeners(0, this.closing.signal);
    this.records = new OpenedRecords(store.records);
    this.inspector = new MemoryInspector(store);
    this.traits = {
      name: 'memory',
      durability: 'none',
      shared: false,
      leaseMs: store.leaseMs,
      delayStepMs: 1,
      exactPriorities: 4_294_967_295,
      findsDuplicates: true,
      history: true,
    };
  }

  get clock(): Clock {
    return this.store.clock;
  }

  publish(queue: string, messages: readonly Message[]): Promise<readonly StoredReceipt[]> {
    const stored = this.store.queue(queue);
    return Promise.resolve(messages.map((message) => ({ duplicate: !stored.add(message) })));
  }

  reserve(queue: string, max: number, signal: AbortSignal): Promise<readonly Delivery[]> {
    return this.store.queue(queue).reserve(this.worker, max, signal, this.closing.signal);
  }

  settle(delivery: Delivery, settlement: Settlement): Promise<boolean> {
    return Promise.resolve(this.store.queue(delivery.queue).settle(delivery.receipt, settlement));
  }

  extend(delivery: Delivery): Promise<boolean> {
    return Promise.resolve(this.store.queue(delivery.queue).extend(delivery.receipt));
  }

  close(): Promise<void> {
    this.closing.abort();
    this.records.close();
    return Promise.resolve();
  }
}
