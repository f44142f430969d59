import type { Backend, BackendTraits, Delivery, Settlement, StoredReceipt } from '../../core/backend.js';
import type { Backlog } from '../../core/backlog.js';
import type { Message } from '../../core/message.js';
import type { RecordsElsewhere } from '../../core/records-elsewhere.js';
import type { Client } from './client/client.js';
import { fault } from './fault.js';
import type { HeldJob } from './held-job.js';
import { BeanstalkdInspector } from './inspector/beanstalkd-inspector.js';
import { BeanstalkdRecords } from './records/beanstalkd-records.js';
import { Publishing } from './publishing.js';
import { Reserving } from './reserving.js';
import type { Server } from './server.js';
import { Settling } from './settling.js';
import { tubeOf } from './tubes.js';

/** What a backend is opened with. */
export interface BeanstalkdSettings {
  /** Before the name of each queue. */
  readonly prefix: string;
  /** How long jobs are leased, in whole seconds. */
  readonly leaseS: number;
}

/** Queues as tubes of a beanstalkd server. */
export class BeanstalkdBackend implements Backend {
  readonly traits: BackendTraits;
  /** The server counts its jobs, and tells neither their bytes nor which is the oldest. */
  readonly backlog: Backlog = { jobs: (queue) => this.publishing.waiting(this.tube(queue)) };
  readonly records: BeanstalkdRecords;
  readonly inspector: BeanstalkdInspector;
  private readonly publishing: Publishing;
  private readonly settling: Settling;
  private readonly queues = new Map<string, Reserving>();
  /** By receipt: what is handed out and neither settled nor lost. */
  private readonly held = new Map<string, HeldJob>();
  /** The settlements under way. */
  private readonly settlements = new Set<Promise<unknown>>();
  private closed: Promise<void> | undefined;

  /** @param client a connection to the server, for publishing */
  constructor(
    private readonly server: Server,
    private readonly settings: BeanstalkdSettings,
    client: Client,
    warn: (message: string) => void,
  ) {
    this.traits = {
      name: 'beanstalkd',
      durability: server.hasBinlog ? 'process' : 'none',
      shared: true,
      leaseMs: settings.leaseS * 1000,
      delayStepMs: 1_000,
      exactPriorities: 4_294_967_295,
      maxBytes: server.maxBytes,
      findsDuplicates: false,
      history: false,
    };
    this.records = new BeanstalkdRecords(server, {
      prefix: settings.prefix,
      holderOf: (receipt) => this.held.get(receipt),
    });
    this.inspector = new BeanstalkdInspector(server, settings.prefix, settings.leaseS);
    this.publishing = new Publishing(server, settings.leaseS, client);
    this.settling = new Settling({ server, ttr: settings.leaseS, warn });
  }

  publish(queue: string, messages: readonly Message[]): Promise<readonly StoredReceipt[]> {
    return this.publishing.publish(this.tube(queue), messages);
  }

  reserve(queue: string, max: number, signal: AbortSignal): Promise<readonly Delivery[]> {
    return this.closed ? Promise.resolve([]) : this.queue(queue).reserve(max, signal);
  }

  async settle({ receipt, queue }: Delivery, settlement: Settlement): Promise<boolean> {
    const job = this.held.get(receipt);
    if (!job || job.ending || this.closed) return false;
    if (job.leftMs <= 0) {
      void job.lapse();
      return false;
    }
    job.ending = true;
    const settling = this.settling.settle(job, this.tube(queue), settlement);
    this.settlements.add(settling);
    try {
      const settled = await settling;
      job.forget();
      return settled;
    } catch (error) {
      job.ending = false;
      job.stay();
      throw fault(this.server.address, error);
    } finally {
      this.settlements.delete(settling);
    }
  }

  async extend({ receipt }: Delivery): Promise<boolean> {
    const job = this.held.get(receipt);
    if (!job || this.closed) return false;
    try {
      return await job.extend();
    } catch (error) {
      throw fault(this.server.address, error);
    }
  }

  async recordsElsewhere(): Promise<RecordsElsewhere> {
    const { MODULE } = await import('./elsewhere.js');
    return { module: MODULE, options: { server: this.server, prefix: this.settings.prefix } };
  }

  close(): Promise<void> {
    this.closed ??= this.end();
    return this.closed;
  }

  private async end(): Promise<void> {
    const queues = [...this.queues.values()];
    await Promise.all(queues.map((queue) => queue.stop()));
    await Promise.allSettled([...this.settlements]);
    await Promise.allSettled([...this.held.values()].map((job) => this.leave(job)));
    await Promise.all([
      this.records.close(),
      this.inspector.close(),
      this.publishing.close(),
      ...queues.map((queue) => queue.close()),
    ]);
  }

  /** Closing a connection frees what it holds at once; what was not settled stays leased as long as it was. */
  private async leave(job: HeldJob): Promise<void> {
    const delay = Math.max(Math.ceil(job.leftMs / 1000), 0);
    job.forget();
    if (!job.count.restarted) await job.lane.client.release(job.id, job.priority, delay);
  }

  private queue(name: string): Reserving {
    let queue = this.queues.get(name);
    if (!queue) {
      const { server, settings, settling } = this;
      const tube = this.tube(name);
      queue = new Reserving({
        server,
        queue: name,
        tube,
        leaseMs: settings.leaseS * 1000,
        handedOut: (job) => this.hold(job),
        giveBack: (job) => settling.giveBack(job, tube, 0),
      });
      this.queues.set(name, queue);
    }
    return queue;
  }

  private hold(job: HeldJob): void {
    this.held.set(job.receipt, job);
    job.onForgotten(() => this.held.delete(job.receipt));
  }

  private tube(queue: string): string {
    return tubeOf(this.settings.prefix, queue);
  }
}
