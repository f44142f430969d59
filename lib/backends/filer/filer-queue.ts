import type { Delivery, Settlement, StoredReceipt } from '../../core/backend.js';
import type { StoredState, StoreResult } from '../../core/inspector.js';
import type { Message } from '../../core/message.js';
import { Claims, type FilerDelivery } from './claims.js';
import type { DirectorySyncs } from './directory-syncs.js';
import type { Disk } from './disk.js';
import { draftName } from './drafts.js';
import { FilerBacklog } from './filer-backlog.js';
import { fault, Folders, isGone } from './folders.js';
import { IdRegister } from './id-register.js';
import type { OwnerWatch } from './owner.js';
import { Operating } from './operating.js';
import { Publishing } from './publishing.js';
import { Removing } from './removing.js';
import { Replacing } from './replacing.js';
import { SetAside } from './set-aside.js';
import { Settling } from './settling.js';
import { SideFiles } from './side-files.js';
import { Worklist } from './worklist.js';

/** What the queues of one backend share. */
export interface FilerSettings {
  /** The directory of all queues, absolute, as a byte string. */
  readonly root: string;
  readonly durable: boolean;
  readonly leaseMs: number;
  readonly sweepMs: number;
  readonly disk: Disk;
  readonly owners: OwnerWatch;
  readonly syncs: DirectorySyncs;
  readonly warn: (message: string) => void;
}

/** The longest that a reserve waits for nothing, in milliseconds. */
const LONGEST_WAIT_MS = 25_000;

/** One queue of the filer: its folders and what is done with them, put together. */
export class FilerQueue {
  private readonly folders: Folders;
  private readonly publishing: Publishing;
  private readonly worklist: Worklist;
  private readonly aside: SetAside;
  private readonly claims: Claims;
  private readonly settling: Settling;
  private readonly operate: () => Operating;
  readonly backlog: FilerBacklog;
  private operated: Operating | undefined;
  private made = false;
  private hasFailed = false;

  constructor(queue: string, settings: FilerSettings) {
    const { root, disk, owners } = settings;
    const folders = new Folders(root, queue, disk);
    const newDraft = (): string => folders.file('tmp', draftName(owners));
    const ids = new IdRegister(folders, disk, owners);
    const sides = new SideFiles(folders, disk, newDraft);
    const shared = { ...settings, queue, folders, newDraft, ids, sides };
    const aside = new SetAside(shared);
    const worklist = new Worklist({ ...shared, aside });
    this.folders = folders;
    this.worklist = worklist;
    this.aside = aside;
    this.claims = new Claims({ ...shared, aside, worklist });
    const stored = (folder: 'incoming' | 'delayed', file: string): void => {
      worklist.add(folder, file);
      this.backlog.stored(folder, file);
    };
    const taken = (folder: 'incoming' | 'delayed', file: string): void => {
      worklist.forget(folder, file);
      this.backlog.taken(file);
    };
    const removing = new Removing({ ...shared, taken });
    this.backlog = new FilerBacklog({ ...shared, worklist, removing });
    this.operate = () => new Operating({ ...shared, aside, removing, stored, taken });
    this.settling = new Settling({ ...shared, aside, worklist, replacing: new Replacing(shared) });
    this.publishing = new Publishing({ ...shared, stored });
  }

  /** @throws BackendError where a folder can't be used */
  make(): void {
    if (!this.made) this.folders.make();
    this.made = true;
  }

  publish(messages: readonly Message[]): Promise<readonly StoredReceipt[]> {
    this.make();
    return this.publishing.publish(messages);
  }

  get operating(): Operating {
    this.operated ??= this.operate();
    return this.operated;
  }

  /** Stores jobs as they stood elsewhere. */
  async restore(jobs: readonly StoredState[]): Promise<readonly StoreResult[]> {
    this.make();
    return this.operating.restoring.store(jobs);
  }

  async reserve(max: number, signals: readonly AbortSignal[]): Promise<readonly Delivery[]> {
    try {
      return await this.claim(max, signals);
    } catch (error) {
      this.hasFailed = true;
      throw fault(this.folders.path('pending'), error);
    }
  }

  settle(delivery: FilerDelivery, settlement: Settlement): Promise<boolean> {
    try {
      const settled = this.settling.settle(delivery, settlement);
      if (typeof settled === 'boolean') return Promise.resolve(settled);
      return settled.catch((error: unknown) => this.settleAfter(error, delivery, settlement));
    } catch (error) {
      return this.settleAfter(error, delivery, settlement);
    }
  }

  extend(delivery: FilerDelivery): boolean {
    try {
      return this.settling.extend(delivery);
    } catch (error) {
      throw fault(this.folders.path('pending'), error);
    }
  }

  async close(): Promise<void> {
    this.worklist.close();
    await this.publishing.idle();
    await this.aside.idle();
  }

  /** Tries again where a folder was gone. */
  private async settleAfter(failure: unknown, delivery: FilerDelivery, settlement: Settlement): Promise<boolean> {
    try {
      if (!isGone(failure)) throw failure;
      this.folders.make();
      return await this.settling.settle(delivery, settlement);
    } catch (error) {
      throw fault(this.folders.path('pending'), error);
    }
  }

  private async claim(max: number, signals: readonly AbortSignal[]): Promise<readonly Delivery[]> {
    this.make();
    const giveUpAt = performance.now() + LONGEST_WAIT_MS;
    for (;;) {
      await this.worklist.open();
      const claimed = this.claims.claim(max);
      const left = giveUpAt - performance.now();
      if (claimed.length > 0 || left <= 0 || this.isBack() || signals.some((signal) => signal.aborted)) return claimed;
      await this.worklist.change(left, signals);
    }
  }

  /** Whether the call before this one failed: then it is to be heard at once that this one doesn't. */
  private isBack(): boolean {
    const { hasFailed } = this;
    this.hasFailed = false;
    return hasFailed;
  }
}
