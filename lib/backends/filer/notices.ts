import { readFileSync, watch, type FSWatcher } from 'node:fs';
import { basename } from 'node:path';
import { bytesOf } from './disk.js';

/** For how long the event loop is held, in milliseconds. */
const LONGEST_TURN_MS = 3;

export interface NoticesSetup {
  readonly path: string;
  /** Whether a notice tells of a move of our own. */
  readonly isOwn: (file: string) => boolean;
  /** Hears of each other file that came or went, by name. */
  readonly changed: (file: string) => void;
  /** Called where notices may have been dropped, for so many came at a time. */
  readonly overflowed: () => void;
  /** Called where the directory itself may be gone: another in its place has to be watched anew. */
  readonly replaced: () => void;
  /** Hears why there are no notices. */
  readonly failed: (error: unknown) => void;
}

/** The file system's own notices of a directory's changes. */
export class Notices {
  private readonly watcher: FSWatcher | undefined;
  /** What is still to be told, in order. */
  private readonly files = new Set<string>();
  private isClosed = false;

  constructor(private readonly setup: NoticesSetup) {
    this.watcher = this.open();
    if (this.watcher) overflows.add(this.setup.overflowed);
  }

  close(): void {
    this.isClosed = true;
    overflows.delete(this.setup.overflowed);
    this.watcher?.close();
  }

  private open(): FSWatcher | undefined {
    const { path, failed } = this.setup;
    // inotify tells of the directory itself by its own name.
    const self = basename(path);
    try {
      const options = { encoding: 'latin1', persistent: true } as const;
      const watcher = watch(bytesOf(path), options, (event, file) => {
        overflows.count();
        if (event !== 'rename' || file === null) return;
        if (file === self) this.setup.replaced();
        if (!this.setup.isOwn(file)) this.heard(file);
      });
      return watcher.on('error', failed);
    } catch (error) {
      failed(error);
      return undefined;
    }
  }

  private heard(file: string): void {
    if (this.files.size === 0) setImmediate(() => this.tell());
    this.files.add(file);
  }

  private tell(): void {
    const began = performance.now();
    for (const file of this.files) {
      if (this.isClosed) return;
      this.files.delete(file);
      this.setup.changed(file);
      if (performance.now() - began < LONGEST_TURN_MS) continue;
      if (this.files.size > 0) setImmediate(() => this.tell());
      return;
    }
  }
}

/**
 * Node doesn't tell when the kernel's queue of notices has overflowed. But that one queue serves the whole process, and
 * is emptied in one turn of the event loop: an overflow shows as about as many notices in one turn as it holds.
 */
class Overflows {
  private readonly listeners = new Set<() => void>();
  private readonly many = queueLength() / 2;
  private thisTurn = 0;

  add(listener: () => void): void {
    this.listeners.add(listener);
  }

  delete(listener: () => void): void {
    this.listeners.delete(listener);
  }

  count(): void {
    if (this.thisTurn++ === 0) setImmediate(() => this.endTurn());
  }

  private endTurn(): void {
    const overflowed = this.thisTurn >= this.many;
    this.thisTurn = 0;
    if (overflowed) for (const listener of [...this.listeners]) listener();
  }
}

/** What inotify queues at most before it drops notices: see inotify(7). */
function queueLength(): number {
  try {
    return Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'latin1')) || 16_384;
  } catch {
    return 16_384;
  }
}

const overflows = new Overflows();
