import type {
  ChangeResult,
  InspectedJob,
  JobChange,
  JobPage,
  JobPlace,
  JobState,
  PageRequest,
  StateCounts,
  StoredState,
  StoreResult,
} from '../../../core/inspector.js';
import { asked } from '../asked.js';
import type { Connections } from '../connections.js';
import { bullmqId } from '../job-id.js';
import type { Scripts } from '../scripts.js';
import { READY_FIELD } from '../stored-job.js';
import { Changing } from './changing.js';
import { Listing } from './listing.js';
import { READ } from './reading-scripts.js';
import { SHOWN_FIELDS, type Found, type Row } from './shown-job.js';
import { dueScore, standingKeys } from './standing.js';
import { Storing } from './storing.js';

/** The jobs of one queue, as operators see and change them. */
export class QueueInspector {
  private readonly listing: Listing;
  private readonly changing: Changing;
  private readonly storing: Storing;

  constructor(
    private readonly queue: string,
    private readonly scripts: Scripts,
    private readonly connections: Connections,
  ) {
    this.listing = new Listing(queue, scripts, connections);
    this.changing = new Changing(scripts, connections);
    this.storing = new Storing(scripts, connections);
  }

  counts(): Promise<StateCounts> {
    return asked(this.connections, async () => {
      const args = [...standingKeys(this.scripts.keys), this.scripts.toKey(''), dueScore(Date.now()), READY_FIELD];
      const { adapted } = this.connections.publishing;
      const counted = (await adapted.runCommand(READ.counts, args)) as Counted;
      const [waiting, delayed, active, completed, failed, expired, oldest] = counted;
      return {
        ...{ waiting, delayed, active, completed, failed, expired },
        oldestWaitingAt: oldest === null ? undefined : Number(oldest),
      };
    });
  }

  list(state: JobState, page: PageRequest): Promise<JobPage> {
    return asked(this.connections, () => this.listing.page(state, page));
  }

  get(id: string): Promise<readonly InspectedJob[]> {
    return asked(this.connections, async () => {
      // A job of another program has the id that BullMQ gave it, and is shown by that.
      const names = [...new Set([bullmqId(id), id])];
      const found = await Promise.all(names.map((name) => this.find(name)));
      return this.listing.shown(found.flatMap((one) => one ?? []).sort(livingFirst));
    });
  }

  change(jobs: readonly JobPlace[], change: JobChange): Promise<readonly ChangeResult[]> {
    return asked(this.connections, () => this.changing.change(jobs, change));
  }

  store(jobs: readonly StoredState[]): Promise<readonly StoreResult[]> {
    return asked(this.connections, () => this.storing.store(jobs));
  }

  private async find(id: string): Promise<Found | undefined> {
    const at = Date.now();
    const args = [...standingKeys(this.scripts.keys), this.scripts.toKey(''), id, dueScore(at), ...SHOWN_FIELDS];
    const reply = (await this.connections.publishing.adapted.runCommand(READ.find, args)) as [JobState, ...Row] | null;
    if (!reply) return undefined;
    const [state, ...row] = reply;
    return { queue: this.queue, state, row, at };
  }
}

type Counted = readonly [number, number, number, number, number, number, oldest: string | null];

function livingFirst(a: Found, b: Found): number {
  return Number(hasEnded(a)) - Number(hasEnded(b));
}

function hasEnded({ state }: Found): boolean {
  return state === 'completed' || state === 'failed' || state === 'expired';
}
