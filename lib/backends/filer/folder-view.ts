import { setImmediate } from 'node:timers/promises';
import type { Disk } from './disk.js';
import { isLeftAlone } from './file-name.js';
import { Notices } from './notices.js';

/** A scan may take at most this share of the time. */
const SCAN_SHARE = 0.05;
/** Changes of the same tick of the file system's clock can't be told apart; a tick is 10 ms at most. */
const TICK_MS = 50;
const LONGEST_TURN_MS = 3;

export interface FolderViewSetup {
  readonly path: string;
  readonly disk: Disk;
  /** Hears of a file that a scan has found. */
  readonly found: (file: string) => void;
  /** Whether a notice tells of a move of our own. */
  readonly isOwn: (file: string) => boolean;
  /** Hears of a file that another brought or took. */
  readonly changed: (file: string) => void;
  /** Called once a scan has told all that is there. */
  readonly scanned: () => void;
  /** Hears what an operator should know. */
  readonly warn: (error: unknown) => void;
}

/**
 * What comes into a folder: all that is there when it is opened, then by the file system's notices, and by scans where
 * notices were dropped, or where the folder has changed without one, as on shared file systems.
 */
export class FolderView {
  private notices: Notices | undefined;
  private inode = 0;
  /** The folder's modification time for which the last scan holds; undefined where it holds for none. */
  private scannedAt: number | undefined;
  private scanning: Promise<void> | undefined;
  private nextScanAt = 0;
  private closed = false;

  constructor(private readonly setup: FolderViewSetup) {}

  /** Begins to watch, then tells what is there. */
  async open(): Promise<void> {
    this.watch();
    await this.scan();
  }

  close(): void {
    this.closed = true;
    this.notices?.close();
  }

  /** The net: scans where the folder is another one, or has changed since the last scan. */
  async sweep(): Promise<void> {
    const { ino, mtimeMs } = this.setup.disk.stat(this.setup.path);
    if (ino !== this.inode) this.watch();
    else if (mtimeMs === this.scannedAt) return;
    if (performance.now() >= this.nextScanAt) await this.scan();
  }

  /** Tells every file that is there; a scan that is under way is waited for. */
  scan(): Promise<void> {
    this.scanning ??= this.readAll().finally(() => {
      this.scanning = undefined;
    });
    return this.scanning;
  }

  private watch(): void {
    this.notices?.close();
    const { path, disk, isOwn, changed, warn } = this.setup;
    this.inode = disk.stat(path).ino;
    this.scannedAt = undefined;
    this.nextScanAt = 0;
    if (this.closed) return;
    this.notices = new Notices({
      path,
      isOwn,
      changed,
      overflowed: () => this.rescan(),
      // Told apart by its inode alone, a new directory may pass for the old one.
      replaced: () => {
        this.inode = 0;
      },
      failed: warn,
    });
  }

  private rescan(): void {
    void (this.scanning ?? Promise.resolve())
      .then(() => this.scan())
      .catch(() => {
        // The next sweep meets the same fault where it can be told.
        this.scannedAt = undefined;
      });
  }

  private async readAll(): Promise<void> {
    const { disk, path, found, scanned } = this.setup;
    const began = performance.now();
    const { mtimeMs } = disk.stat(path);
    const stable = Date.now() - mtimeMs > TICK_MS;
    const names = disk.list(path);
    try {
      let turnBegan = began;
      let held = 0;
      for (;;) {
        const entry = names.readSync();
        if (!entry || this.closed) break;
        if (entry.isFile() && !isLeftAlone(entry.name)) found(entry.name);
        if (performance.now() - turnBegan < LONGEST_TURN_MS) continue;
        held += performance.now() - turnBegan;
        await setImmediate();
        turnBegan = performance.now();
      }
      this.scannedAt = stable ? mtimeMs : undefined;
      this.nextScanAt = performance.now() + (held + performance.now() - turnBegan) / SCAN_SHARE;
    } finally {
      names.closeSync();
    }
    scanned();
  }
}
