import { setImmediate } from 'node:timers/promises';
import { statIfThere, unlinkIfThere, type Disk } from './disk.js';
import { isLeftDraft } from './drafts.js';
import { breakIfAbandoned } from './exclusive.js';
import { namesIn } from './listing.js';
import type { OwnerWatch } from './owner.js';
import { isRecordName } from './record-file.js';
import type { RecordFolder } from './record-folder.js';

/** How long after a use of records it looks, at the latest, for what others have left. */
const LOOK_AFTER_MS = 60_000;
/** The same after it has failed. */
const AGAIN_AFTER_MS = 5_000;
/** The longest that it sleeps while there are records. */
const LONGEST_SLEEP_MS = 3_600_000;
/** The shortest time between two looks, and the largest share of the time that they take. */
const SHORTEST_SLEEP_MS = 1_000;
const SHARE = 0.01;
/** For how long the event loop is held. */
const LONGEST_TURN_MS = 3;

export interface RecordTidySetup {
  readonly folder: RecordFolder;
  readonly disk: Disk;
  readonly owners: OwnerWatch;
}

/**
 * Removes records whose time is over, whoever stored them, and what processes that died have left half made. It looks
 * when the first record ends that it knows of; where there are none, not at all.
 */
export class RecordTidy {
  private timer: NodeJS.Timeout | undefined;
  /** When it looks next, and not before when; milliseconds since 1970 and by the clock that never steps. */
  private nextAt = Infinity;
  private notBefore = -Infinity;
  private looking = false;
  /** For how long the last look held the event loop. */
  private heldMs = 0;
  private closed = false;

  constructor(private readonly setup: RecordTidySetup) {}

  /** Hears that records are used, so that others may have left some. */
  used(): void {
    this.expect(Date.now() + LOOK_AFTER_MS);
  }

  /** Hears when a record ends; milliseconds since 1970. */
  expect(endsAt: number): void {
    if (this.closed || endsAt >= this.nextAt) return;
    this.nextAt = endsAt;
    if (this.looking) return;
    const sleep = Math.max(endsAt - Date.now(), this.notBefore - performance.now(), 0) + 1;
    clearTimeout(this.timer);
    // What is left of it is tidied by whoever uses records next.
    this.timer = setTimeout(() => void this.look(), Math.min(sleep, LONGEST_SLEEP_MS)).unref();
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  private async look(): Promise<void> {
    this.looking = true;
    this.nextAt = Infinity;
    this.heldMs = 0;
    let first: number;
    try {
      first = await this.tidy();
    } catch {
      // Records work without it; what can't be used is told to those who use it.
      first = Date.now() + AGAIN_AFTER_MS;
    }
    this.notBefore = performance.now() + Math.max(SHORTEST_SLEEP_MS, this.heldMs / SHARE);
    this.looking = false;
    // Those that were heard of meanwhile, too.
    const next = Math.min(first, this.nextAt);
    this.nextAt = Infinity;
    if (next < Infinity) this.expect(next);
  }

  /** Gives when the first ends of those that are left. */
  private async tidy(): Promise<number> {
    const { disk, folder, owners } = this.setup;
    let first = Infinity;
    let turnBegan = performance.now();
    for await (const names of namesIn(disk, folder.path)) {
      for (const name of names) {
        if (this.closed) return Infinity;
        if (isRecordName(name)) first = Math.min(first, await this.endOrRemove(name));
        const turnMs = performance.now() - turnBegan;
        if (turnMs < LONGEST_TURN_MS) continue;
        this.heldMs += turnMs;
        await setImmediate();
        turnBegan = performance.now();
      }
    }
    for await (const names of namesIn(disk, folder.drafts)) {
      for (const name of names) {
        const path = `${folder.drafts}/${name}`;
        if (name.endsWith('.lock')) breakIfAbandoned(disk, path, owners);
        else if (isLeftDraft(disk, folder.drafts, name, owners)) unlinkIfThere(disk, path);
      }
    }
    return first;
  }

  /** When a record ends; Infinity of one that has ended, and is removed. */
  private endOrRemove(name: string): Promise<number> | number {
    const { disk, folder } = this.setup;
    const stats = statIfThere(disk, folder.file(name));
    if (!stats?.isFile()) return Infinity;
    // Whole milliseconds that went through the floating seconds of a file's times.
    const end = Math.round(stats.mtimeMs);
    if (end > Date.now()) return end;
    return folder.locked(name, () => {
      // Its content counts: it may be a copy with times of its own, or another by now.
      const endsAt = folder.endOf(name) ?? Infinity;
      if (endsAt > Date.now()) {
        if (endsAt < Infinity) disk.touch(folder.file(name), endsAt);
        return endsAt;
      }
      unlinkIfThere(disk, folder.file(name));
      return Infinity;
    });
  }
}
