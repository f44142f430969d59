import type { ChangeResult, JobChange, JobPlace } from '../../core/inspector.js';
import { DEFAULT_PRIORITY, isUnreadable } from '../../core/message.js';
import { readContents } from './contents.js';
import type { DirectorySyncs } from './directory-syncs.js';
import { unlinkIfThere, type Disk } from './disk.js';
import { asText, delayedName, isShortened, tailOfFile, tailOfId, waitingName, type NamedJob } from './file-name.js';
import { fault, isGone, type FolderName, type Folders } from './folders.js';
import { nameForeign } from './foreign.js';
import type { IdRegister } from './id-register.js';
import type { Inspection } from './inspection.js';
import { readMeta } from './meta-file.js';
import { newOrder } from './order.js';
import type { Removing } from './removing.js';
import type { SetAside } from './set-aside.js';
import type { SideFiles } from './side-files.js';
import { nameOf, type StandingFile } from './standing.js';

export interface JobChangesSetup {
  readonly folders: Folders;
  readonly disk: Disk;
  readonly syncs: DirectorySyncs;
  readonly durable: boolean;
  readonly ids: IdRegister;
  readonly sides: SideFiles;
  readonly aside: SetAside;
  readonly inspection: Inspection;
  readonly removing: Removing;
  readonly stored: (folder: 'incoming' | 'delayed', file: string) => void;
  readonly taken: (folder: 'incoming' | 'delayed', file: string) => void;
}

/**
 * What operators do with jobs that nobody has claimed. Each is one rename or removal of the job's file, so that of
 * several, a worker among them, one does it; what has to be kept beside is written before, and what is left of the place
 * before is removed after.
 */
export class JobChanges {
  constructor(private readonly setup: JobChangesSetup) {}

  async change(places: readonly JobPlace[], change: JobChange): Promise<readonly ChangeResult[]> {
    const { durable, folders, syncs } = this.setup;
    const changed = new Set<FolderName>();
    const results: ChangeResult[] = [];
    for (const place of places) results.push((await this.one(place, change, changed)) ? 'done' : 'changed');
    const paths = [...changed].map((folder) => folders.path(folder));
    if (durable) {
      for (const [index, sync] of (await Promise.allSettled(paths.map((path) => syncs.sync(path)))).entries()) {
        if (sync.status === 'rejected') throw fault(paths[index] ?? '', sync.reason);
      }
    }
    return results;
  }

  private async one(place: JobPlace, change: JobChange, changed: Set<FolderName>): Promise<boolean> {
    const one = this.setup.inspection.at(place);
    if (!one || one.state === 'active') return false;
    try {
      if (change.kind === 'remove') return await this.remove(one);
      const isFailed = one.state === 'failed';
      if (one.state === 'expired' || isFailed !== (change.kind === 'retry')) return false;
      return change.kind === 'retry' ? this.retry(one, changed) : this.reschedule(one, change.at, changed);
    } catch (error) {
      if (isGone(error)) return false;
      throw fault(this.setup.folders.file(one.folder, one.file), error);
    }
  }

  private async remove({ folder, file }: StandingFile): Promise<boolean> {
    const { aside, disk, durable, folders, ids, removing, syncs } = this.setup;
    if (folder === 'incoming' || folder === 'delayed') return (await removing.remove(folder, file)) !== undefined;
    if (folder !== 'errors' && folder !== 'expired') return false;
    const path = folders.file(folder, file);
    const contents = readContents(disk, path, readMeta(disk, `${path}.meta`).id ?? asText(file));
    if (!contents || !unlinkIfThere(disk, path)) return false;
    if (durable) syncs.soon(folders.path(folder));
    await aside.forgetMeta(folder, file);
    if (folder === 'errors') await ids.release(contents.content.id);
    return true;
  }

  /** Fresh attempts, behind its equals; its meta goes once it has left. */
  private retry({ file }: StandingFile, changed: Set<FolderName>): boolean {
    const { aside, disk, folders, ids, sides, stored } = this.setup;
    const path = folders.file('errors', file);
    const meta = readMeta(disk, `${path}.meta`);
    const contents = readContents(disk, path, meta.id ?? asText(file));
    if (!contents) return false;
    const { content } = contents;
    const ofId = tailOfId(content.id);
    const name: NamedJob = {
      priority: isUnreadable(content) ? DEFAULT_PRIORITY : content.priority,
      order: newOrder(),
      attempts: 0,
      registered: ids.adopt(content.id, path),
      rescheduled: true,
      // Without the number of a second one, so that it is found by its id.
      tail: file.replace(/~\d+$/, '') === ofId ? ofId : tailOfFile(file),
    };
    if (isShortened(name.tail)) sides.write(name.order, { failures: [], file: foreignName(meta.file, file) });
    const waiting = waitingName(name);
    try {
      disk.rename(path, folders.file('incoming', waiting));
    } catch (error) {
      if (isShortened(name.tail)) sides.remove(name.order);
      throw error;
    }
    stored('incoming', waiting);
    changed.add('incoming').add('errors').add('.ids');
    aside.forgetLeft(file);
    return true;
  }

  private reschedule({ folder, file }: StandingFile, at: number, changed: Set<FolderName>): boolean {
    const { disk, folders, stored, taken } = this.setup;
    if (folder !== 'incoming' && folder !== 'delayed') return false;
    const path = folders.file(folder, file);
    const name = nameOf(file) ?? this.adopted(path, file);
    if (!name) return false;
    const delayed = delayedName({ ...name, rescheduled: true }, Math.max(Math.ceil(at), Date.now()));
    // It has that time already.
    if (folder === 'delayed' && file === delayed) return true;
    disk.rename(path, folders.file('delayed', delayed));
    taken(folder, file);
    stored('delayed', delayed);
    changed.add('delayed').add(folder);
    return true;
  }

  /** The name that a file of others gets. */
  private adopted(path: string, file: string): NamedJob | undefined {
    const { aside, disk, ids, sides } = this.setup;
    const name = nameForeign(disk, path, file, aside.hasLeftErrors(tailOfFile(file)));
    const contents = name && readContents(disk, path, asText(file));
    if (!contents) return undefined;
    if (isShortened(name.tail)) sides.write(name.order, { failures: [], file });
    return { ...name, registered: ids.adopt(contents.content.id, path) };
  }
}

/** The whole name that a foreign file had, as a byte string. */
function foreignName(whole: string | undefined, file: string): string {
  return whole === undefined ? file : Buffer.from(whole).toString('latin1');
}
