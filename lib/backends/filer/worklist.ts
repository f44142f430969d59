import { setImmediate } from 'node:timers/promises';
import { Arrivals } from './arrivals.js';
import type { Disk } from './disk.js';
import { asText, isShortened, type NamedJob } from './file-name.js';
import { FolderView } from './folder-view.js';
import { fault, type Folders } from './folders.js';
import type { IdRegister } from './id-register.js';
import { OwnMoves } from './own-moves.js';
import type { OwnerWatch } from './owner.js';
import { Rescue } from './rescue.js';
import type { SetAside } from './set-aside.js';
import { Shelf, type Entry } from './shelf.js';
import type { SideFiles } from './side-files.js';
import { Tidy } from './tidy.js';
import { Upkeep } from './upkeep.js';
import { Waiters } from './waiters.js';

/** How long a notice of an own move may take, in milliseconds. */
const NOTICE_MS = 1_000;

export interface WorklistSetup {
  readonly folders: Folders;
  readonly disk: Disk;
  readonly owners: OwnerWatch;
  readonly leaseMs: number;
  readonly sweepMs: number;
  readonly sides: SideFiles;
  readonly aside: SetAside;
  readonly ids: IdRegister;
  readonly warn: (message: string) => void;
}

/**
 * The jobs of a queue that may be claimed, as far as this process knows, kept up to date: by what it does itself, by
 * notices, by scans, and by rescues from workers that are gone.
 */
export class Worklist {
  readonly rescue: Rescue;
  private readonly shelf = new Shelf();
  private readonly arrivals: Arrivals;
  private readonly ownMoves = new OwnMoves();
  private readonly tidy: Tidy;
  private readonly incoming: FolderView;
  private readonly delayed: FolderView;
  private readonly upkeep: Upkeep;
  private readonly waiters = new Waiters();
  private opened: Promise<void> | undefined;
  private turnedAt = 0;
  /** Jobs that could not be read, until the next sweep. */
  private parked: Entry[] = [];
  private warned = false;
  private warnedOfParked = false;
  private isRead = false;
  private closed = false;

  constructor(private readonly setup: WorklistSetup) {
    const { folders, disk } = setup;
    const arrivals = new Arrivals(setup, this.shelf);
    const view = (folder: 'incoming' | 'delayed'): FolderView =>
      new FolderView({
        path: folders.path(folder),
        disk,
        found: (file) => arrivals.add(folder, file),
        isOwn: (file) => this.ownMoves.take(file),
        changed: (file) => this.heard(() => arrivals.change(folder, file)),
        scanned: () => this.waiters.wake(),
        warn: (error) => this.warnOnce(error),
      });
    this.arrivals = arrivals;
    this.incoming = view('incoming');
    this.delayed = view('delayed');
    this.rescue = new Rescue({
      ...setup,
      adopt: (name, file) => this.adopt(name, file),
      rescued: (file) => this.add('incoming', file),
    });
    this.tidy = new Tidy(setup);
    this.upkeep = new Upkeep({
      path: folders.path('incoming'),
      sweepMs: setup.sweepMs,
      keepUp: () => this.keepUp(),
      isWatching: () => this.rescue.isWatching,
      done: (hasFailed) => {
        if (hasFailed || this.shelf.nextDue() <= Date.now()) this.waiters.wake();
      },
    });
  }

  /**
   * Reads what is there, the first time; later, tells whether it can still be kept up to date.
   *
   * @throws BackendError
   */
  async open(): Promise<void> {
    this.opened ??= this.begin();
    try {
      await this.opened;
    } catch (error) {
      this.opened = undefined;
      throw fault(this.setup.folders.path('incoming'), error);
    }
    await this.upkeep.check();
  }

  /** Whether it knows what is there: this process reads the queue. */
  get isOpen(): boolean {
    return this.isRead && !this.closed;
  }

  /** How many jobs wait. */
  get size(): number {
    return this.shelf.size + this.parked.length;
  }

  /** The files of jobs that wait, each with what stands for its place. */
  files(): Iterable<readonly [file: string, key: string]> {
    return this.shelf.files();
  }

  /** Hears that this process has removed a job's file. */
  forget(folder: 'incoming' | 'delayed', file: string): void {
    if (!this.opened) return;
    this.moved({ folder, file, key: file });
    this.shelf.remove(file);
  }

  /** Adds a job that this process has just moved here. */
  add(folder: 'incoming' | 'delayed', file: string): void {
    if (!this.opened) return;
    this.ownMoves.add(file);
    this.arrivals.add(folder, file);
    this.waiters.wake();
  }

  /** The next job to be claimed, taken off the list. */
  take(): Entry | undefined {
    return this.shelf.take(Date.now());
  }

  /** Hears that this process has taken a job's file away, or put it back. */
  moved({ file }: Entry): void {
    this.ownMoves.add(file);
  }

  putBack(entry: Entry): void {
    this.shelf.putBack(entry);
  }

  /** Puts back a job that could not be read, so that it is tried again with the next sweep. */
  park(entry: Entry, error: unknown): void {
    this.parked.push(entry);
    if (this.warnedOfParked) return;
    this.warnedOfParked = true;
    const { message } = fault(this.setup.folders.file(entry.folder, entry.file), error);
    this.setup.warn(`${message}. This job, and others like it, are tried again with each sweep.`);
  }

  /** Keeps the whole name of a foreign file that gets a name of ours, where that is too short for it. */
  adopt(name: NamedJob, file: string): void {
    if (isShortened(name.tail)) this.setup.sides.write(name.order, { failures: [], file });
  }

  /** Resolves when there may be something to claim, after `ms`, or when a signal aborts. */
  change(ms: number, signals: readonly AbortSignal[]): Promise<void> {
    const now = Date.now();
    // There are more to try than one turn of the event loop was enough for.
    if (!this.shelf.isEmpty(now)) return setImmediate();
    return this.waiters.wait(Math.min(ms, Math.max(this.shelf.nextDue() - now, 1)), signals);
  }

  close(): void {
    this.closed = true;
    this.upkeep.close();
    this.incoming.close();
    this.delayed.close();
    this.waiters.wake();
  }

  private async begin(): Promise<void> {
    await this.setup.folders.mend(() => Promise.all([this.incoming.open(), this.delayed.open()]));
    this.isRead = true;
    await this.upkeep.run();
  }

  /** Others are at work. A notice of theirs is heard where nobody could catch. */
  private heard(change: () => boolean): void {
    try {
      if (!change()) return;
      this.upkeep.hurry();
      this.waiters.wake();
    } catch (error) {
      this.upkeep.fail(error);
    }
  }

  private warnOnce(error: unknown): void {
    if (this.warned || this.closed) return;
    this.warned = true;
    const folder = asText(this.setup.folders.path('incoming'));
    this.setup.warn(
      `filer: the system gives no notices of changes in ${folder}: ${(error as Error).message}. ` +
        `New jobs of other processes are seen by the sweep, every ${this.setup.sweepMs} ms.`,
    );
  }

  private async keepUp(): Promise<void> {
    const now = performance.now();
    if (now - this.turnedAt > NOTICE_MS) {
      this.turnedAt = now;
      this.ownMoves.turn();
    }
    if (this.parked.length > 0) {
      for (const entry of this.parked.splice(0)) this.putBack(entry);
      this.waiters.wake();
    }
    await this.setup.folders.mend(() => this.look());
  }

  private async look(): Promise<void> {
    this.rescue.look();
    await this.incoming.sweep();
    await this.delayed.sweep();
    await this.tidy.run();
  }
}
