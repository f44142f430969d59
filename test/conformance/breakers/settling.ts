import type { Delivery, Settlement } from '../../../lib/core/backend.js';
import type { Breaker } from '../honest.js';
import { note, turns, verbs } from '../changes.js';

function turning(from: Settlement['kind'], into: (now: number) => Settlement): Breaker {
  return verbs((honest, { clock }) => ({
    settle: (delivery, settlement) =>
      honest.settle(delivery, settlement.kind === from ? into(clock.now()) : settlement),
  }));
}

const back = (at: number): Settlement => ({ kind: 'again', at, countsAttempt: true, failures: [] });

/** What backends do wrong when a delivery ends. */
export const settlingBreakers: Readonly<Record<string, Breaker>> = {
  'completes what is to give way': verbs((honest) => ({
    settle: (delivery, settlement) =>
      honest.settle(delivery, settlement.kind === 'replaced' ? { kind: 'completed' } : settlement),
  })),
  'keeps completed jobs': turning('completed', back),
  'hands failed jobs out again': turning('failed', back),
  'keeps expired jobs': turning('expired', back),
  'forgets to take the lease off completed jobs': verbs((honest) => ({
    settle: (delivery, settlement) =>
      settlement.kind === 'completed' ? honest.extend(delivery) : honest.settle(delivery, settlement),
  })),
  'forgets to take the lease off failed jobs': verbs((honest) => ({
    settle: (delivery, settlement) =>
      settlement.kind === 'failed' ? honest.extend(delivery) : honest.settle(delivery, settlement),
  })),
  'drops failed jobs': turning('failed', () => ({ kind: 'completed' })),
  'sets completed jobs aside': turning('completed', () => ({ kind: 'failed', reason: '', failures: [] })),
  'sets expired jobs aside as failed': turning('expired', () => ({ kind: 'failed', reason: '', failures: [] })),
  'drops jobs that are put back': turning('again', () => ({ kind: 'completed' })),
  'says yes to every settlement': verbs((honest) => ({
    settle: async (delivery, settlement) => {
      await honest.settle(delivery, settlement);
      return true;
    },
  })),
  'says no to settlements that counted': verbs((honest) => ({
    settle: async (delivery, settlement) => {
      await honest.settle(delivery, settlement);
      return false;
    },
  })),
  'says yes to a settlement before it looks': verbs((honest, store) => {
    const open = note(store, 'open', () => new Set<string>());
    return {
      reserve: async (queue, max, signal) => {
        const some = await honest.reserve(queue, max, signal);
        for (const { receipt } of some) open.add(receipt);
        return some;
      },
      settle: async (delivery, settlement) => {
        const known = open.has(delivery.receipt);
        await turns(1);
        open.delete(delivery.receipt);
        return (await honest.settle(delivery, settlement)) || known;
      },
    };
  }),
  'settles by the id of the job': verbs((honest, store) => {
    const held = note(store, 'held', () => new Map<string, Delivery>());
    const keyOf = ({ queue, content }: Delivery): string => `${queue}/${content.id}`;
    const current = (delivery: Delivery): Delivery => held.get(keyOf(delivery)) ?? delivery;
    return {
      reserve: async (queue, max, signal) => {
        const some = await honest.reserve(queue, max, signal);
        for (const delivery of some) held.set(keyOf(delivery), delivery);
        return some;
      },
      settle: (delivery, settlement) => honest.settle(current(delivery), settlement),
      extend: (delivery) => honest.extend(current(delivery)),
    };
  }),
  'settles the whole batch': verbs((honest) => {
    const batches = new Map<string, readonly Delivery[]>();
    return {
      reserve: async (queue, max, signal) => {
        const some = await honest.reserve(queue, max, signal);
        for (const { receipt } of some) batches.set(receipt, some);
        return some;
      },
      settle: async (delivery, settlement) => {
        const settled = await honest.settle(delivery, settlement);
        for (const other of batches.get(delivery.receipt) ?? []) await honest.settle(other, settlement);
        return settled;
      },
    };
  }),
  'loses settlements that come at the same time': verbs((honest) => {
    let busy = false;
    return {
      settle: async (delivery, settlement) => {
        if (busy) return true;
        busy = true;
        await turns(1);
        busy = false;
        return honest.settle(delivery, settlement);
      },
    };
  }),
  'never answers a settlement': verbs(() => ({ settle: () => new Promise(() => undefined) })),
};
