import type { Settlement } from '../../core/backend.js';
import { isUnreadable } from '../../core/message.js';
import type { FilerDelivery } from './claims.js';
import type { DirectorySyncs } from './directory-syncs.js';
import { exists, isForbidden, unlinkIfThere, type Disk } from './disk.js';
import { asText, delayedName, isReceipt, pendingName, waitingName } from './file-name.js';
import { isGone, type FolderName, type Folders } from './folders.js';
import type { IdRegister } from './id-register.js';
import type { OwnerWatch } from './owner.js';
import type { Replacing } from './replacing.js';
import type { Meta, SetAside } from './set-aside.js';
import type { SideFiles } from './side-files.js';
import type { Worklist } from './worklist.js';

export interface SettlingSetup {
  readonly folders: Folders;
  readonly disk: Disk;
  readonly syncs: DirectorySyncs;
  readonly durable: boolean;
  readonly owners: OwnerWatch;
  readonly leaseMs: number;
  readonly ids: IdRegister;
  readonly sides: SideFiles;
  readonly aside: SetAside;
  readonly worklist: Worklist;
  readonly replacing: Replacing;
  readonly warn: (message: string) => void;
}

type Of<Kind extends Settlement['kind']> = Extract<Settlement, { readonly kind: Kind }>;

/** Ends and renews deliveries: each is one rename or removal of its pending file, which fails where the lease was lost. */
export class Settling {
  /** What the files of deliveries are called whose leases could only be renewed by another name. */
  private readonly renamed = new Map<string, string>();

  constructor(private readonly setup: SettlingSetup) {}

  /** At once where nothing has to be waited for, as with a job that has completed: a promise more for each is felt. */
  settle(delivery: FilerDelivery, settlement: Settlement): boolean | Promise<boolean> {
    if (!isReceipt(delivery.receipt)) return false;
    const settled = this.end(delivery, settlement);
    if (typeof settled !== 'boolean') return settled.then((late) => this.settled(delivery, late));
    return this.settled(delivery, settled);
  }

  /** Renews the lease: its length counts from the file's change time. */
  extend(delivery: FilerDelivery): boolean {
    if (!isReceipt(delivery.receipt)) return false;
    const { disk, leaseMs, worklist } = this.setup;
    const until = performance.now() + leaseMs;
    try {
      const pending = this.pending(delivery);
      disk.touch(pending, disk.stat(pending).mtimeMs);
    } catch (error) {
      if (isGone(error)) return this.lost(delivery);
      // Only its owner may touch a file that another user has moved in; whoever may write in the folder may rename it.
      if (!isForbidden(error)) throw error;
      return this.renew(delivery, until);
    }
    worklist.rescue.hold(this.fileOf(delivery), until);
    return true;
  }

  private renew(delivery: FilerDelivery, until: number): boolean {
    const { disk, folders, leaseMs, owners, worklist } = this.setup;
    const file = pendingName(delivery.name, leaseMs, owners.self, Date.now());
    try {
      disk.rename(this.pending(delivery), folders.file('pending', file));
    } catch (error) {
      if (isGone(error)) return this.lost(delivery);
      throw error;
    }
    worklist.rescue.letGo(this.fileOf(delivery));
    worklist.rescue.hold(file, until);
    this.renamed.set(delivery.receipt, file);
    return true;
  }

  private settled(delivery: FilerDelivery, settled: boolean): boolean {
    this.setup.worklist.rescue.letGo(this.fileOf(delivery));
    this.renamed.delete(delivery.receipt);
    return settled;
  }

  private lost({ receipt }: FilerDelivery): false {
    this.renamed.delete(receipt);
    return false;
  }

  private end(delivery: FilerDelivery, settlement: Settlement): boolean | Promise<boolean> {
    switch (settlement.kind) {
      case 'completed':
        return this.complete(delivery);
      case 'again':
        return this.putBack(delivery, settlement);
      case 'replaced':
        return this.replace(delivery, settlement);
      default:
        return this.putAside(delivery, settlement);
    }
  }

  private complete(delivery: FilerDelivery): boolean | Promise<boolean> {
    if (!unlinkIfThere(this.setup.disk, this.pending(delivery))) return false;
    this.syncSoon('pending', delivery.from);
    if (delivery.side) this.setup.sides.remove(delivery.name.order);
    return delivery.name.registered ? this.release(delivery) : true;
  }

  private putBack(delivery: FilerDelivery, { at, countsAttempt, failures }: Of<'again'>): boolean {
    const { disk, folders, sides, worklist } = this.setup;
    const name = countsAttempt ? delivery.name : { ...delivery.name, attempts: delivery.name.attempts - 1 };
    const pending = this.pending(delivery);
    if (failures.length > 0) {
      if (!exists(disk, pending)) return false;
      sides.write(name.order, { failures, file: delivery.side?.file });
    }
    const folder = at > Date.now() ? 'delayed' : 'incoming';
    const file = folder === 'delayed' ? delayedName(name, at) : waitingName(name);
    try {
      disk.rename(pending, folders.file(folder, file));
    } catch (error) {
      if (isGone(error) && !exists(disk, pending)) return false;
      throw error;
    }
    this.syncSoon(folder, 'pending');
    worklist.add(folder, file);
    return true;
  }

  private async replace(delivery: FilerDelivery, { message }: Of<'replaced'>): Promise<boolean> {
    const { disk, leaseMs, replacing, sides, worklist } = this.setup;
    const place = await replacing.replace(
      {
        registered: delivery.name.registered,
        isThere: () => exists(disk, this.pending(delivery)),
        renew: () => this.renew(delivery, performance.now() + leaseMs),
        path: () => this.pending(delivery),
      },
      message,
    );
    if (!place) return false;
    if (delivery.side) sides.remove(delivery.name.order);
    this.syncSoon(place.folder, 'pending', ...(delivery.name.registered ? (['.ids'] as const) : []));
    worklist.add(place.folder, place.file);
    return true;
  }

  private async putAside(delivery: FilerDelivery, settlement: Of<'failed'> | Of<'expired'>): Promise<boolean> {
    const { aside, sides, disk } = this.setup;
    const { name, content } = delivery;
    const meta: Meta = {
      id: content.id,
      name: isUnreadable(content) ? undefined : content.name,
      state: settlement.kind,
      reason: settlement.reason,
      at: new Date().toISOString(),
      attempts: name.attempts,
      failures: settlement.failures,
      file: delivery.side?.file === undefined ? undefined : asText(delivery.side.file),
    };
    const pending = this.pending(delivery);
    if (settlement.kind === 'expired' && name.registered) {
      if (!exists(disk, pending)) return false;
      await this.release(delivery, pending);
    }
    const moved = await aside.move(pending, name.tail, meta);
    if (moved && delivery.side) sides.remove(name.order);
    return moved;
  }

  /** The job itself is settled by then: a fault here is told, and mended when the id is used again. */
  private async release(delivery: FilerDelivery, file?: string): Promise<true> {
    try {
      await this.setup.ids.release(delivery.content.id, file);
    } catch (error) {
      this.setup.warn(`filer: the id "${delivery.content.id}" could not be freed: ${(error as Error).message}`);
    }
    return true;
  }

  private syncSoon(...folders: readonly FolderName[]): void {
    const { durable, syncs } = this.setup;
    if (durable) syncs.soon(...folders.map((folder) => this.setup.folders.path(folder)));
  }

  private pending(delivery: FilerDelivery): string {
    return this.setup.folders.file('pending', this.fileOf(delivery));
  }

  private fileOf(delivery: FilerDelivery): string {
    return this.renamed.get(delivery.receipt) ?? delivery.receipt;
  }
}
