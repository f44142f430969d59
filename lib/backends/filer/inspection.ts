import type { InspectedJob, JobPage, JobPlace, JobState, PageRequest, StateCounts } from '../../core/inspector.js';
import { statIfThere, type Disk } from './disk.js';
import { tailOfFile, tailOfId } from './file-name.js';
import { fault, isGone, type FolderName, type Folders } from './folders.js';
import { Foremost } from './foremost.js';
import { namesIn } from './listing.js';
import type { ShownJobs } from './shown-jobs.js';
import { comesBefore, FOLDERS_OF, nameOf, standing, waitsSince, type StandingFile } from './standing.js';

const FOLDERS: readonly FolderName[] = ['incoming', 'delayed', 'pending', 'errors', 'expired'];
/** One that moves from one of these to another while it is looked for is met in the second round. */
const MOVING: readonly FolderName[] = ['incoming', 'delayed', 'pending', 'incoming', 'delayed'];
/** Of how many foreign files it is asked since when they are there. */
const ASKED = 100;

export interface InspectionSetup {
  readonly folders: Folders;
  readonly disk: Disk;
  readonly shown: ShownJobs;
}

/** What stands in the folders of a queue. Names tell most; only jobs of the page that is asked for are read. */
export class Inspection {
  constructor(private readonly setup: InspectionSetup) {}

  async counts(): Promise<StateCounts> {
    const counts = { waiting: 0, delayed: 0, active: 0, completed: undefined, failed: 0, expired: 0 };
    let oldest = Infinity;
    let asked = 0;
    for (const folder of FOLDERS) {
      for await (const files of this.standingIn(folder)) {
        for (const one of files) {
          if (one.state === 'completed') continue;
          counts[one.state] += 1;
          if (one.state !== 'waiting') continue;
          const since = waitsSince(one) ?? (++asked <= ASKED ? this.changedAt(one) : undefined);
          if (since !== undefined && since < oldest) oldest = since;
        }
      }
    }
    return { ...counts, oldestWaitingAt: oldest === Infinity ? undefined : oldest };
  }

  async list(state: JobState, { limit, cursor }: PageRequest): Promise<JobPage> {
    // One more than asked for tells whether there is another page.
    const first = new Foremost<StandingFile>(limit + 1, (a, b) => comesBefore(state, a.rank, b.rank));
    for (const folder of FOLDERS_OF[state]) {
      for await (const files of this.standingIn(folder)) {
        for (const one of files) {
          if (one.state === state && (cursor === undefined || comesBefore(state, cursor, one.rank))) first.add(one);
        }
      }
    }
    const found = first.inOrder();
    const page = found.slice(0, limit);
    return {
      jobs: page.flatMap((one) => this.read(one) ?? []),
      cursor: found.length > limit ? page.at(-1)?.rank : undefined,
    };
  }

  async get(id: string): Promise<readonly InspectedJob[]> {
    const bytes = Buffer.from(id).toString('latin1');
    const tails = new Set([tailOfId(id), tailOfFile(bytes)]);
    const jobs: InspectedJob[] = [];
    const lookIn = async (folder: FolderName, tailOf: (file: string) => string): Promise<void> => {
      for await (const files of this.standingIn(folder)) {
        for (const one of files) {
          if (!tails.has(tailOf(one.file))) continue;
          const job = this.read(one);
          if (job?.content.id === id) jobs.push(job);
        }
      }
    };
    for (const folder of MOVING) {
      if (jobs.length === 0) await lookIn(folder, (file) => nameOf(file)?.tail ?? tailOfFile(file));
    }
    // A second of the same name has a number behind it.
    for (const folder of ['errors', 'expired'] as const) await lookIn(folder, (file) => tailHere(tails, file));
    return jobs;
  }

  /** The file that is meant by a place; undefined where no job can be there. */
  at({ key, state }: JobPlace): StandingFile | undefined {
    const [folder, file, ...more] = key.split('/');
    const isPlace = FOLDERS.some((each) => each === folder) && file && more.length === 0 && !file.includes('\0');
    const one = isPlace ? standing(folder as FolderName, file, Date.now()) : undefined;
    return one?.state === state ? one : undefined;
  }

  private read(one: StandingFile): InspectedJob | undefined {
    try {
      return this.setup.shown.read(one);
    } catch (error) {
      throw fault(this.setup.folders.file(one.folder, one.file), error);
    }
  }

  private async *standingIn(folder: FolderName): AsyncGenerator<readonly StandingFile[]> {
    const { disk, folders } = this.setup;
    const now = Date.now();
    try {
      for await (const names of namesIn(disk, folders.path(folder), 'files')) {
        yield names.flatMap((file) => standing(folder, file, now) ?? []);
      }
    } catch (error) {
      // A queue that nobody has used yet, or a folder that is to be made again.
      if (!isGone(error)) throw fault(folders.path(folder), error);
    }
  }

  private changedAt({ folder, file }: StandingFile): number | undefined {
    return statIfThere(this.setup.disk, this.setup.folders.file(folder, file))?.ctimeMs;
  }
}

function tailHere(tails: ReadonlySet<string>, file: string): string {
  return tails.has(file) ? file : file.replace(/~\d+$/, '');
}
