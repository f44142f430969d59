import type { Delivery } from '../../core/backend.js';
import { readContents } from './contents.js';
import { exists, isLacking, type Disk } from './disk.js';
import { asText, isShortened, parseWaiting, pendingName, type NamedJob } from './file-name.js';
import { undelayed } from './standing.js';
import { isGone, type Folders } from './folders.js';
import type { IdRegister } from './id-register.js';
import type { OwnerWatch } from './owner.js';
import type { SetAside } from './set-aside.js';
import type { Entry } from './shelf.js';
import type { SideFile, SideFiles } from './side-files.js';
import type { Worklist } from './worklist.js';

/** A delivery of the filer; the receipt is its file's name in `pending/`. */
export interface FilerDelivery extends Delivery {
  readonly name: NamedJob;
  /** The folder that it was claimed from. */
  readonly from: Entry['folder'];
  readonly side: SideFile | undefined;
}

/** One job on its way from a folder into `pending/`. */
interface Claim {
  readonly entry: Entry;
  readonly name: NamedJob;
  readonly isForeign: boolean;
  readonly origin: string;
  readonly receipt: string;
  readonly pending: string;
}

/** For how long the event loop is held by claims, in milliseconds. */
const LONGEST_TURN_MS = 4;

export interface ClaimsSetup {
  readonly queue: string;
  readonly folders: Folders;
  readonly disk: Disk;
  readonly owners: OwnerWatch;
  readonly leaseMs: number;
  readonly ids: IdRegister;
  readonly sides: SideFiles;
  readonly aside: SetAside;
  readonly worklist: Worklist;
}

/** Claims jobs: the rename into `pending/` decides who has one. */
export class Claims {
  constructor(private readonly setup: ClaimsSetup) {}

  /** Claims up to `max` of the jobs that are due, the most urgent first; less where that would take long. */
  claim(max: number): FilerDelivery[] {
    const claimed: FilerDelivery[] = [];
    const began = performance.now();
    while (claimed.length < max && performance.now() - began < LONGEST_TURN_MS) {
      const entry = this.setup.worklist.take();
      if (!entry) break;
      try {
        const delivery = this.claimOne(entry);
        if (delivery) claimed.push(delivery);
      } catch (error) {
        // What is claimed is handed out; the next call meets the fault again if it lasts.
        if (claimed.length === 0) throw error;
        break;
      }
    }
    return claimed;
  }

  private claimOne(entry: Entry): FilerDelivery | undefined {
    const { disk, folders, leaseMs, owners, worklist } = this.setup;
    const before = parseWaiting(entry.key) as NamedJob;
    const name: NamedJob = { ...before, attempts: before.attempts + 1 };
    const isForeign = entry.folder === 'incoming' && entry.key !== entry.file;
    if (isForeign && !this.adopt(name, entry)) return undefined;
    const leasedAt = performance.now();
    const receipt = pendingName(name, leaseMs, owners.self, Date.now());
    const origin = folders.file(entry.folder, entry.file);
    const pending = folders.file('pending', receipt);
    try {
      disk.rename(origin, pending);
    } catch (error) {
      if (isGone(error) && !exists(disk, origin)) return this.lostRace(name, isForeign);
      worklist.putBack(entry);
      // Another had it for a moment. Else it is the folder of claimed jobs that is gone.
      if (isGone(error) && exists(disk, folders.path('pending'))) return undefined;
      throw error;
    }
    worklist.moved(entry);
    worklist.rescue.hold(receipt, leasedAt + leaseMs);
    return this.deliver({ entry, name, isForeign, origin, receipt, pending }, leasedAt);
  }

  /** Keeps what its own name won't tell any more; false where that can't be done now. */
  private adopt(name: NamedJob, entry: Entry): boolean {
    try {
      this.setup.worklist.adopt(name, entry.file);
      return true;
    } catch (error) {
      this.setup.worklist.park(entry, error);
      return false;
    }
  }

  private deliver(claim: Claim, leasedAt: number): FilerDelivery | undefined {
    const { entry, name, isForeign, receipt, pending } = claim;
    const { queue, disk, ids, sides, aside } = this.setup;
    try {
      const side = name.attempts > 1 || isShortened(name.tail) ? sides.read(name.order) : undefined;
      const contents = readContents(disk, pending, asText(side?.file ?? name.tail));
      if (!contents) return this.leaveAlone(claim);
      if (isForeign) aside.forgetLeft(name.tail);
      return {
        queue,
        receipt,
        attempt: name.attempts,
        content: undelayed(contents.content, name, entry),
        storedAt: contents.storedAt,
        leasedAt,
        failures: side?.failures ?? [],
        name: isForeign && ids.adopt(contents.content.id, pending) ? { ...name, registered: true } : name,
        from: entry.folder,
        side,
      };
    } catch (error) {
      this.giveBack(claim, error);
      return undefined;
    }
  }

  private lostRace(name: NamedJob, isForeign: boolean): undefined {
    if (isForeign && isShortened(name.tail)) this.setup.sides.remove(name.order);
  }

  /** Puts back what is no file; somebody has put it in a job's place. */
  private leaveAlone({ entry, origin, receipt, pending }: Claim): undefined {
    const { disk, folders, worklist } = this.setup;
    disk.rename(pending, exists(disk, origin) ? folders.file('incoming', entry.key) : origin);
    worklist.rescue.letGo(receipt);
  }

  /**
   * Puts back what could not be read: for the next call, where this process lacks something, else until the next sweep.
   * A foreign file gets a name of ours, for its own may be another's by now.
   */
  private giveBack({ entry, receipt, pending }: Claim, error: unknown): void {
    const { disk, folders, worklist } = this.setup;
    const back = entry.folder === 'incoming' ? { ...entry, file: entry.key } : entry;
    disk.rename(pending, folders.file(back.folder, back.file));
    worklist.moved(back);
    worklist.rescue.letGo(receipt);
    if (!isLacking(error)) return worklist.park(back, error);
    worklist.putBack(back);
    throw error;
  }
}
