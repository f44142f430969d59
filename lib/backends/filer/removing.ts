import type { DroppedJob } from '../../core/backlog.js';
import { isUnreadable } from '../../core/message.js';
import { readContents } from './contents.js';
import type { DirectorySyncs } from './directory-syncs.js';
import { unlinkIfThere, type Disk } from './disk.js';
import { asText, isShortened } from './file-name.js';
import { fault, isGone, type Folders } from './folders.js';
import type { IdRegister } from './id-register.js';
import type { SideFiles } from './side-files.js';
import { nameOf } from './standing.js';

export interface RemovingSetup {
  readonly folders: Folders;
  readonly disk: Disk;
  readonly syncs: DirectorySyncs;
  readonly durable: boolean;
  readonly ids: IdRegister;
  readonly sides: SideFiles;
  /** Hears of each file that this process has taken out of a folder. */
  readonly taken: (folder: 'incoming' | 'delayed', file: string) => void;
}

/** Removes jobs that nobody has claimed: the removal of the file decides, which one process does. */
export class Removing {
  constructor(private readonly setup: RemovingSetup) {}

  /** What was removed; undefined where another has the job by now. */
  async remove(folder: 'incoming' | 'delayed', file: string): Promise<DroppedJob | undefined> {
    const { disk, durable, folders, ids, sides, syncs, taken } = this.setup;
    const path = folders.file(folder, file);
    const name = nameOf(file);
    try {
      const contents = readContents(disk, path, asText(name?.tail ?? file));
      if (!contents || !unlinkIfThere(disk, path)) return undefined;
      taken(folder, file);
      if (durable) syncs.soon(folders.path(folder));
      const { content } = contents;
      if (name && (name.attempts > 0 || isShortened(name.tail))) sides.remove(name.order);
      if (name?.registered) await ids.release(content.id);
      return { id: content.id, name: isUnreadable(content) ? undefined : content.name };
    } catch (error) {
      if (isGone(error)) return undefined;
      throw fault(path, error);
    }
  }
}
