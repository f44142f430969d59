import { isFile, type Disk } from './disk.js';
import { isLeftAlone, parseDelayed, parseWaiting, tailOfFile, waitingName } from './file-name.js';
import type { Folders } from './folders.js';
import { nameForeign } from './foreign.js';
import type { SetAside } from './set-aside.js';
import type { Shelf } from './shelf.js';

export interface ArrivalsSetup {
  readonly folders: Folders;
  readonly disk: Disk;
  readonly aside: SetAside;
}

/** Puts on the shelf what comes into the folders, and takes off what leaves them. */
export class Arrivals {
  constructor(
    private readonly setup: ArrivalsSetup,
    private readonly shelf: Shelf,
  ) {}

  /** A file that is in a folder. */
  add(folder: 'incoming' | 'delayed', file: string): void {
    if (folder === 'incoming') this.addIncoming(file);
    else if (parseDelayed(file)) this.shelf.addDelayed(file);
  }

  /** A file that another brought or took. False where it is none of the queue's. */
  change(folder: 'incoming' | 'delayed', file: string): boolean {
    if (folder === 'incoming' ? isLeftAlone(file) : !parseDelayed(file)) return false;
    const { disk, folders } = this.setup;
    const isOurs = folder === 'delayed' || parseWaiting(file) !== undefined;
    const isThere = isFile(disk, folders.file(folder, file));
    // Under a foreign name there may be another file by now.
    if (!isThere || !isOurs) this.shelf.remove(file);
    if (isThere) this.add(folder, file);
    return true;
  }

  private addIncoming(file: string): void {
    if (this.shelf.has(file)) return;
    if (parseWaiting(file)) return this.shelf.addWaiting(file);
    const { disk, folders, aside } = this.setup;
    const name = nameForeign(disk, folders.file('incoming', file), file, aside.hasLeftErrors(tailOfFile(file)));
    if (name) this.shelf.addWaiting(file, waitingName(name));
  }
}
