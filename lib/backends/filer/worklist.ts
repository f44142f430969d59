import { setImmediate } from 'node:timers/promises';
import { isFile, type Disk } from './disk.js';
import {
  asText,
  isLeftAlone,
  isShortened,
  parseDelayed,
  parseWaiting,
  tailOfFile,
  waitingName,
  type JobName,
} from './file-name.js';
import { FolderView } from './folder-view.js';
import { fault, type FolderName, type Folders } from './folders.js';
import { nameForeign } from './foreign.js';
import type { IdRegister } from './id-register.js';
import { OwnMoves } from './own-moves.js';
import type { OwnerWatch } from './owner.js';
import { Rescue } from './rescue.js';
import type { SetAside } from './set-aside.js';
import { Shelf, type Entry } from './shelf.js';
import type { SideFiles } from './side-files.js';
import { Tidy } from './tidy.js';

/** How often it looks after workers of others while they hold jobs: a dead one is noticed well within a second. */
const WATCH_MS = 300;

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
  private readonly ownMoves = new OwnMoves();
  private readonly tidy: Tidy;
  private readonly incoming: FolderView;
  private readonly delayed: FolderView;
  private readonly waiters = new Set<() => void>();
  private opened: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private nextTickAt = Infinity;
  private turnedAt = 0;
  private failure: Error | undefined;
  /** Jobs that could not be read, until the next sweep. */
  private parked: Entry[] = [];
  private warned = false;
  private warnedOfParked = false;
  private closed = false;

  constructor(private readonly setup: WorklistSetup) {
    const { folders, disk } = setup;
    const view = (folder: FolderName, changed: (file: string) => void, found: (file: string) => void): FolderView =>
      new FolderView({
        path: folders.path(folder),
        disk,
        found,
        isOwn: (file) => this.ownMoves.take(file),
        changed: (file) => this.guarded(() => changed(file)),
        scanned: () => this.wake(),
        warn: (error) => this.warnOnce(error),
      });
    this.incoming = view(
      'incoming',
      (file) => this.incomingChanged(file),
      (file) => this.addIncoming(file),
    );
    this.delayed = view(
      'delayed',
      (file) => this.delayedChanged(file),
      (file) => this.addDelayed(file),
    );
    this.rescue = new Rescue({
      ...setup,
      adopt: (name, file) => this.adopt(name, file),
      rescued: (file) => this.add('incoming', file),
    });
    this.tidy = new Tidy(setup);
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
    if (this.failure) await this.tick();
    if (this.failure) throw this.failure;
  }

  /** Adds a job that this process has just moved here. */
  add(folder: FolderName, file: string): void {
    if (!this.opened) return;
    this.ownMoves.add(file);
    if (folder === 'incoming') this.addIncoming(file);
    else if (folder === 'delayed') this.addDelayed(file);
    this.wake();
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
  adopt(name: JobName, file: string): void {
    if (isShortened(name.tail)) this.setup.sides.write(name.order, { failures: [], file });
  }

  /** Resolves when there may be something to claim, after `ms`, or when a signal aborts. */
  change(ms: number, signals: readonly AbortSignal[]): Promise<void> {
    const now = Date.now();
    // There are more to try than one turn of the event loop was enough for.
    if (!this.shelf.isEmpty(now)) return setImmediate();
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        this.waiters.delete(finish);
        for (const signal of signals) signal.removeEventListener('abort', finish);
        resolve();
      };
      const timer = setTimeout(finish, Math.min(ms, Math.max(this.shelf.nextDue() - now, 1)));
      this.waiters.add(finish);
      for (const signal of signals) signal.addEventListener('abort', finish, { once: true });
    });
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
    this.incoming.close();
    this.delayed.close();
    this.wake();
  }

  private async begin(): Promise<void> {
    await this.setup.folders.mend(() => Promise.all([this.incoming.open(), this.delayed.open()]));
    await this.tick();
  }

  private wake(): void {
    for (const waiter of [...this.waiters]) waiter();
  }

  private addIncoming(file: string): void {
    if (this.shelf.has(file)) return;
    if (parseWaiting(file)) return this.shelf.addWaiting(file);
    const { disk, folders, aside } = this.setup;
    const name = nameForeign(disk, folders.file('incoming', file), file, aside.hasLeftErrors(tailOfFile(file)));
    if (name) this.shelf.addWaiting(file, waitingName(name));
  }

  private addDelayed(file: string): void {
    if (parseDelayed(file)) this.shelf.addDelayed(file);
  }

  private incomingChanged(file: string): void {
    if (isLeftAlone(file)) return;
    this.hurry();
    // Under a foreign name there may be another file by now.
    if (!parseWaiting(file)) this.shelf.remove(file);
    if (!isFile(this.setup.disk, this.setup.folders.file('incoming', file))) return this.shelf.remove(file);
    this.addIncoming(file);
    this.wake();
  }

  private delayedChanged(file: string): void {
    if (!parseDelayed(file)) return;
    this.hurry();
    if (!isFile(this.setup.disk, this.setup.folders.file('delayed', file))) return this.shelf.remove(file);
    this.addDelayed(file);
    this.wake();
  }

  /** A notice is heard where nobody could catch. */
  private guarded(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.fail(error);
    }
  }

  private fail(error: unknown): void {
    this.failure = fault(this.setup.folders.path('incoming'), error);
    this.wake();
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

  /** Others are at work: looks after them soon. */
  private hurry(): void {
    if (this.nextTickAt - performance.now() > WATCH_MS) this.schedule(WATCH_MS);
  }

  private schedule(ms: number): void {
    clearTimeout(this.timer);
    if (this.closed) return;
    this.nextTickAt = performance.now() + ms;
    this.timer = setTimeout(() => void this.tick(), ms);
  }

  /** All that is done from time to time; never rejects. */
  private async tick(): Promise<void> {
    clearTimeout(this.timer);
    this.nextTickAt = Infinity;
    const { sweepMs } = this.setup;
    try {
      await this.keepUp();
      this.failure = undefined;
    } catch (error) {
      this.fail(error);
    }
    if (this.shelf.nextDue() <= Date.now()) this.wake();
    this.schedule(this.rescue.isWatching ? Math.min(sweepMs, WATCH_MS) : sweepMs);
  }

  private async keepUp(): Promise<void> {
    const now = performance.now();
    if (now - this.turnedAt > 1_000) {
      this.turnedAt = now;
      this.ownMoves.turn();
    }
    if (this.parked.length > 0) {
      for (const entry of this.parked.splice(0)) this.putBack(entry);
      this.wake();
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
