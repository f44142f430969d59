import type { Records, StoredRecord } from '../../core/records.js';
import type { DirectorySyncs } from './directory-syncs.js';
import { hasCode, unlinkIfThere, type Disk } from './disk.js';
import type { OwnerWatch } from './owner.js';
import { recordName } from './record-file.js';
import { closedError, RecordFolder } from './record-folder.js';
import { RecordTidy } from './record-tidy.js';
import { RecordWatch } from './record-watch.js';
import { Turnstile } from './turnstile.js';

/** How many drafts are open at a time. */
const AT_A_TIME = 64;

export interface FilerRecordsSetup {
  /** The directory of all queues, absolute, as a byte string. */
  readonly root: string;
  readonly durable: boolean;
  readonly sweepMs: number;
  readonly disk: Disk;
  readonly owners: OwnerWatch;
  readonly syncs: DirectorySyncs;
  readonly warn: (message: string) => void;
}

/** Records as files: written as drafts, then put in their place in one step. */
export class FilerRecords implements Records {
  private readonly folder: RecordFolder;
  private readonly watching: RecordWatch;
  private readonly tidy: RecordTidy;
  private readonly drafting = new Turnstile(AT_A_TIME);
  /** What this process changes, one after the other for each record, so that the last that was asked for counts. */
  private readonly changes = new Map<string, Promise<unknown>>();
  private closed = false;

  constructor(private readonly setup: FilerRecordsSetup) {
    this.folder = new RecordFolder(setup);
    this.watching = new RecordWatch({ ...setup, path: this.folder.path });
    this.tidy = new RecordTidy({ ...setup, folder: this.folder });
  }

  set(key: string, text: string, ttlMs: number): Promise<void> {
    const expiresAt = Date.now() + ttlMs;
    return this.change(key, async (name) => {
      await this.withDraft(key, text, expiresAt, (draft) =>
        this.folder.locked(name, () => this.setup.disk.rename(draft, this.folder.file(name))),
      );
      this.watching.stored(name);
      this.tidy.expect(expiresAt);
      await this.sync();
    });
  }

  claim(key: string, text: string, ttlMs: number): Promise<StoredRecord | undefined> {
    const expiresAt = Date.now() + ttlMs;
    return this.change(key, async (name) => {
      const living =
        this.folder.read(key) ??
        (await this.withDraft(key, text, expiresAt, (draft) =>
          this.folder.locked(name, () => this.claimWith(draft, key, name)),
        ));
      if (!living) this.tidy.expect(expiresAt);
      // Whoever is told of another's may rely on it, too.
      await this.sync();
      return living;
    });
  }

  swap(key: string, from: string, to: string, ttlMs: number): Promise<boolean> {
    const expiresAt = Date.now() + ttlMs;
    return this.change(key, async (name) => {
      if (this.folder.read(key)?.text !== from) return false;
      const swapped = await this.withDraft(key, to, expiresAt, (draft) =>
        this.folder.locked(name, () => {
          if (this.folder.read(key)?.text !== from) return false;
          this.setup.disk.rename(draft, this.folder.file(name));
          return true;
        }),
      );
      if (!swapped) return false;
      this.watching.stored(name);
      this.tidy.expect(expiresAt);
      await this.sync();
      return true;
    });
  }

  get(key: string): Promise<StoredRecord | undefined> {
    return this.use(() => this.folder.read(key));
  }

  delete(key: string, text?: string): Promise<boolean> {
    return this.change(key, async (name) => {
      const removed = await this.folder.locked(name, () => {
        const living = this.folder.read(key);
        const isMeant = living !== undefined && (text === undefined || living.text === text);
        return isMeant && unlinkIfThere(this.setup.disk, this.folder.file(name));
      });
      if (removed && this.setup.durable) this.setup.syncs.soon(this.folder.path);
      return removed;
    });
  }

  watch(key: string, listener: () => void): Promise<() => void> {
    return this.use(() => this.watching.add(recordName(key), listener));
  }

  /** Ends all watching, and waits for what is under way. */
  async close(): Promise<void> {
    this.closed = true;
    this.watching.close();
    this.tidy.close();
    await Promise.allSettled(this.changes.values());
  }

  /** Puts a draft where no record is whose time is not over; gives the one that is. */
  private claimWith(draft: string, key: string, name: string): StoredRecord | undefined {
    const { disk } = this.setup;
    const living = this.folder.read(key);
    if (living) return living;
    const file = this.folder.file(name);
    try {
      disk.link(draft, file);
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
      // One whose time is over, or that a power cut has torn.
      disk.rename(draft, file);
    }
    return undefined;
  }

  private withDraft<T>(key: string, text: string, expiresAt: number, act: (draft: string) => Promise<T>): Promise<T> {
    const { disk, durable } = this.setup;
    return this.drafting.pass(async () => {
      const { path, descriptor } = this.folder.draft(key, text, expiresAt);
      try {
        try {
          if (durable) await disk.syncFile(descriptor);
        } finally {
          disk.closeFile(descriptor);
        }
        return await act(path);
      } finally {
        this.discard(path);
      }
    });
  }

  private discard(draft: string): void {
    try {
      unlinkIfThere(this.setup.disk, draft);
    } catch {
      // What is left of it is removed once this process is gone.
    }
  }

  private async sync(): Promise<void> {
    if (this.setup.durable) await this.setup.syncs.sync(this.folder.path);
  }

  private change<T>(key: string, act: (name: string) => Promise<T>): Promise<T> {
    const name = recordName(key);
    const turn = (): Promise<T> => this.use(() => act(name));
    const before = this.changes.get(name);
    const change = before ? before.then(turn, turn) : turn();
    const done = (): void => {
      if (this.changes.get(name) === change) this.changes.delete(name);
    };
    this.changes.set(name, change);
    change.then(done, done);
    return change;
  }

  private async use<T>(act: () => T | Promise<T>): Promise<T> {
    if (this.closed) throw closedError();
    this.tidy.used();
    return this.folder.use(act);
  }
}
