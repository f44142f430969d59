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
import { asked } from './asked.js';
import { BullmqRecords } from './bullmq-records.js';
import { BullmqQueue, type QueueSettings } from './bullmq-queue.js';
import type { BullmqDelivery } from './fetching.js';
import { BullmqInspector } from './inspector/bullmq-inspector.js';
import { queueNames } from './inspector/queue-names.js';
import { EXACT_PRIORITIES } from './priority.js';

export interface BullmqSettings extends QueueSettings {
  readonly durability: BackendTraits['durability'];
  /** What all keys begin with. */
  readonly prefix: string;
}

/** BullMQ's queues on Redis. */
export class BullmqBackend implements Backend {
  readonly traits: BackendTraits;
  readonly backlog: Backlog = {
    jobs: async (queue) => this.queue(queue).backlog.jobs(),
    bytes: async (queue) => this.queue(queue).backlog.bytes(),
    dropOldest: async (queue, count) => this.queue(queue).backlog.dropOldest(count),
  };
  readonly records: BullmqRecords;
  readonly inspector: BullmqInspector;
  private readonly queues = new Map<string, BullmqQueue>();
  private readonly closing = new AbortController();
  private closed: Promise<void> | undefined;

  constructor(private readonly settings: BullmqSettings) {
    this.traits = {
      name: 'bullmq',
      durability: settings.durability,
      shared: true,
      leaseMs: settings.leaseMs,
      delayStepMs: 1,
      exactPriorities: EXACT_PRIORITIES,
      findsDuplicates: true,
      history: true,
      reservesAtOnce: 4,
    };
    this.records = new BullmqRecords(settings.connections, settings.prefix);
    this.inspector = new BullmqInspector(
      (queue) => this.queue(queue).inspector,
      () => this.queueNames(),
    );
  }

  async publish(queue: string, messages: readonly Message[]): Promise<readonly StoredReceipt[]> {
    return this.queue(queue).publish(messages);
  }

  async reserve(queue: string, max: number, signal: AbortSignal): Promise<readonly Delivery[]> {
    if (this.closed) return [];
    return this.queue(queue).reserve(max, [signal, this.closing.signal]);
  }

  async settle(delivery: Delivery, settlement: Settlement): Promise<boolean> {
    return this.queue(delivery.queue).settle(delivery as BullmqDelivery, settlement);
  }

  async extend(delivery: Delivery): Promise<boolean> {
    return this.queue(delivery.queue).extend(delivery as BullmqDelivery);
  }

  async recordsElsewhere(): Promise<RecordsElsewhere | undefined> {
    const connection = this.settings.connections.asData;
    if (connection === undefined) return undefined;
    const { MODULE } = await import('./elsewhere.js');
    return { module: MODULE, options: { connection, prefix: this.settings.prefix } };
  }

  close(): Promise<void> {
    this.closed ??= this.end();
    return this.closed;
  }

  private async end(): Promise<void> {
    this.closing.abort();
    await Promise.all([this.records.close(), ...[...this.queues.values()].map((queue) => queue.close())]);
    await this.settings.connections.close();
  }

  private async queueNames(): Promise<readonly string[]> {
    this.checkOpen();
    const { connections, prefix } = this.settings;
    return asked(connections, () => queueNames(connections, prefix, () => this.closed !== undefined));
  }

  private checkOpen(): void {
    if (this.closed) throw new BackendError('bullmq is closed', { passing: false });
  }

  private queue(name: string): BullmqQueue {
    this.checkOpen();
    let queue = this.queues.get(name);
    if (!queue) {
      queue = new BullmqQueue(name, this.settings);
      this.queues.set(name, queue);
    }
    return queue;
  }
}
