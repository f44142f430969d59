import type { Delivery } from '../../../lib/core/backend.js';
import type { Breaker } from '../honest.js';
import { aborted, delivering, never, note, turns, verbs } from '../changes.js';

const NOW = AbortSignal.abort();

/** What backends do wrong when they hand jobs out. */
export const reservingBreakers: Readonly<Record<string, Breaker>> = {
  'gives more than asked for': verbs((honest) => ({
    reserve: (queue, max, signal) => honest.reserve(queue, max + 1, signal),
  })),
  'fetches ahead': verbs((honest) => {
    const ahead: Delivery[] = [];
    return {
      reserve: async (queue, max, signal) => {
        if (ahead.length < max) {
          const stop = ahead.length > 0 ? NOW : signal;
          ahead.push(...(await honest.reserve(queue, max + 10, stop)));
        }
        return ahead.splice(0, max);
      },
    };
  }),
  'does not tell the queue': delivering((delivery) => ({ ...delivery, queue: '' })),
  'answers at once when there is nothing': verbs((honest) => ({
    reserve: (queue, max) => honest.reserve(queue, max, NOW),
  })),
  'never wakes a reserve': verbs((honest) => ({
    reserve: async (queue, max, signal) => {
      const some = await honest.reserve(queue, max, NOW);
      if (some.length === 0) await aborted(signal);
      return some;
    },
  })),
  'serves one waiting reserve': verbs((honest, store) => {
    const waiting = note(store, 'waiting', () => new Set<string>());
    return {
      reserve: async (queue, max, signal) => {
        if (waiting.has(queue)) {
          await aborted(signal);
          return [];
        }
        waiting.add(queue);
        try {
          return await honest.reserve(queue, max, signal);
        } finally {
          waiting.delete(queue);
        }
      },
    };
  }),
  'does not hear an abort': verbs((honest) => ({
    reserve: (queue, max) => honest.reserve(queue, max, new AbortController().signal),
  })),
  'hangs when its signal has aborted before': verbs((honest) => ({
    reserve: (queue, max, signal) => (signal.aborted ? never() : honest.reserve(queue, max, signal)),
  })),
  'drops what it has leased when it is aborted': verbs((honest) => ({
    reserve: async (queue, max, signal) => {
      const some = await honest.reserve(queue, max, signal);
      await turns(1);
      return signal.aborted ? [] : some;
    },
  })),
  'reads all queues': verbs((honest, store) => {
    const queues = note(store, 'queues', () => new Set<string>());
    return {
      publish: (queue, messages) => {
        queues.add(queue);
        return honest.publish(queue, messages);
      },
      reserve: async (queue, max, signal) => {
        for (const other of queues) {
          const some = await honest.reserve(other, max, NOW);
          if (some.length > 0) return some;
        }
        return honest.reserve(queue, max, AbortSignal.any([signal, AbortSignal.timeout(1)]));
      },
    };
  }),
  'reckons leases from the call': verbs((honest, { clock }) => ({
    reserve: async (queue, max, signal) => {
      const leasedAt = clock.monotonic();
      return (await honest.reserve(queue, max, signal)).map((delivery) => ({ ...delivery, leasedAt }));
    },
  })),
  'hands each job to two workers': verbs((honest, store) => {
    const copies = note(store, 'copies', () => new Map<string, Delivery[]>());
    return {
      reserve: async (queue, max, signal) => {
        const [copy, ...others] = copies.get(queue) ?? [];
        if (copy) {
          copies.set(queue, others);
          return [copy];
        }
        const some = await honest.reserve(queue, max, signal);
        const again = some.map((delivery) => ({ ...structuredClone(delivery), receipt: `${delivery.receipt}'` }));
        copies.set(queue, [...(copies.get(queue) ?? []), ...again]);
        return some;
      },
      settle: (delivery, settlement) =>
        delivery.receipt.endsWith("'") ? Promise.resolve(true) : honest.settle(delivery, settlement),
    };
  }),
};
