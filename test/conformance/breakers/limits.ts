import type { Backend, Delivery } from '../../../lib/core/backend.js';
import { droppedJob, type Backlog, type DroppedJob } from '../../../lib/core/backlog.js';
import type { Breaker, Store } from '../honest.js';
import { note, reading, turns, verbs } from '../changes.js';

type Whole = Required<Backlog>;

/** Changes what is told of the jobs that wait. */
function telling(change: (honest: Whole, backend: Backend, store: Store) => Partial<Whole>): Breaker {
  return verbs((honest, store) => {
    const backlog = honest.backlog as Whole;
    return { backlog: { ...backlog, ...change(backlog, honest, store) } };
  });
}

const delayedIn = (store: Store): Map<string, number> => note(store, 'delayed', () => new Map<string, number>());

/** What backends do wrong with what waits. */
export const limitsBreakers: Readonly<Record<string, Breaker>> = {
  'does not count delayed jobs': verbs((honest, store) => ({
    publish: (queue, messages) => {
      const late = messages.filter(({ readyAt = 0 }) => readyAt > store.clock.now()).length;
      delayedIn(store).set(queue, (delayedIn(store).get(queue) ?? 0) + late);
      return honest.publish(queue, messages);
    },
    backlog: {
      ...(honest.backlog as Whole),
      jobs: async (queue) => ((await honest.backlog?.jobs(queue)) ?? 0) - (delayedIn(store).get(queue) ?? 0),
    },
  })),
  'counts a job late': telling(({ jobs }) => {
    const before = new Map<string, number>();
    return {
      jobs: async (queue) => {
        const last = before.get(queue) ?? 0;
        before.set(queue, await jobs(queue));
        return last;
      },
    };
  }),
  'counts what it published itself alone': verbs((honest) => {
    const own = new Map<string, number>();
    return {
      publish: (queue, messages) => {
        own.set(queue, (own.get(queue) ?? 0) + messages.length);
        return honest.publish(queue, messages);
      },
      backlog: { ...(honest.backlog as Whole), jobs: (queue) => Promise.resolve(own.get(queue) ?? 0) },
    };
  }),
  'counts all queues': verbs((honest) => {
    const queues = new Set<string>();
    return {
      publish: (queue, messages) => {
        queues.add(queue);
        return honest.publish(queue, messages);
      },
      backlog: {
        ...(honest.backlog as Whole),
        jobs: async () => {
          const counts = await Promise.all([...queues].map(async (queue) => (await honest.backlog?.jobs(queue)) ?? 0));
          return counts.reduce((sum, count) => sum + count, 0);
        },
      },
    };
  }),
  'says that nothing waits': telling(() => ({ jobs: () => Promise.resolve(0) })),
  'says that very much waits': telling(() => ({ jobs: () => Promise.resolve(1_000_000) })),
  'counts jobs for bytes': telling(({ jobs }) => ({ bytes: jobs })),
  'counts the bytes of a thousand jobs at most': telling(({ jobs, bytes }) => ({
    bytes: async (queue) => ((await bytes(queue)) / Math.max(await jobs(queue), 1)) * Math.min(await jobs(queue), 300),
  })),
  'drops the most urgent first': telling((_, honest) => ({
    dropOldest: async (queue, count) => {
      const taken = await honest.reserve(queue, count, AbortSignal.abort());
      return Promise.all(taken.map((delivery) => dropped(honest, delivery)));
    },
  })),
  'drops delayed jobs first': telling(({ dropOldest }) => ({
    dropOldest: async (queue, count) => [...(await dropOldest(queue, 1_000))].reverse().slice(0, count),
  })),
  'drops more than asked for': telling(({ dropOldest }) => ({
    dropOldest: async (queue, count) => (await dropOldest(queue, count + 1)).slice(0, count),
  })),
  'drops what is active': verbs((honest, store) => {
    const active = note(store, 'active', () => new Set<Delivery>());
    return {
      reserve: async (queue, max, signal) => {
        const some = await honest.reserve(queue, max, signal);
        for (const delivery of some) active.add(delivery);
        return some;
      },
      settle: (delivery, settlement) => {
        active.delete(delivery);
        return honest.settle(delivery, settlement);
      },
      backlog: {
        ...(honest.backlog as Whole),
        dropOldest: async (queue, count) => {
          const some = [...((await honest.backlog?.dropOldest?.(queue, count)) ?? [])];
          for (const delivery of active) if (some.length < count) some.push(await dropped(honest, delivery));
          return some;
        },
      },
    };
  }),
  'keeps the ids of what it drops': verbs((honest, store) => {
    const kept = note(store, 'kept', () => new Set<string>());
    return {
      publish: async (queue, messages) => {
        const receipts = await honest.publish(queue, messages);
        return receipts.map((receipt, index) => (kept.has(messages[index]?.id ?? '') ? { duplicate: true } : receipt));
      },
      backlog: {
        ...(honest.backlog as Whole),
        dropOldest: async (queue, count) => {
          const some = (await honest.backlog?.dropOldest?.(queue, count)) ?? [];
          for (const { id } of some) kept.add(id);
          return some;
        },
      },
    };
  }),
  'tells nothing of what it drops but its id': telling(({ dropOldest }) => ({
    dropOldest: async (queue, count) =>
      (await dropOldest(queue, count)).map(({ id }) => ({ id, name: 'named', headers: {} })),
  })),
  'tells what others have dropped': telling(({ dropOldest }, _, store) => {
    const last = note(store, 'last', () => ({ jobs: [] as readonly DroppedJob[] }));
    return {
      dropOldest: async (queue, count) => {
        const some = await dropOldest(queue, count);
        last.jobs = [...last.jobs, ...some];
        await turns(2);
        const all = last.jobs;
        await turns(2);
        last.jobs = [];
        return all.length > some.length ? all : some;
      },
    };
  }),
  'takes the hand-out for the time of publishing': reading((_, __, { clock }) => ({ publishedAt: clock.now() })),
};

async function dropped(honest: Backend, delivery: Delivery): Promise<DroppedJob> {
  await honest.settle(delivery, { kind: 'completed' });
  return droppedJob(delivery.content);
}
