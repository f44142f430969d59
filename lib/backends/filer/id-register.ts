import { setTimeout } from 'node:timers/promises';
import { BackendError } from '../../core/backend.js';
import { isMadeHere } from '../../core/id.js';
import { hasCode, isFile, statIfThere, unlinkIfThere, type Disk } from './disk.js';
import { findDraft } from './drafts.js';
import { breakIfAbandoned, exclusively } from './exclusive.js';
import { tailOfId } from './file-name.js';
import type { Folders } from './folders.js';
import { livingJobs, namesIn } from './listing.js';
import type { OwnerWatch } from './owner.js';

/** How often it is looked again, and until when, whether another publisher has stored its job. */
const WAIT_MS = 2;
const GIVE_UP_AFTER_MS = 3_000;

/**
 * Which ids live in a queue. An id is registered by a hard link `.ids/<id>` to its job's file: while the job is in any
 * folder the file has two links, and once it is gone one, so that a process that dies between the two never leaves an
 * id taken. Ids made just now by the publisher are not registered, for nobody else can have them.
 */
export class IdRegister {
  constructor(
    private readonly folders: Folders,
    private readonly disk: Disk,
    private readonly owners: OwnerWatch,
  ) {}

  /** Registers the job whose draft this is. False where a job of its id lives. */
  async register(id: string, draft: string): Promise<boolean> {
    const entry = this.entry(id);
    if (!this.tryLink(draft, entry) && !(await this.takeOver(id, draft))) return false;
    if (!this.isFileOf(id, draft)) return true;
    this.disk.unlink(entry);
    return false;
  }

  /**
   * Which of these ids are those of living jobs that are not registered, for they were made here. Whoever knows such an
   * id knows it from the job, so it is enough to look before; and only where an id looks like one made here.
   */
  async unregistered(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const living = new Set<string>();
    const suspects = new Map(ids.filter(isMadeHere).map((id) => [tailOfId(id), id]));
    if (suspects.size === 0) return living;
    for await (const jobs of livingJobs(this.disk, this.folders)) {
      for (const { tail } of jobs) {
        const id = suspects.get(tail);
        if (id !== undefined) living.add(id);
      }
    }
    return living;
  }

  /** Registers a claimed job of others by its file, as far as that can be done at once. */
  adopt(id: string, file: string): boolean {
    const entry = this.entry(id);
    try {
      return this.tryLink(file, entry) || this.disk.stat(entry).ino === this.disk.stat(file).ino;
    } catch {
      // Some systems let nobody but a file's owner link it: then its id can be published again while it runs.
      return false;
    }
  }

  /** Frees the id of a job that has ended. Where its file is still somewhere, it has to be told from a later job's. */
  async release(id: string, file?: string): Promise<void> {
    const entry = this.entry(id);
    await this.locked(id, () => {
      const isOver = file === undefined ? this.links(entry) === 1 : this.isSame(entry, file);
      if (isOver) unlinkIfThere(this.disk, entry);
    });
  }

  /**
   * Makes a draft the file of a living job in the place of another: `prove` tells whether that job is held still, `swap`
   * puts the draft in its place. Nobody else finds the id free meanwhile. A kill in that instant frees it.
   *
   * @param link a name for a second link of the draft, which is gone afterwards
   */
  handOver(id: string, draft: string, link: string, prove: () => boolean, swap: () => true): Promise<boolean> {
    const { disk } = this;
    return this.locked(id, () => {
      if (!prove()) return false;
      disk.link(draft, link);
      disk.rename(link, this.entry(id));
      return swap();
    });
  }

  /** Removes what processes that died have left: entries of jobs that are gone, and locks. */
  async tidy(): Promise<void> {
    for await (const names of namesIn(this.disk, this.folders.path('.ids'))) {
      for (const name of names) {
        const path = this.folders.file('.ids', name);
        if (name.startsWith('.')) breakIfAbandoned(this.disk, path, this.owners);
        else if (this.links(path) === 1) await this.forget(name);
      }
    }
  }

  /** Removes an entry whose job is gone. */
  forget(name: string): Promise<void> {
    const entry = this.folders.file('.ids', name);
    return this.lockedByName(name, () => {
      if (this.links(entry) === 1) unlinkIfThere(this.disk, entry);
    });
  }

  private entry(id: string): string {
    return this.folders.file('.ids', tailOfId(id));
  }

  private locked<T>(id: string, act: () => T): Promise<T> {
    return this.lockedByName(tailOfId(id), act);
  }

  private lockedByName<T>(name: string, act: () => T): Promise<T> {
    return exclusively(this.disk, this.folders.file('.ids', `.${name}.lock`), this.owners, act);
  }

  private tryLink(from: string, to: string): boolean {
    try {
      this.disk.link(from, to);
      return true;
    } catch (error) {
      if (hasCode(error, 'EEXIST')) return false;
      throw error;
    }
  }

  /** Puts the draft in the place of an entry whose job is gone, or was never stored. False where the job lives. */
  private async takeOver(id: string, draft: string): Promise<boolean> {
    const entry = this.entry(id);
    for (let waited = 0; waited < GIVE_UP_AFTER_MS; waited += WAIT_MS) {
      const answer = await this.locked(id, () => {
        const state = this.stateOf(entry);
        if (state !== 'free') return state;
        unlinkIfThere(this.disk, entry);
        return this.tryLink(draft, entry) ? 'free' : 'storing';
      });
      if (answer !== 'storing') return answer === 'free';
      await setTimeout(WAIT_MS);
    }
    throw new BackendError(`filer: another process is still storing a job of the id "${id}"`, { passing: true });
  }

  /** What an entry stands for: nothing any more, a job that lives, or one that is still on its way into the queue. */
  private stateOf(entry: string): 'free' | 'lives' | 'storing' {
    const stats = statIfThere(this.disk, entry);
    if (!stats || stats.nlink < 2) return 'free';
    const draft = findDraft(this.disk, this.folders, stats.ino);
    if (!draft) return this.links(entry) < 2 ? 'free' : 'lives';
    if (!draft.isLeft(this.owners)) return 'storing';
    // Whoever left it told nobody that it was stored.
    unlinkIfThere(this.disk, draft.path);
    return 'free';
  }

  private links(entry: string): number {
    return statIfThere(this.disk, entry)?.nlink ?? 0;
  }

  private isSame(entry: string, file: string): boolean {
    return statIfThere(this.disk, entry)?.ino === statIfThere(this.disk, file)?.ino;
  }

  /** Whether another job waits or has failed under this id as its file's name: a foreign one, or one whose id was made here. */
  private isFileOf(id: string, draft: string): boolean {
    const tail = tailOfId(id);
    if (isFile(this.disk, this.folders.file('incoming', tail))) return true;
    const failed = statIfThere(this.disk, this.folders.file('errors', tail));
    return failed !== undefined && failed.isFile() && failed.ino !== this.disk.stat(draft).ino;
  }
}
