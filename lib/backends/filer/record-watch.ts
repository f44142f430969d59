import { asText } from './file-name.js';
import { statIfThere, type Disk } from './disk.js';
import { Notices } from './notices.js';

/** Changes of the same tick of the file system's clock can't be told apart; a tick is 10 ms at most. */
const TICK_MS = 50;

export interface RecordWatchSetup {
  /** Where the records are. */
  readonly path: string;
  readonly disk: Disk;
  readonly sweepMs: number;
  readonly warn: (message: string) => void;
}

/** One record that is watched. */
interface Watched {
  readonly listeners: Set<() => void>;
  /** Tells the file that was there when the listeners were told last from any other. */
  mark: string;
}

/**
 * Tells who watches a record that it was set: by the file system's notices, and by looking where they were dropped or
 * there are none. While nobody watches, it costs nothing.
 */
export class RecordWatch {
  private readonly watched = new Map<string, Watched>();
  private notices: Notices | undefined;
  private inode = 0;
  /** The folder's modification time for which the last look holds; undefined where it holds for none. */
  private lookedAt: number | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isBlind = false;
  private warned = false;

  constructor(private readonly setup: RecordWatchSetup) {}

  /** Gives what ends it. */
  add(name: string, listener: () => void): () => void {
    const watched = this.watched.get(name) ?? { listeners: new Set(), mark: this.markOf(name) };
    if (!this.notices) this.begin();
    this.watched.set(name, watched);
    // One of its own, for the same function may watch twice.
    const told = (): void => listener();
    watched.listeners.add(told);
    return () => this.remove(name, told);
  }

  /** Hears that this process has set a record: where there are no notices, that is told at once. */
  stored(name: string): void {
    if (this.isBlind) this.tell(name);
  }

  close(): void {
    this.watched.clear();
    this.end();
  }

  private remove(name: string, told: () => void): void {
    const watched = this.watched.get(name);
    if (!watched?.listeners.delete(told)) return;
    if (watched.listeners.size === 0) this.watched.delete(name);
    if (this.watched.size === 0) this.end();
  }

  private begin(): void {
    const { path, disk } = this.setup;
    this.notices?.close();
    this.isBlind = false;
    this.lookedAt = undefined;
    this.inode = disk.stat(path).ino;
    this.notices = new Notices({
      path,
      isOwn: (file) => !this.watched.has(file),
      changed: (file) => this.tell(file),
      overflowed: () => this.tellAll(),
      replaced: () => {
        this.inode = 0;
      },
      failed: (error) => this.fail(error),
    });
    this.schedule();
  }

  private end(): void {
    this.notices?.close();
    this.notices = undefined;
    clearTimeout(this.timer);
    this.timer = undefined;
  }

  private schedule(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.sweep(), this.setup.sweepMs).unref();
  }

  /** The net: tells of what no notice told. */
  private sweep(): void {
    try {
      const { ino, mtimeMs } = this.setup.disk.stat(this.setup.path);
      if (ino !== this.inode) {
        this.begin();
        this.tellAll();
      } else if (mtimeMs !== this.lookedAt) {
        this.lookedAt = Date.now() - mtimeMs > TICK_MS ? mtimeMs : undefined;
        for (const [name, { mark }] of this.watched) if (this.markOf(name) !== mark) this.tell(name);
      }
    } catch {
      // The folder is gone, or can't be used: all are told once it is back.
      this.inode = 0;
    }
    if (this.notices) this.schedule();
  }

  private tellAll(): void {
    for (const name of [...this.watched.keys()]) this.tell(name);
  }

  private tell(name: string): void {
    const watched = this.watched.get(name);
    if (!watched) return;
    try {
      watched.mark = this.markOf(name);
    } catch {
      // Whoever looks now meets the same fault.
    }
    for (const told of [...watched.listeners]) told();
  }

  private markOf(name: string): string {
    const stats = statIfThere(this.setup.disk, `${this.setup.path}/${name}`);
    return stats ? `${stats.ino} ${stats.ctimeMs} ${stats.size}` : '';
  }

  private fail(error: unknown): void {
    this.isBlind = true;
    if (this.warned) return;
    this.warned = true;
    this.setup.warn(
      `filer: the system gives no notices of changes in ${asText(this.setup.path)}: ${(error as Error).message}. ` +
        `Records that other processes set are seen by the sweep, every ${this.setup.sweepMs} ms.`,
    );
  }
}
