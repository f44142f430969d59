import type { Delivery } from '../../../lib/core/backend.js';
import type { Breaker } from '../honest.js';
import { delivering, note, reading, verbs } from '../changes.js';
import { telling } from './telling.js';

/** What backends do wrong with leases. */
export const leasingBreakers: Readonly<Record<string, Breaker>> = {
  'lets leases lapse at half their length': { lease: (asked) => asked / 2 },
  'lets leases lapse at nine tenths of their length': { lease: (asked) => asked * 0.9 },
  'lets leases lapse at twice their length': { lease: (asked) => asked * 2 },
  'lets no lease lapse': { lease: () => 1e13 },
  'leases nothing': { lease: () => 1 },
  'says that it renews, and does not': verbs(() => ({
    extend: (delivery) => Promise.resolve(delivery.receipt !== ''),
  })),
  'renews nothing': verbs(() => ({ extend: () => Promise.resolve(false) })),
  'renews once': verbs((honest) => {
    const renewed = new Set<string>();
    return {
      extend: (delivery) => {
        if (renewed.has(delivery.receipt)) return Promise.resolve(true);
        renewed.add(delivery.receipt);
        return honest.extend(delivery);
      },
    };
  }),
  'renews for ever': verbs((honest, { clock, leaseMs }) => {
    const renew = async (delivery: Delivery): Promise<boolean> => {
      const kept = await honest.extend(delivery);
      if (kept) clock.after(leaseMs / 2, () => void renew(delivery));
      return kept;
    };
    return { extend: renew };
  }),
  'renews all that a worker holds': verbs((honest) => {
    const held: Delivery[] = [];
    return {
      reserve: async (queue, max, signal) => {
        const some = await honest.reserve(queue, max, signal);
        held.push(...some);
        return some;
      },
      extend: async (delivery) => {
        for (const each of held) await honest.extend(each);
        return honest.extend(delivery);
      },
    };
  }),
  'renews what was settled': verbs((honest) => ({
    extend: async (delivery) => {
      await honest.extend(delivery);
      return true;
    },
  })),
  'gives the id for a receipt': verbs((honest, store) => {
    const receipts = note(store, 'receipts', () => new Map<string, string>());
    const real = (delivery: Delivery): Delivery => ({ ...delivery, receipt: receipts.get(delivery.receipt) ?? '' });
    return {
      reserve: async (queue, max, signal) =>
        (await honest.reserve(queue, max, signal)).map((delivery) => {
          receipts.set(delivery.content.id, delivery.receipt);
          return { ...delivery, receipt: delivery.content.id };
        }),
      settle: (delivery, settlement) => honest.settle(real(delivery), settlement),
      extend: (delivery) => honest.extend(real(delivery)),
    };
  }),
  'reckons leases from the future': delivering((delivery) => ({ ...delivery, leasedAt: delivery.leasedAt + 60_000 })),
  'says that each lease was lost': delivering((delivery) => ({
    ...delivery,
    onLeaseLost: (listener) => listener(),
  })),
  'calls a settled lease lost': telling({ settled: true }),
  'tells twice that a lease was lost': telling({ times: 2 }),
  'tells no one who listens late that a lease was lost': telling({ late: false }),
  'forgets the failures of a job that lapsed': verbs((honest, store) => {
    const settled = note(store, 'settled', () => new Map<string, number>());
    return {
      reserve: async (queue, max, signal) =>
        (await honest.reserve(queue, max, signal)).map((delivery) => {
          const lapsed = delivery.attempt > (settled.get(delivery.content.id) ?? 0) + 1;
          return lapsed ? { ...delivery, failures: [] } : delivery;
        }),
      settle: (delivery, settlement) => {
        settled.set(delivery.content.id, delivery.attempt);
        return honest.settle(delivery, settlement);
      },
    };
  }),
  'gives a lapsed job without its payload': reading((_, { attempt, failures }) =>
    attempt > failures.length + 1 ? { payload: undefined } : {},
  ),
};
