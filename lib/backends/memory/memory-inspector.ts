import TinyQueue from 'tinyqueue';
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
import { applyChange, asItStood, isFor } from './memory-changes.js';
import { byRank, rankOf, received, stateOf, type Rank, type StoredJob } from './memory-job.js';
import type { MemoryQueue } from './memory-queue.js';

const ALL = { waiting: 'all', delayed: 'all', completed: 'all', failed: 'all', expired: 'all' } as const;
const ABILITIES: InspectorAbilities = {
  list: { ...ALL, active: 'all' },
  count: { ...ALL, active: 'all' },
  get: 'all',
  retry: 'all',
  remove: ALL,
  reschedule: 'all',
  store: ALL,
};

/** The queues of a store by name. */
export interface InspectedQueues {
  names(): Iterable<string>;
  queue(name: string): MemoryQueue;
}

/** Shows and changes what is in memory; of completed and expired jobs, the last thousand of each queue. */
export class MemoryInspector implements Inspector {
  readonly abilities = ABILITIES;

  constructor(private readonly stored: InspectedQueues) {}

  queues(): Promise<readonly string[]> {
    return Promise.resolve([...this.stored.names()].filter((name) => this.stored.queue(name).isUsed).sort());
  }

  counts(queue: string): Promise<StateCounts> {
    const { shelf, living, active, completed, expired } = this.current(queue);
    return Promise.resolve({
      waiting: shelf.due.length,
      delayed: shelf.later.length,
      active: active.size,
      completed: completed.all.length,
      failed: living.size - shelf.size - active.size,
      expired: expired.all.length,
      oldestWaitingAt: shelf.due.reduce<number | undefined>(
        (oldest, { readyAt }) => (oldest === undefined ? readyAt : Math.min(oldest, readyAt)),
        undefined,
      ),
    });
  }

  list(queue: string, state: JobState, { limit, cursor }: PageRequest): Promise<JobPage> {
    const stored = this.current(queue);
    const after = cursor === undefined ? undefined : rankOfCursor(cursor);
    const ranked = jobsIn(stored, state)
      .map((job) => ({ job, rank: rankOf(job, state) }))
      .filter(({ rank }) => !after || byRank(rank, after) > 0);
    // A heap, for only the first few of maybe very many are asked for.
    const heap = new TinyQueue(ranked, (a, b) => byRank(a.rank, b.rank));
    const page: typeof ranked = [];
    while (page.length < limit && heap.length > 0) page.push(heap.pop() as (typeof ranked)[number]);
    return Promise.resolve({
      jobs: page.map(({ job }) => shown(queue, job, stored)),
      cursor: heap.length > 0 ? page.at(-1)?.rank.join(' ') : undefined,
    });
  }

  get(queue: string, id: string): Promise<readonly InspectedJob[]> {
    const stored = this.current(queue);
    const living = stored.living.get(id);
    const ended = [...stored.completed.find(id), ...stored.expired.find(id)].reverse();
    return Promise.resolve([...(living ? [living] : []), ...ended].map((job) => shown(queue, job, stored)));
  }

  change(queue: string, places: readonly JobPlace[], change: JobChange): Promise<readonly ChangeResult[]> {
    const stored = this.current(queue);
    const changed = new Set<StoredJob>();
    const results = places.map((place): ChangeResult => {
      const job = find(stored, place);
      if (!job || changed.has(job) || !isFor(change, place.state)) return 'changed';
      changed.add(job);
      return 'done';
    });
    // Off the shelf all at once, for each time is a pass over all that is there.
    stored.shelf.remove([...changed].filter(({ shelved }) => shelved));
    for (const job of changed) applyChange(stored, job, change);
    return Promise.resolve(results);
  }

  store(queue: string, jobs: readonly StoredState[]): Promise<readonly StoreResult[]> {
    const stored = this.current(queue);
    const results = jobs.map((job): StoreResult => {
      const { id } = job.content;
      if (stored.has(id) || stored.completed.find(id).length > 0 || stored.expired.find(id).length > 0) return 'there';
      stored.keep(asItStood(job, stored.clock.now()));
      return 'stored';
    });
    return Promise.resolve(results);
  }

  private current(name: string): MemoryQueue {
    const queue = this.stored.queue(name);
    queue.comeUpToDate();
    return queue;
  }
}

function jobsIn({ shelf, living, active, completed, expired }: MemoryQueue, state: JobState): readonly StoredJob[] {
  switch (state) {
    case 'waiting':
      return shelf.due;
    case 'delayed':
      return shelf.later;
    case 'active':
      return [...active.values()];
    case 'failed':
      return [...living.values()].filter(({ end }) => end !== undefined);
    case 'completed':
      return completed.all;
    default:
      return expired.all;
  }
}

function rankOfCursor(cursor: string): Rank {
  const [first = NaN, second = NaN] = cursor.split(' ').map(Number);
  return [first, second];
}

function keyOf({ serial, content }: StoredJob): string {
  return `${serial} ${content.id}`;
}

function find(queue: MemoryQueue, { key, state }: JobPlace): StoredJob | undefined {
  const serial = parseInt(key, 10);
  const jobs =
    state === 'completed' || state === 'expired'
      ? queue[state].all
      : [queue.living.get(key.slice(key.indexOf(' ') + 1))];
  return jobs.find((job) => job?.serial === serial && stateOf(job, queue.clock.now()) === state);
}

function shown(queue: string, job: StoredJob, { clock }: MemoryQueue): InspectedJob {
  const { content, attemptsUsed, storedAt, readyAt, lease, end, failures } = job;
  const now = clock.now();
  return {
    queue,
    key: keyOf(job),
    state: stateOf(job, now),
    content: received(content),
    attempts: attemptsUsed,
    storedAt,
    ...(lease || end ? {} : { readyAt }),
    ...(lease ? { leaseEndsAt: now + lease.ends - clock.monotonic(), worker: lease.worker } : {}),
    ...(end ? { endedAt: end.at, reason: end.reason } : {}),
    failures,
  };
}
