import { BackendError } from '../../lib/core/backend.js';
import type { Inspector, InspectorAbilities, JobPlace } from '../../lib/core/inspector.js';
import type { Breaker, Store } from './honest.js';
import { alias, realIds, under } from './breakers/ids.js';
import { storing } from './inspectors.js';
import { both, delivering, filing, publishing, verbs } from './changes.js';

const STEP_MS = 1_000;
const LEASE_MS = 5_000;
const EXACT = 1_000_000;

const NOT_KEPT = { cannot: 'it keeps none' };

/** Shows the next jobs alone, finds none, and says so. */
function fewAbilities(honest: Inspector, store: Store): Inspector {
  const refuse = (what: string): Promise<never> =>
    Promise.reject(new BackendError(`poor: it can't ${what}`, { passing: false }));
  const real = realIds(store);
  const abilities: InspectorAbilities = {
    list: {
      waiting: 'head',
      delayed: 'head',
      failed: 'head',
      active: { cannot: 'nobody is told of them' },
      completed: NOT_KEPT,
      expired: NOT_KEPT,
    },
    count: { waiting: 'all', delayed: 'all', active: 'all', failed: 'all', completed: NOT_KEPT, expired: NOT_KEPT },
    get: { cannot: 'ids are not looked up' },
    retry: 'head',
    remove: { waiting: 'head', delayed: 'head', failed: 'head', completed: NOT_KEPT, expired: NOT_KEPT },
    reschedule: { cannot: 'delays are not changed' },
    store: { waiting: 'all', delayed: 'all', failed: 'all', completed: NOT_KEPT, expired: NOT_KEPT },
  };
  return {
    abilities,
    queues: () => honest.queues(),
    counts: async (queue) => ({ ...(await honest.counts(queue)), completed: undefined, expired: undefined }),
    list: async (queue, state) => {
      if (abilities.list[state] !== 'head') return refuse(`list ${state} jobs`);
      const { jobs } = await honest.list(queue, state, { limit: 1 });
      const shown = jobs.map((job) => ({
        ...job,
        failures: [],
        content: { ...job.content, id: real.get(job.content.id) ?? job.content.id },
      }));
      return { jobs: shown, cursor: undefined };
    },
    get: () => refuse('find a job'),
    change: (queue, jobs, change) => {
      const isHead = ({ state }: JobPlace): boolean => state === 'active' || abilities.remove[state] === 'head';
      if (change.kind === 'reschedule' || (change.kind === 'remove' && !jobs.every(isHead))) {
        return refuse(`${change.kind} them`);
      }
      return honest.change(queue, jobs, change);
    },
    store: (queue, jobs) => {
      if (jobs.some(({ state }) => abilities.store[state] !== 'all')) return refuse('store what has ended');
      return honest.store(queue, jobs);
    },
  };
}

/** Keeps neither failures nor ids nor what is the oldest, counts no bytes, and says so. */
export const poor: Breaker = {
  traits: { history: false, findsDuplicates: false },
  break: (honest, store) => {
    const forgetful = both(
      under(alias),
      delivering((delivery) => ({ ...delivery, failures: [] })),
    ).break?.(honest, store);
    return {
      ...forgetful,
      backlog: honest.backlog && { jobs: honest.backlog.jobs },
      inspector: honest.inspector && fewAbilities(honest.inspector, store),
      publish: async (queue, messages) => {
        await forgetful?.publish?.(queue, messages);
        return messages.map(() => ({ duplicate: undefined }));
      },
    };
  },
};

const upToStep = (time: number): number => Math.ceil(time / STEP_MS) * STEP_MS;

/** Rounds what it keeps coarsely, as its traits say. */
export const coarse: Breaker = {
  lease: () => LEASE_MS,
  traits: { delayStepMs: STEP_MS, exactPriorities: EXACT, leaseMs: LEASE_MS },
  break: both(
    both(
      filing(({ priority }) => (priority <= EXACT ? priority : EXACT + Math.ceil((priority - EXACT) / 1e9))),
      publishing((message, { clock }) =>
        (message.readyAt ?? 0) > clock.now() ? { ...message, readyAt: upToStep(message.readyAt ?? 0) } : message,
      ),
    ),
    verbs((honest, { clock }) => ({
      inspector: honest.inspector && {
        ...honest.inspector,
        ...storing(honest.inspector, (job) => ({ ...job, readyAt: job.readyAt && upToStep(job.readyAt) })),
        change: (queue, jobs, change) =>
          honest.inspector?.change(
            queue,
            jobs,
            change.kind === 'reschedule' ? { ...change, at: upToStep(change.at) } : change,
          ) ?? Promise.resolve([]),
      },
      settle: (delivery, settlement) => {
        if (settlement.kind !== 'again' || settlement.at <= clock.now()) return honest.settle(delivery, settlement);
        return honest.settle(delivery, { ...settlement, at: upToStep(settlement.at) });
      },
    })),
  ).break,
};
