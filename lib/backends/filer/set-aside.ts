import type { FailureRecord } from '../../core/failure-record.js';
import type { DirectorySyncs } from './directory-syncs.js';
import { exists, isFile, unlinkIfThere, type Disk } from './disk.js';
import { writeDraft } from './drafts.js';
import { exclusively } from './exclusive.js';
import { boundExpired } from './expired-bounds.js';
import { isGone, type Folders } from './folders.js';
import type { OwnerWatch } from './owner.js';

/** What `x.meta` says of a job that was set aside. */
export interface Meta {
  readonly id: string;
  /** Missing where the message can't be read. */
  readonly name?: string;
  readonly state: 'failed' | 'expired';
  readonly reason: string;
  /** When it was set aside; ISO 8601, UTC. */
  readonly at: string;
  readonly attempts: number;
  readonly failures: readonly FailureRecord[];
  /** The whole foreign name, where it was too long to keep. */
  readonly file?: string;
}

/** How many more jobs may expire before `expired/` is kept within its bounds again. */
const BOUND_EVERY = 1_000;

export interface SetAsideSetup {
  readonly folders: Folders;
  readonly disk: Disk;
  readonly syncs: DirectorySyncs;
  readonly owners: OwnerWatch;
  readonly durable: boolean;
  readonly newDraft: () => string;
  readonly warn: (message: string) => void;
}

/** Moves jobs that have failed or expired into `errors/` and `expired/`, each with its meta, never over another. */
export class SetAside {
  private expiredSince = 0;
  private bounding: Promise<void> | undefined;
  /** Metas that are about to be removed. */
  private readonly forgetting = new Set<Promise<void>>();

  constructor(private readonly setup: SetAsideSetup) {}

  /** Moves a pending file aside. False where it is gone. */
  async move(pending: string, tail: string, meta: Meta): Promise<boolean> {
    const { disk, folders, syncs, durable } = this.setup;
    const folder = meta.state === 'failed' ? 'errors' : 'expired';
    const draft = await writeDraft(this.setup, Buffer.from(`${JSON.stringify(meta, undefined, 2)}\n`));
    let moved = false;
    try {
      moved = await this.locked(folder, () => this.moveBoth(folder, draft, pending, tail));
    } finally {
      if (!moved) unlinkIfThere(disk, draft);
    }
    if (moved && durable) syncs.soon(folders.path(folder), folders.path('pending'));
    if (moved && folder === 'expired' && ++this.expiredSince >= BOUND_EVERY) await this.bound();
    return moved;
  }

  /** Whether a file of this name was in `errors/` and has left it: then its attempts start afresh. */
  hasLeftErrors(tail: string): boolean {
    const { disk, folders } = this.setup;
    return exists(disk, folders.file('errors', `${tail}.meta`)) && !isFile(disk, folders.file('errors', tail));
  }

  /** Removes the meta of a job that has left `errors/`, if it is one, soon. */
  forgetLeft(tail: string): void {
    if (!this.hasLeftErrors(tail)) return;
    const { disk, folders, warn } = this.setup;
    // Under the lock, for a job that is just being moved in has its meta there first.
    const done = this.locked('errors', () => {
      if (this.hasLeftErrors(tail)) unlinkIfThere(disk, folders.file('errors', `${tail}.meta`));
    })
      .catch((error: unknown) => warn(`filer: an old meta stays in errors/: ${(error as Error).message}`))
      .finally(() => this.forgetting.delete(done));
    this.forgetting.add(done);
  }

  /** Removes the meta of a job that was removed, unless another of its name is there by now. */
  forgetMeta(folder: 'errors' | 'expired', file: string): Promise<void> {
    const { disk, folders } = this.setup;
    return this.locked(folder, () => {
      if (!exists(disk, folders.file(folder, file))) unlinkIfThere(disk, folders.file(folder, `${file}.meta`));
    });
  }

  /** Keeps `expired/` within its bounds. */
  bound(): Promise<void> {
    this.expiredSince = 0;
    this.bounding ??= boundExpired(this.setup.disk, this.setup.folders).finally(() => {
      this.bounding = undefined;
    });
    return this.bounding;
  }

  /** Resolves once nothing is under way. */
  async idle(): Promise<void> {
    await Promise.allSettled([...this.forgetting, this.bounding]);
  }

  /** The meta first, so that no job there is without. */
  private moveBoth(folder: 'errors' | 'expired', draft: string, pending: string, tail: string): boolean {
    const { disk, folders } = this.setup;
    if (!exists(disk, pending)) return false;
    const free = this.freeName(folder, tail);
    const meta = folders.file(folder, `${free}.meta`);
    disk.rename(draft, meta);
    try {
      disk.rename(pending, folders.file(folder, free));
      return true;
    } catch (error) {
      unlinkIfThere(disk, meta);
      // Another has taken it back in this moment.
      if (isGone(error) && !exists(disk, pending)) return false;
      throw error;
    }
  }

  private locked<T>(folder: 'errors' | 'expired', act: () => T): Promise<T> {
    const { disk, folders, owners } = this.setup;
    return exclusively(disk, folders.file(folder, '.lock'), owners, act);
  }

  private freeName(folder: 'errors' | 'expired', tail: string): string {
    const { disk, folders } = this.setup;
    let free = tail;
    for (let n = 2; exists(disk, folders.file(folder, free)); n++) free = `${tail}~${n}`;
    return free;
  }
}
