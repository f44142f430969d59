import type { Delivery } from '../../../lib/core/backend.js';
import { verbs } from '../changes.js';
import type { Breaker } from '../honest.js';

/** How a backend that tells of lost leases is wrong; none of it: not at all. */
interface Mistakes {
  /** How often it tells. Default 1. */
  readonly times?: number;
  /** Whether it tells of settled ones. Default false. */
  readonly settled?: boolean;
  /** Whether it tells one who listens only after the loss. Default true. */
  readonly late?: boolean;
}

/** A lease as its worker sees it. */
class Lease {
  private listener: () => void = () => undefined;
  private lost = false;
  cancel: () => void = () => undefined;

  constructor(private readonly late: boolean) {}

  readonly listen = (listener: () => void): void => {
    this.listener = listener;
    if (this.lost && this.late) listener();
  };

  lose(times: number): void {
    this.lost = true;
    for (let time = 0; time < times; time++) this.listener();
  }
}

/** Tells by its own clock when a lease has lapsed. */
export function telling({ times = 1, settled = false, late = true }: Mistakes): Breaker {
  return verbs((honest, { clock, leaseMs }) => {
    const leases = new Map<string, Lease>();
    const begin = (lease: Lease): void => {
      lease.cancel();
      lease.cancel = clock.after(leaseMs, () => lease.lose(times));
    };
    const take = (delivery: Delivery): Delivery => {
      const lease = new Lease(late);
      leases.set(delivery.receipt, lease);
      begin(lease);
      return { ...delivery, onLeaseLost: lease.listen };
    };
    return {
      reserve: async (queue, max, signal) => (await honest.reserve(queue, max, signal)).map(take),
      extend: async (delivery) => {
        const kept = await honest.extend(delivery);
        const lease = leases.get(delivery.receipt);
        if (kept && lease) begin(lease);
        return kept;
      },
      settle: async (delivery, settlement) => {
        const ended = await honest.settle(delivery, settlement);
        if (ended) leases.get(delivery.receipt)?.cancel();
        if (ended && settled) leases.get(delivery.receipt)?.lose(times);
        return ended;
      },
    };
  });
}
