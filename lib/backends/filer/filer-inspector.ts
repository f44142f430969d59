import type {
  ChangeResult,
  InspectedJob,
  Inspector,
  InspectorAbilities,
  JobChange,
  JobPage,
  JobPlace,
  JobState,
  PageRequest,
  StateCounts,
  StoredState,
  StoreResult,
} from '../../core/inspector.js';
import { BackendError } from '../../core/backend.js';
import { isName } from '../../core/names.js';
import type { Disk } from './disk.js';
import type { FilerQueue } from './filer-queue.js';
import { fault } from './folders.js';
import { statIfThere } from './disk.js';

const NOT_KEPT = { cannot: 'the file of a job that has completed is removed' };
const ABILITIES: InspectorAbilities = {
  list: { waiting: 'all', delayed: 'all', active: 'all', failed: 'all', expired: 'all', completed: NOT_KEPT },
  count: { waiting: 'all', delayed: 'all', active: 'all', failed: 'all', expired: 'all', completed: NOT_KEPT },
  get: 'all',
  retry: 'all',
  remove: { waiting: 'all', delayed: 'all', failed: 'all', expired: 'all', completed: NOT_KEPT },
  reschedule: 'all',
  store: { waiting: 'all', delayed: 'all', failed: 'all', expired: 'all', completed: NOT_KEPT },
};

export interface FilerInspectorSetup {
  /** The directory of all queues, as a byte string. */
  readonly root: string;
  readonly disk: Disk;
  readonly queue: (name: string) => FilerQueue;
}

/** Shows and changes what is in the directories: by their names, which tell most, and files of the page asked for. */
export class FilerInspector implements Inspector {
  readonly abilities = ABILITIES;

  constructor(private readonly setup: FilerInspectorSetup) {}

  queues(): Promise<readonly string[]> {
    const { disk, root } = this.setup;
    const queues: string[] = [];
    try {
      const names = disk.list(root);
      try {
        for (let entry = names.readSync(); entry; entry = names.readSync()) {
          const isQueue = isName(entry.name) && statIfThere(disk, `${root}/${entry.name}/incoming`)?.isDirectory();
          if (isQueue) queues.push(entry.name);
        }
      } finally {
        names.closeSync();
      }
    } catch (error) {
      return Promise.reject(fault(root, error));
    }
    return Promise.resolve(queues.sort());
  }

  counts(queue: string): Promise<StateCounts> {
    return this.setup.queue(queue).operating.inspection.counts();
  }

  async list(queue: string, state: JobState, page: PageRequest): Promise<JobPage> {
    refuseCompleted([state]);
    return this.setup.queue(queue).operating.inspection.list(state, page);
  }

  get(queue: string, id: string): Promise<readonly InspectedJob[]> {
    return this.setup.queue(queue).operating.inspection.get(id);
  }

  async change(queue: string, jobs: readonly JobPlace[], change: JobChange): Promise<readonly ChangeResult[]> {
    if (change.kind === 'remove') refuseCompleted(jobs.map(({ state }) => state));
    return this.setup.queue(queue).operating.changes.change(jobs, change);
  }

  async store(queue: string, jobs: readonly StoredState[]): Promise<readonly StoreResult[]> {
    refuseCompleted(jobs.map(({ state }) => state));
    return this.setup.queue(queue).restore(jobs);
  }
}

function refuseCompleted(states: readonly JobState[]): void {
  if (!states.includes('completed')) return;
  throw new BackendError(`filer: jobs that have completed can't be shown or kept: ${NOT_KEPT.cannot}`, {
    passing: false,
  });
}
