import type { Breaker } from './honest.js';
import { alias, under } from './breakers/ids.js';
import { both, delivering, filing, publishing, verbs } from './changes.js';

const STEP_MS = 1_000;
const LEASE_MS = 5_000;
const EXACT = 1_000_000;

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
      settle: (delivery, settlement) => {
        if (settlement.kind !== 'again' || settlement.at <= clock.now()) return honest.settle(delivery, settlement);
        return honest.settle(delivery, { ...settlement, at: upToStep(settlement.at) });
      },
    })),
  ).break,
};
