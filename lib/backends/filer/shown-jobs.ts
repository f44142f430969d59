import type { InspectedJob } from '../../core/inspector.js';
import { isUnreadable } from '../../core/message.js';
import { readContents, type Contents } from './contents.js';
import { statIfThere, type Disk } from './disk.js';
import { asText, isShortened, parsePending, tailOfFile } from './file-name.js';
import { isGone, type Folders } from './folders.js';
import { readMeta } from './meta-file.js';
import { workerOf } from './owner.js';
import type { SetAside } from './set-aside.js';
import type { SideFiles } from './side-files.js';
import { nameOf, undelayed, waitsSince, type StandingFile } from './standing.js';

export interface ShownJobsSetup {
  readonly queue: string;
  readonly folders: Folders;
  readonly disk: Disk;
  readonly leaseMs: number;
  readonly sides: SideFiles;
  readonly aside: SetAside;
}

/** Reads jobs for those who look at them. */
export class ShownJobs {
  constructor(private readonly setup: ShownJobsSetup) {}

  /** The job of a file; undefined where it is gone, or is no file. */
  read(standing: StandingFile): InspectedJob | undefined {
    try {
      return standing.state === 'failed' || standing.state === 'expired'
        ? this.readSetAside(standing)
        : this.readLiving(standing);
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  }

  private readLiving(standing: StandingFile): InspectedJob | undefined {
    const { aside, sides } = this.setup;
    const { file, state } = standing;
    const name = nameOf(file);
    const side = name && (name.attempts > 0 || isShortened(name.tail)) ? sides.read(name.order) : undefined;
    const contents = this.contents(standing, side?.file ?? name?.tail ?? file);
    if (!contents) return undefined;
    const { content } = contents;
    const isFresh = name === undefined && aside.hasLeftErrors(tailOfFile(file));
    const used = isUnreadable(content) || isFresh ? 0 : content.attemptsUsed;
    return {
      ...this.shown(standing, contents),
      content: name ? undelayed(content, name, standing) : content,
      attempts: name?.attempts ?? used,
      readyAt: state === 'active' ? undefined : waitsSince(standing),
      ...(state === 'active' ? this.lease(standing) : {}),
      failures: side?.failures ?? [],
    };
  }

  private readSetAside(standing: StandingFile): InspectedJob | undefined {
    const { disk, folders } = this.setup;
    const { folder, file } = standing;
    const meta = readMeta(disk, folders.file(folder, `${file}.meta`));
    const id = typeof meta.id === 'string' && meta.id !== '' ? meta.id : asText(file);
    const contents = readContents(disk, folders.file(folder, file), id);
    if (!contents) return undefined;
    const at = Date.parse(String(meta.at));
    return {
      ...this.shown(standing, contents),
      attempts: Number(meta.attempts ?? 0),
      endedAt: Number.isNaN(at) ? statIfThere(disk, folders.file(folder, file))?.ctimeMs : at,
      reason: meta.reason,
      failures: meta.failures,
    };
  }

  private shown(
    { folder, file, state }: StandingFile,
    { content, storedAt }: Contents,
  ): Pick<InspectedJob, 'queue' | 'key' | 'state' | 'content' | 'storedAt'> {
    return { queue: this.setup.queue, key: `${folder}/${file}`, state, content, storedAt };
  }

  private contents({ folder, file }: StandingFile, fallback: string): Contents | undefined {
    const { disk, folders } = this.setup;
    return readContents(disk, folders.file(folder, file), asText(fallback));
  }

  private lease({ folder, file }: StandingFile): Pick<InspectedJob, 'leaseEndsAt' | 'worker'> {
    const { disk, folders, leaseMs } = this.setup;
    const name = parsePending(file);
    const since = statIfThere(disk, folders.file(folder, file))?.ctimeMs;
    return {
      leaseEndsAt: since === undefined ? undefined : since + (name?.leaseMs ?? leaseMs),
      worker: name && workerOf(name.owner),
    };
  }
}
