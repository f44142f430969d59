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
} from '../../../core/inspector.js';
import type { QueueInspector } from './queue-inspector.js';

const ALL_STATES = {
  waiting: 'all',
  delayed: 'all',
  active: 'all',
  completed: 'all',
  failed: 'all',
  expired: 'all',
} as const;

/**
 * Shows and changes the jobs of BullMQ's queues, those of other programs too, each step by a script of its own. Waiting jobs
 * come as they are served; those that are due and were queued by no worker yet come last. The next job of a schedule of
 * BullMQ's own can't be removed, for the schedule would end with it, and a parent that waits for its children can't be
 * rescheduled: they are told as changed.
 */
export class BullmqInspector implements Inspector {
  readonly abilities: InspectorAbilities = {
    list: ALL_STATES,
    count: ALL_STATES,
    get: 'all',
    retry: 'all',
    remove: ALL_STATES,
    reschedule: 'all',
    store: ALL_STATES,
  };

  /** @param names looks for the queues */
  constructor(
    private readonly of: (queue: string) => QueueInspector,
    private readonly names: () => Promise<readonly string[]>,
  ) {}

  queues(): Promise<readonly string[]> {
    return this.names();
  }

  async counts(queue: string): Promise<StateCounts> {
    return this.of(queue).counts();
  }

  async list(queue: string, state: JobState, page: PageRequest): Promise<JobPage> {
    return this.of(queue).list(state, page);
  }

  async get(queue: string, id: string): Promise<readonly InspectedJob[]> {
    return this.of(queue).get(id);
  }

  async change(queue: string, jobs: readonly JobPlace[], change: JobChange): Promise<readonly ChangeResult[]> {
    return this.of(queue).change(jobs, change);
  }

  async store(queue: string, jobs: readonly StoredState[]): Promise<readonly StoreResult[]> {
    return this.of(queue).store(jobs);
  }
}
