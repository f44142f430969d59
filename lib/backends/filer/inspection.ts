import type { InspectedJob, JobPage, JobPlace, JobState, PageRequest, StateCounts } from '../../core/inspector.js';
import { statIfThere, type Disk } from './disk.js';
import { tailOfFile, tailOfId } from './file-name.js';
import { fault, isGone, type FolderName, type Folders } from './folders.js';
import { Foremost } from './foremost.js';
import { namesIn } from './listing.js';
import { PagesAhead, type Found } from './pages-ahead.js';
import type { ShownJobs } from './shown-jobs.js';
import { Tally } from './tally.js';
import { comesBefore, FOLDERS_OF, nameOf, standing, type StandingFile } from './standing.js';

const FOLDERS: readonly FolderName[] = ['incoming', 'delayed', 'pending', 'errors', 'expired'];
/** One that moves from one of these to another while it is looked for is met in the second round. */
const MOVING: readonly FolderName[] = ['incoming', 'delayed', 'pending', 'incoming', 'delayed'];

export interface InspectionSetup {
  readonly folders: Folders;
  readonly disk: Disk;
  readonly shown: ShownJobs;
}

/** What stands in the folders of a queue. Names tell most; only jobs of the page that is asked for are read. */
export class Inspection {
  private readonly ahead = new PagesAhead();

  constructor(private readonly setup: InspectionSetup) {}

  async counts(): Promise<StateCounts> {
    const { disk, folders } = this.setup;
    const tally = new Tally();
    for (const folder of FOLDERS) {
      for await (const names of this.filesIn(folder)) for (const file of names) tally.add(folder, file);
    }
    const since = tally.foreign.map((file) => statIfThere(disk, folders.file('incoming', file))?.ctimeMs ?? Infinity);
    return tally.result(Math.min(...since, Infinity));
  }

  async list(state: JobState, { limit, cursor }: PageRequest): Promise<JobPage> {
    const found =
      this.ahead.behind(state, cursor, limit) ?? (await this.foremost(state, cursor, this.ahead.wanted(state, limit)));
    this.ahead.keep(state, limit, found);
    const page = found.files.slice(0, limit);
    return {
      jobs: page.flatMap((one) => this.read(one) ?? []),
      cursor: found.files.length > limit ? page.at(-1)?.rank : undefined,
    };
  }

  async get(id: string): Promise<readonly InspectedJob[]> {
    const bytes = Buffer.from(id).toString('latin1');
    const tails = [tailOfId(id), tailOfFile(bytes)];
    const jobs: InspectedJob[] = [];
    const lookIn = async (folder: FolderName): Promise<void> => {
      for await (const names of this.filesIn(folder)) {
        // Most names are told to be another's by a look.
        const alike = names.filter((file) => tails.some((tail) => file.includes(tail)));
        for (const one of alike.flatMap((file) => standing(folder, file, Date.now()) ?? [])) {
          const job = tails.includes(tailOf(one, tails)) ? this.read(one) : undefined;
          if (job?.content.id === id) jobs.push(job);
        }
      }
    };
    for (const folder of MOVING) if (jobs.length === 0) await lookIn(folder);
    for (const folder of ['errors', 'expired'] as const) await lookIn(folder);
    return jobs;
  }

  /** The file that is meant by a place; undefined where no job can be there. */
  at({ key, state }: JobPlace): StandingFile | undefined {
    const [folder, file, ...more] = key.split('/');
    const isPlace = FOLDERS.some((each) => each === folder) && file && more.length === 0 && !file.includes('\0');
    const one = isPlace ? standing(folder as FolderName, file, Date.now()) : undefined;
    return one?.state === state ? one : undefined;
  }

  /** The first of a state, or of those that come behind a job. */
  private async foremost(state: JobState, cursor: string | undefined, count: number): Promise<Found> {
    const at = performance.now();
    const first = new Foremost<StandingFile>(count, (a, b) => comesBefore(state, a.rank, b.rank));
    const now = Date.now();
    for (const folder of FOLDERS_OF[state]) {
      for await (const names of this.filesIn(folder)) {
        for (const file of names) {
          const one = standing(folder, file, now);
          if (one?.state === state && (cursor === undefined || comesBefore(state, cursor, one.rank))) first.add(one);
        }
      }
    }
    const files = first.inOrder();
    return { files, areAll: files.length < count, at };
  }

  private read(one: StandingFile): InspectedJob | undefined {
    try {
      return this.setup.shown.read(one);
    } catch (error) {
      throw fault(this.setup.folders.file(one.folder, one.file), error);
    }
  }

  private async *filesIn(folder: FolderName): AsyncGenerator<readonly string[]> {
    const { disk, folders } = this.setup;
    try {
      yield* namesIn(disk, folders.path(folder), 'files');
    } catch (error) {
      // A queue that nobody has used yet, or a folder that is to be made again.
      if (!isGone(error)) throw fault(folders.path(folder), error);
    }
  }
}

/** What a job is called after; a second one of its name that was set aside has a number behind it. */
function tailOf({ folder, file }: StandingFile, tails: readonly string[]): string {
  if (folder !== 'errors' && folder !== 'expired') return nameOf(file)?.tail ?? tailOfFile(file);
  return tails.includes(file) ? file : file.replace(/~\d+$/, '');
}
