import type { Settlement, StoredReceipt } from '../../core/backend.js';
import type { Message } from '../../core/message.js';
import { BullmqBacklog } from './backlog.js';
import { Bell } from './bell.js';
import type { Connections } from './connections.js';
import { faultOf } from './faults.js';
import { Fetching, type BullmqDelivery } from './fetching.js';
import { QueueInspector } from './inspector/queue-inspector.js';
import { Publishing } from './publishing.js';
import type { CheckedRetention } from './retention.js';
import type { ScriptsOf } from './scripts.js';
import { Settling } from './settling.js';
import { StalledCheck } from './stalled-check.js';

export interface QueueSettings {
  readonly connections: Connections;
  readonly scriptsOf: ScriptsOf;
  readonly worker: string;
  readonly leaseMs: number;
  readonly stalledCheckMs: number;
  readonly retention: CheckedRetention;
}

/** The longest that a reserve waits for nothing, in milliseconds. */
const LONGEST_WAIT_MS = 10_000;

/** One queue of BullMQ. */
export class BullmqQueue {
  readonly backlog: BullmqBacklog;
  readonly inspector: QueueInspector;
  private readonly publishing: Publishing;
  private readonly fetching: Fetching;
  private readonly settling: Settling;
  private readonly bell: Bell;
  private readonly stalledCheck: StalledCheck;

  constructor(
    name: string,
    private readonly settings: QueueSettings,
  ) {
    const { connections, scriptsOf, worker, leaseMs, retention, stalledCheckMs } = settings;
    const scripts = scriptsOf(connections.working, name);
    const publishing = scriptsOf(connections.publishing, name);
    this.publishing = new Publishing(publishing, connections);
    this.backlog = new BullmqBacklog(publishing, connections);
    this.inspector = new QueueInspector(name, publishing, connections);
    this.fetching = new Fetching(name, worker, scripts, connections);
    this.settling = new Settling(scripts, connections, leaseMs, retention);
    this.bell = new Bell(scripts.keys['marker'], connections);
    this.stalledCheck = new StalledCheck(scripts, stalledCheckMs);
  }

  publish(messages: readonly Message[]): Promise<readonly StoredReceipt[]> {
    return this.publishing.publish(messages);
  }

  /** @throws BackendError */
  async reserve(max: number, signals: readonly AbortSignal[]): Promise<readonly BullmqDelivery[]> {
    const giveUpAt = performance.now() + LONGEST_WAIT_MS;
    const isOver = (): boolean => performance.now() >= giveUpAt || signals.some((signal) => signal.aborted);
    if (signals.some((signal) => signal.aborted)) return [];
    this.stalledCheck.start();
    for (;;) {
      const { deliveries, limitedMs, nextDueAt } = await this.fetching.take(max);
      if (deliveries.length > 0) return deliveries;
      this.bell.due(limitedMs > 0 ? Date.now() + limitedMs : nextDueAt);
      if (isOver()) return [];
      try {
        await this.bell.wait(giveUpAt - performance.now(), signals);
      } catch (error) {
        throw faultOf(error, this.settings.connections.where);
      }
      if (isOver()) return [];
    }
  }

  settle(delivery: BullmqDelivery, settlement: Settlement): Promise<boolean> {
    return this.settling.settle(delivery, settlement);
  }

  extend(delivery: BullmqDelivery): Promise<boolean> {
    return this.settling.extend(delivery);
  }

  async close(): Promise<void> {
    this.stalledCheck.close();
    await Promise.all([this.bell.close(), this.publishing.idle()]);
  }
}
