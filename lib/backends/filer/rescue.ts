import { exists, statIfThere, type Disk } from './disk.js';
import { parsePending, waitingName, type NamedJob, type PendingName } from './file-name.js';
import type { Folders } from './folders.js';
import { nameForeign } from './foreign.js';
import type { OwnerWatch } from './owner.js';

/** What is known of one pending file. */
interface Seen {
  readonly name: PendingName | undefined;
  /** The change time for which the rest holds: a renewal sets another. */
  changedMs: number;
  /** Since when it is seen unchanged, by a clock that never steps. */
  since: number;
  /** Whether it was seen to be renewed: then only that clock counts. */
  isRenewed: boolean;
  readonly leaseMs: number;
}

/** A step of the wall clock below this is none. In milliseconds. */
const SMALLEST_STEP_MS = 500;

export interface RescueSetup {
  readonly folders: Folders;
  readonly disk: Disk;
  readonly owners: OwnerWatch;
  /** Of files without a mark of ours. */
  readonly leaseMs: number;
  /** Hears of a foreign file before it gets a name of ours. */
  readonly adopt: (name: NamedJob, file: string) => void;
  /** Hears of each file that waits again. */
  readonly rescued: (file: string) => void;
}

/**
 * Takes jobs back from workers that are gone: at once from a process of this host that died, and from any other once
 * its lease has lapsed.
 *
 * A lease lapses by the wall clock, for another host's beginning is known by no other; but not while that clock has
 * just stepped, nor before its living owner was seen not to renew it. A lease seen unchanged for its whole length has
 * lapsed, whatever the wall clock says.
 */
export class Rescue {
  private readonly seen = new Map<string, Seen>();
  /** What this backend holds, and until when by a clock that never steps. */
  private readonly held = new Map<string, number>();
  private listedAt: number | undefined;
  private offset = Date.now() - performance.now();
  private trustWallAfter = 0;

  constructor(private readonly setup: RescueSetup) {}

  /** Whether there are files that others hold, so that it should look again soon. */
  get isWatching(): boolean {
    return this.seen.size > 0;
  }

  /** Leaves a file alone until its lease of our own has lapsed. */
  hold(file: string, until: number): void {
    this.held.set(file, until);
  }

  letGo(file: string): void {
    this.held.delete(file);
  }

  /** Looks at every pending file but those that this backend holds. */
  look(): void {
    this.noticeStep();
    this.takeBackOwn();
    this.list();
    const dead = new Map<string, boolean>();
    const isDead = (owner: string): boolean => {
      if (!dead.has(owner)) dead.set(owner, this.setup.owners.isDead(owner));
      return dead.get(owner) === true;
    };
    for (const [file, seen] of this.seen) {
      if ((seen.name && isDead(seen.name.owner)) || this.hasLapsed(file, seen)) this.takeBack(file, seen.name);
    }
  }

  /** Lets a file wait again whose worker is gone or has lost its lease. */
  takeBack(file: string, marked = parsePending(file)): void {
    const { disk, folders, adopt, rescued } = this.setup;
    const pending = folders.file('pending', file);
    this.seen.delete(file);
    const name = marked ?? nameForeign(disk, pending, file, false);
    if (!name) return;
    if (!marked) adopt(name, file);
    const waiting = waitingName(name);
    try {
      disk.rename(pending, folders.file('incoming', waiting));
    } catch (error) {
      if (exists(disk, pending)) throw error;
      return;
    }
    rescued(waiting);
  }

  /** Reads the directory's names, unless it has not changed since. */
  private list(): void {
    const { disk, folders } = this.setup;
    const path = folders.path('pending');
    const changedMs = disk.stat(path).mtimeMs;
    if (changedMs === this.listedAt) return;
    // A change of the same tick of the file system's clock would not be told apart.
    this.listedAt = Date.now() - changedMs > 50 ? changedMs : undefined;
    const there = new Set<string>();
    const names = disk.list(path);
    try {
      for (let entry = names.readSync(); entry; entry = names.readSync()) {
        if (!this.held.has(entry.name) && !entry.name.startsWith('.')) there.add(entry.name);
      }
    } finally {
      names.closeSync();
    }
    for (const file of this.seen.keys()) if (!there.has(file)) this.seen.delete(file);
    for (const file of there) if (!this.seen.has(file)) this.note(file);
  }

  private note(file: string): void {
    const stats = statIfThere(this.setup.disk, this.setup.folders.file('pending', file));
    if (!stats?.isFile()) return;
    const name = parsePending(file);
    this.seen.set(file, {
      name,
      changedMs: stats.ctimeMs,
      since: performance.now(),
      isRenewed: false,
      leaseMs: name?.leaseMs ?? this.setup.leaseMs,
    });
  }

  private hasLapsed(file: string, seen: Seen): boolean {
    if (!this.mayHaveLapsed(seen)) return false;
    const stats = statIfThere(this.setup.disk, this.setup.folders.file('pending', file));
    if (!stats) return this.seen.delete(file) && false;
    // Another time, be it an earlier one after the clock has stepped, is a renewal's.
    if (stats.ctimeMs === seen.changedMs) return true;
    seen.changedMs = stats.ctimeMs;
    seen.since = performance.now();
    seen.isRenewed = true;
    return false;
  }

  private mayHaveLapsed({ name, changedMs, since, isRenewed, leaseMs }: Seen): boolean {
    const unchangedMs = performance.now() - since;
    if (unchangedMs > leaseMs) return true;
    if (isRenewed || performance.now() < this.trustWallAfter) return false;
    if (Date.now() <= Math.max(changedMs, name?.claimedAt ?? 0) + leaseMs) return false;
    // It renews at a third of the lease: half of one unchanged is enough to see that it doesn't.
    const lives = name !== undefined && this.setup.owners.isAlive(name.owner);
    return !lives || unchangedMs > leaseMs / 2;
  }

  private takeBackOwn(): void {
    const now = performance.now();
    for (const [file, until] of this.held) {
      if (until > now) continue;
      this.held.delete(file);
      this.takeBack(file);
    }
  }

  private noticeStep(): void {
    const offset = Date.now() - performance.now();
    const step = offset - this.offset;
    this.offset = offset;
    if (step > SMALLEST_STEP_MS) this.trustWallAfter = performance.now() + this.setup.leaseMs;
  }
}
