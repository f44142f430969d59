import type { Backend } from '../../lib/core/backend.js';
import type { InspectedJob, Inspector, JobPlace, JobState, StoredState } from '../../lib/core/inspector.js';
import { isUnreadable, type Message, type ReceivedMessage, type Unreadable } from '../../lib/core/message.js';
import type { Breaker, Store } from './honest.js';

export const STATES: readonly JobState[] = ['waiting', 'delayed', 'active', 'completed', 'failed', 'expired'];

/** Changes some verbs of the inspector of a backend. */
export function inspecting(change: (honest: Inspector, store: Store, backend: Backend) => Partial<Inspector>): Breaker {
  return {
    break: (backend, store) => {
      const inspector = backend.inspector && boundInspector(backend.inspector);
      return inspector ? { inspector: { ...inspector, ...change(inspector, store, backend) } } : {};
    },
  };
}

export function boundInspector(inspector: Inspector): Inspector {
  return {
    abilities: inspector.abilities,
    queues: () => inspector.queues(),
    counts: (queue) => inspector.counts(queue),
    list: (queue, state, page) => inspector.list(queue, state, page),
    get: (queue, id) => inspector.get(queue, id),
    change: (queue, jobs, how) => inspector.change(queue, jobs, how),
    store: (queue, jobs) => inspector.store(queue, jobs),
  };
}

/** The verbs that show jobs, each changed on its way out. */
export function showing(honest: Inspector, change: (job: InspectedJob) => InspectedJob): Partial<Inspector> {
  return {
    list: async (queue, state, page) => {
      const { jobs, cursor } = await honest.list(queue, state, page);
      return { jobs: jobs.map(change), cursor };
    },
    get: async (queue, id) => (await honest.get(queue, id)).map(change),
  };
}

/** The same for the messages in them. */
export function showingMessages(
  honest: Inspector,
  change: (content: ReceivedMessage) => ReceivedMessage | Unreadable,
): Partial<Inspector> {
  return showing(honest, (job) => (isUnreadable(job.content) ? job : { ...job, content: change(job.content) }));
}

/** The verb that stores jobs, each changed on its way in. */
export function storing(
  honest: Inspector,
  change: (job: StoredState, queue: string) => StoredState,
): Partial<Inspector> {
  return {
    store: (queue, jobs) =>
      honest.store(
        queue,
        jobs.map((job) => change(job, queue)),
      ),
  };
}

/** Changes the messages in jobs that are stored. */
export function storingMessages(honest: Inspector, change: (message: Message) => Message): Partial<Inspector> {
  return storing(honest, (job) => ('unreadable' in job.content ? job : { ...job, content: change(job.content) }));
}

/** All jobs of a queue in a state. */
export async function allIn(honest: Inspector, queue: string, state: JobState): Promise<readonly InspectedJob[]> {
  return (await honest.list(queue, state, { limit: 100_000 })).jobs;
}

/** The job that is there. */
export async function jobAt(
  honest: Inspector,
  queue: string,
  { key, state }: JobPlace,
): Promise<InspectedJob | undefined> {
  return (await allIn(honest, queue, state)).find((job) => job.key === key);
}

/** A job as it is stored again. */
export function storedState(job: InspectedJob, state: StoredState['state']): StoredState {
  const { content, attempts, storedAt, endedAt, reason, failures } = job;
  return {
    state,
    content: isUnreadable(content) ? content : messageAgain(content),
    attempts,
    storedAt,
    endedAt,
    reason,
    failures,
  };
}

function messageAgain({ payload, ...envelope }: ReceivedMessage): Message {
  return { ...envelope, body: JSON.stringify(payload) };
}
