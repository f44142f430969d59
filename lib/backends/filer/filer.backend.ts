import {
  BackendError,
  type Backend,
  type BackendTraits,
  type Delivery,
  type Settlement,
  type StoredReceipt,
} from '../../core/backend.js';
import type { Backlog } from '../../core/backlog.js';
import type { Message } from '../../core/message.js';
import type { RecordsElsewhere } from '../../core/records-elsewhere.js';
import type { FilerDelivery } from './claims.js';
import { FilerInspector } from './filer-inspector.js';
import { FilerRecords } from './filer-records.js';
import { FilerQueue, type FilerSettings } from './filer-queue.js';

/** Queues as directories of files. */
export class FilerBackend implements Backend {
  readonly traits: BackendTraits;
  readonly records: FilerRecords;
  readonly backlog: Backlog = {
    jobs: (queue) => this.queue(queue).backlog.jobs(),
    bytes: (queue) => this.queue(queue).backlog.bytes(),
    dropOldest: (queue, count) => this.queue(queue).backlog.dropOldest(count),
  };
  readonly inspector: FilerInspector;
  private readonly queues = new Map<string, FilerQueue>();
  private readonly closing = new AbortController();

  constructor(private readonly settings: FilerSettings) {
    this.records = new FilerRecords(settings);
    this.inspector = new FilerInspector({ ...settings, queue: (name) => this.queue(name) });
    this.traits = {
      name: 'filer',
      durability: settings.durable ? 'power cut' : 'process',
      shared: true,
      leaseMs: settings.leaseMs,
      delayStepMs: 1,
      exactPriorities: 4_294_967_295,
      findsDuplicates: true,
      history: true,
    };
  }

  /** Makes the folders of a queue. */
  prepare(queue: string): void {
    this.queue(queue).make();
  }

  async publish(queue: string, messages: readonly Message[]): Promise<readonly StoredReceipt[]> {
    if (this.closing.signal.aborted) throw new BackendError('filer: it is closed', { passing: false });
    return this.queue(queue).publish(messages);
  }

  reserve(queue: string, max: number, signal: AbortSignal): Promise<readonly Delivery[]> {
    return this.queue(queue).reserve(max, [signal, this.closing.signal]);
  }

  settle(delivery: Delivery, settlement: Settlement): Promise<boolean> {
    return this.queue(delivery.queue).settle(delivery as FilerDelivery, settlement);
  }

  async extend(delivery: Delivery): Promise<boolean> {
    return this.queue(delivery.queue).extend(delivery as FilerDelivery);
  }

  async recordsElsewhere(): Promise<RecordsElsewhere> {
    const { root, durable, sweepMs } = this.settings;
    const { MODULE } = await import('./elsewhere.js');
    return { module: MODULE, options: { root, durable, sweepMs } };
  }

  async close(): Promise<void> {
    this.closing.abort();
    await Promise.all([this.records.close(), ...[...this.queues.values()].map((queue) => queue.close())]);
    await this.settings.syncs.flush();
    this.settings.disk.close();
  }

  private queue(name: string): FilerQueue {
    let queue = this.queues.get(name);
    if (!queue) {
      queue = new FilerQueue(name, this.settings);
      this.queues.set(name, queue);
    }
    return queue;
  }
}
