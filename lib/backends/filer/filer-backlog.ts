import { setImmediate } from 'node:timers/promises';
import type { DroppedJob } from '../../core/backlog.js';
import { hasCode, type Disk } from './disk.js';
import { isLeftAlone, parseDelayed, parseWaiting } from './file-name.js';
import { fault, isGone, type Folders } from './folders.js';
import { namesIn } from './listing.js';
import type { Removing } from './removing.js';
import type { Worklist } from './worklist.js';

type Folder = 'incoming' | 'delayed';

/** A job's file that nobody has claimed, and what stands for its age. */
interface Waiting {
  readonly folder: Folder;
  readonly file: string;
  /** Sorts by the time of publishing; undefined of a foreign file. */
  readonly order: string | undefined;
}

/** Listings may take at most this share of the time: a large folder is known from the last one and what came from here since. */
const LISTING_SHARE = 0.05;
/** So few files are listed whenever somebody asks, however long it took: a slow moment is no large folder. */
const FEW = 1_000;
/** How many of the oldest are remembered, so that not each that is dropped costs a listing. */
const REMEMBERED = 1_000;
/** How many files are looked at before the event loop has its turn. */
const AT_A_TIME = 256;

export interface FilerBacklogSetup {
  readonly folders: Folders;
  readonly disk: Disk;
  readonly removing: Removing;
  readonly worklist: Worklist;
}

/** What waits in a queue: from the worklist where this process reads the queue, else from its folders. */
export class FilerBacklog {
  /** From the last listing, and what this process has stored since. */
  private listed = new Map<string, Waiting>();
  private listing: Promise<void> | undefined;
  private nextListingAt = 0;
  /** The bytes of files of ours, which never change. */
  private sizes = new Map<string, number>();
  private oldest: Waiting[] = [];

  constructor(private readonly setup: FilerBacklogSetup) {}

  /** Hears of each file that this process has stored: that counts until what waits is listed again. */
  stored(folder: Folder, file: string): void {
    if (this.listing || performance.now() < this.nextListingAt) this.listed.set(file, waitingOf(folder, file));
  }

  /** Hears of each file that this process has taken away unhandled. */
  taken(file: string): void {
    this.listed.delete(file);
  }

  async jobs(): Promise<number> {
    return this.setup.worklist.isOpen ? this.setup.worklist.size : (await this.known()).size;
  }

  async bytes(): Promise<number> {
    const sizes = new Map<string, number>();
    let sum = 0;
    let looked = 0;
    for (const one of (await this.all()).values()) {
      const size = this.sizes.get(one.file) ?? this.sizeOf(one);
      sum += size;
      if (one.order !== undefined) sizes.set(one.file, size);
      if (++looked % AT_A_TIME === 0) await setImmediate();
    }
    this.sizes = sizes;
    return sum;
  }

  /** Each goes by the removal of its file, which one process does; a claimed one is elsewhere by then. */
  async dropOldest(count: number): Promise<readonly DroppedJob[]> {
    const dropped: DroppedJob[] = [];
    let refilled = false;
    while (dropped.length < count) {
      const next = this.oldest.shift();
      if (next) {
        const job = await this.setup.removing.remove(next.folder, next.file);
        if (job) dropped.push(job);
      } else if (refilled) break;
      else {
        await this.refill(count - dropped.length);
        refilled = true;
      }
    }
    return dropped;
  }

  /** Looks for the oldest; among delayed ones only where no other waits, and for no more than are to be dropped now. */
  private async refill(count: number): Promise<void> {
    this.nextListingAt = 0;
    const now = Date.now();
    const all = [...(await this.all()).values()];
    const isDue = ({ folder, file }: Waiting): boolean =>
      folder === 'incoming' || (parseDelayed(file)?.due ?? 0) <= now;
    const due = all.filter(isDue).sort(byAge).slice(0, Math.max(count, REMEMBERED));
    const later = all.filter((one) => !isDue(one)).sort(byAge);
    this.oldest = due.length >= count ? due : [...due, ...later.slice(0, count - due.length)];
  }

  private all(): Promise<ReadonlyMap<string, Waiting>> {
    const { worklist } = this.setup;
    if (!worklist.isOpen) return this.known();
    const all = new Map<string, Waiting>();
    for (const [file, key] of worklist.files()) {
      const folder = parseDelayed(file) ? 'delayed' : 'incoming';
      all.set(file, { folder, file, order: parseWaiting(parseDelayed(file)?.waiting ?? key)?.order });
    }
    return Promise.resolve(all);
  }

  private async known(): Promise<ReadonlyMap<string, Waiting>> {
    if (performance.now() >= this.nextListingAt) {
      this.listing ??= this.list().finally(() => (this.listing = undefined));
      await this.listing;
    }
    return this.listed;
  }

  private async list(): Promise<void> {
    const { disk, folders } = this.setup;
    const began = performance.now();
    // What is stored meanwhile is added to this one.
    const found = new Map<string, Waiting>();
    this.listed = found;
    try {
      for (const folder of ['incoming', 'delayed'] as const) {
        for await (const names of namesIn(disk, folders.path(folder))) {
          for (const file of names) if (isJob(folder, file)) found.set(file, waitingOf(folder, file));
        }
      }
    } catch (error) {
      if (!isGone(error)) throw fault(folders.path('incoming'), error);
    }
    const now = performance.now();
    if (found.size > FEW) this.nextListingAt = now + (now - began) / LISTING_SHARE;
  }

  private sizeOf({ folder, file }: Waiting): number {
    const path = this.setup.folders.file(folder, file);
    try {
      const stats = this.setup.disk.stat(path);
      return stats.isFile() ? stats.size : 0;
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return 0;
      throw fault(path, error);
    }
  }
}

function isJob(folder: Folder, file: string): boolean {
  return folder === 'incoming' ? !isLeftAlone(file) : parseDelayed(file) !== undefined;
}

function waitingOf(folder: Folder, file: string): Waiting {
  return { folder, file, order: parseWaiting(parseDelayed(file)?.waiting ?? file)?.order };
}

/** Foreign files behind ours: nobody knows since when they are there. */
function byAge(a: Waiting, b: Waiting): number {
  return (a.order ?? `~${a.file}`) < (b.order ?? `~${b.file}`) ? -1 : 1;
}
