import { BackendError } from '../../core/backend.js';
import type { StoredRecord } from '../../core/records.js';
import { hasCode, type Disk } from './disk.js';
import { draftName } from './drafts.js';
import { exclusively } from './exclusive.js';
import { fault, isGone, unusable } from './folders.js';
import type { OwnerWatch } from './owner.js';
import { decodeRecord, encodeRecord, recordName } from './record-file.js';

export interface RecordFolderSetup {
  /** The directory of all queues, absolute, as a byte string. */
  readonly root: string;
  readonly disk: Disk;
  readonly owners: OwnerWatch;
}

/** Where records are: `.records`, no queue's name, and in it `.tmp` for drafts and locks. Made when it is first needed. */
export class RecordFolder {
  readonly path: string;
  readonly drafts: string;
  private made = false;

  constructor(private readonly setup: RecordFolderSetup) {
    this.path = `${setup.root}/.records`;
    this.drafts = `${this.path}/.tmp`;
  }

  /**
   * Does `act` on the folder, and once more where it was gone and could be made again.
   *
   * @throws BackendError naming the directory that can't be used
   */
  async use<T>(act: () => T | Promise<T>): Promise<T> {
    try {
      if (!this.made) this.make();
      try {
        return await act();
      } catch (error) {
        if (!isGone(error)) throw error;
        this.make();
        return await act();
      }
    } catch (error) {
      throw fault(this.path, error);
    }
  }

  /** The record of a key whose time is not over. */
  read(key: string): StoredRecord | undefined {
    const content = this.content(this.fileOf(key));
    if (content?.key !== key || content.expiresAt <= Date.now()) return undefined;
    return { text: content.text, expiresAt: content.expiresAt };
  }

  /** When the time of what a file holds ends, whoever's it is: -Infinity where that can't be read; undefined: no file. */
  endOf(name: string): number | undefined {
    const file = this.file(name);
    const content = this.content(file);
    if (content) return content.expiresAt;
    return this.isThere(file) ? -Infinity : undefined;
  }

  /**
   * Writes a record under a name of its own, whose modification time tells when it ends. Gives its descriptor, too, which
   * has to be closed.
   */
  draft(key: string, text: string, expiresAt: number): { readonly path: string; readonly descriptor: number } {
    const { disk, owners } = this.setup;
    const path = `${this.drafts}/${draftName(owners)}`;
    const descriptor = disk.create(path, encodeRecord(key, text, expiresAt));
    disk.touch(path, expiresAt);
    return { path, descriptor };
  }

  /** Does `act`, which is synchronous, while no other changes the record that has this file name, but for a first claim. */
  locked<T>(name: string, act: () => T): Promise<T> {
    return exclusively(this.setup.disk, `${this.drafts}/${name}.lock`, this.setup.owners, act);
  }

  file(name: string): string {
    return `${this.path}/${name}`;
  }

  fileOf(key: string): string {
    return this.file(recordName(key));
  }

  /** @throws where the folder itself is gone: then nobody knows what was there */
  private content(path: string): ReturnType<typeof decodeRecord> {
    const { disk } = this.setup;
    const small = disk.readSmall(path);
    if (small) return decodeRecord(small);
    try {
      const file = disk.open(path);
      return file && decodeRecord(file.read());
    } catch (error) {
      if (!isGone(error)) throw error;
      disk.checkDirectory(this.path);
      return undefined;
    }
  }

  private isThere(path: string): boolean {
    try {
      return this.setup.disk.stat(path).isFile();
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return false;
      throw error;
    }
  }

  private make(): void {
    const { disk, root } = this.setup;
    try {
      disk.checkDirectory(root);
    } catch (error) {
      throw unusable(root, error);
    }
    for (const path of [this.path, this.drafts]) {
      try {
        disk.makeDirectory(path);
        disk.checkDirectory(path);
      } catch (error) {
        throw unusable(path, error);
      }
    }
    this.made = true;
  }
}

/** What records that were closed say to all that is asked of them. */
export function closedError(): BackendError {
  return new BackendError('filer: it is closed', { passing: false });
}
