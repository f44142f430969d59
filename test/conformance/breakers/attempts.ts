import type { Delivery } from '../../../lib/core/backend.js';
import type { Breaker } from '../honest.js';
import { delivering, note, publishing, verbs } from '../changes.js';

function keyOf({ queue, content }: Delivery): string {
  return `${queue}/${content.id}`;
}

/** Keeps the attempts on its own, by a key. */
function counting(key: (delivery: Delivery) => string, on: 'hand-out' | 'settlement'): Breaker {
  return verbs((honest, store) => {
    const counts = note(store, 'counts', () => new Map<string, number>());
    const count = (delivery: Delivery, by: number): number => {
      counts.set(key(delivery), (counts.get(key(delivery)) ?? 0) + by);
      return counts.get(key(delivery)) ?? 0;
    };
    return {
      reserve: async (queue, max, signal) =>
        (await honest.reserve(queue, max, signal)).map((delivery) => ({
          ...delivery,
          attempt: on === 'hand-out' ? count(delivery, 1) : count(delivery, 0) + 1,
        })),
      settle: (delivery, settlement) => {
        if (settlement.kind === 'again') {
          if (on === 'settlement' && settlement.countsAttempt) count(delivery, 1);
          if (on === 'hand-out' && !settlement.countsAttempt) count(delivery, -1);
        } else if (on === 'settlement') counts.delete(key(delivery));
        return honest.settle(delivery, settlement);
      },
    };
  });
}

/** What backends do wrong with attempts and failures. */
export const attemptsBreakers: Readonly<Record<string, Breaker>> = {
  'never counts attempts': delivering((delivery) => ({ ...delivery, attempt: 1 })),
  'counts attempts from 0': delivering((delivery) => ({ ...delivery, attempt: delivery.attempt - 1 })),
  'counts attempts only when they are settled': counting(keyOf, 'settlement'),
  'counts attempts for the whole queue': counting(({ queue }) => queue, 'hand-out'),
  'remembers the attempts of a freed id': counting(keyOf, 'hand-out'),
  'charges what is given back': verbs((honest) => ({
    settle: (delivery, settlement) =>
      honest.settle(delivery, settlement.kind === 'again' ? { ...settlement, countsAttempt: true } : settlement),
  })),
  'charges nothing that comes back': verbs((honest) => ({
    settle: (delivery, settlement) =>
      honest.settle(delivery, settlement.kind === 'again' ? { ...settlement, countsAttempt: false } : settlement),
  })),
  'ignores attempts used up elsewhere': publishing((message) => ({ ...message, attemptsUsed: 0 })),
  'forgets failures': delivering((delivery) => ({ ...delivery, failures: [] })),
  'keeps the last failure only': delivering((delivery) => ({ ...delivery, failures: delivery.failures.slice(-1) })),
  'mangles the text of failures': delivering((delivery) => ({
    ...delivery,
    failures: delivery.failures.map((failure) => ({
      ...failure,
      error: { ...failure.error, message: failure.error.message.replaceAll(/[^ -~]/g, '?') },
    })),
  })),
  'keeps failures though its traits say no': { traits: { history: false } },
};
