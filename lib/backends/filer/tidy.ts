import { statIfThere, unlinkIfThere, type Disk } from './disk.js';
import { isLeftDraft } from './drafts.js';
import type { Folders } from './folders.js';
import type { IdRegister } from './id-register.js';
import { livingJobs, namesIn } from './listing.js';
import type { OwnerWatch } from './owner.js';
import type { SetAside } from './set-aside.js';

const TIDY_EVERY_MS = 60_000;
const SELDOM_MS = 3_600_000;
/** How old a side file without a job has to be to count as left behind. */
const LEFT_AFTER_MS = 24 * 3_600_000;
const SIDE = /^\.([0-9a-f]{32})\.meta$/;

export interface TidySetup {
  readonly folders: Folders;
  readonly disk: Disk;
  readonly owners: OwnerWatch;
  readonly aside: SetAside;
  readonly ids: IdRegister;
}

/** Removes, from time to time, what processes that died have left half made, and expired jobs beyond their bounds. */
export class Tidy {
  private tidiedAt = -Infinity;
  private seldomAt = -Infinity;

  constructor(private readonly setup: TidySetup) {}

  async run(): Promise<void> {
    const now = performance.now();
    if (now - this.tidiedAt < TIDY_EVERY_MS) return;
    this.tidiedAt = now;
    await this.removeDrafts();
    await this.setup.aside.bound();
    if (now - this.seldomAt < SELDOM_MS) return;
    this.seldomAt = now;
    await this.setup.ids.tidy();
    await this.removeSides();
  }

  private async removeDrafts(): Promise<void> {
    const { disk, folders, owners } = this.setup;
    for await (const names of namesIn(disk, folders.path('tmp'))) {
      const left = names.filter((file) => isLeftDraft(disk, folders.path('tmp'), file, owners));
      for (const file of left) unlinkIfThere(disk, folders.file('tmp', file));
    }
  }

  private async removeSides(): Promise<void> {
    const { disk, folders } = this.setup;
    for (const file of await leftSides(disk, folders)) unlinkIfThere(disk, folders.file('delayed', file));
  }
}

/** The side files, old ones, whose jobs are gone. */
export async function leftSides(disk: Disk, folders: Folders): Promise<readonly string[]> {
  const left = new Map<string, string>();
  for await (const names of namesIn(disk, folders.path('delayed'))) {
    for (const file of names) {
      const order = SIDE.exec(file)?.[1];
      if (order !== undefined && isOld(disk, folders, file)) left.set(order, file);
    }
  }
  if (left.size === 0) return [];
  for await (const jobs of livingJobs(disk, folders)) for (const { order } of jobs) left.delete(order);
  // Written again meanwhile, it is of a job that lives.
  return [...left.values()].filter((file) => isOld(disk, folders, file));
}

function isOld(disk: Disk, folders: Folders, file: string): boolean {
  const stats = statIfThere(disk, folders.file('delayed', file));
  return stats !== undefined && Date.now() - stats.mtimeMs > LEFT_AFTER_MS;
}
