import { LEAST_PRIORITY } from '../../../lib/core/message.js';
import type { Breaker } from '../honest.js';
import { filing, turns, verbs } from '../changes.js';

/** What backends do wrong with order. */
export const orderBreakers: Readonly<Record<string, Breaker>> = {
  'ignores priorities': filing(() => 1024),
  'serves the last first': filing(({ priority }, sequence) => priority * 1e5 - sequence),
  'serves the least urgent first': filing(({ priority }) => LEAST_PRIORITY - priority),
  'takes 0 for no priority': filing(({ priority }) => priority || 1024),
  'rounds priorities to tens': filing(({ priority }) => Math.round(priority / 10)),
  'keeps priorities in two bytes': filing(({ priority }) => priority & 0xffff),
  'keeps priorities in 32 bits with a sign': filing(({ priority }) => priority | 0),
  'sorts the first thousand only': filing(({ priority }, sequence) => (sequence > 1000 ? LEAST_PRIORITY : priority)),
  'serves equals in no order': filing(({ priority }, sequence) => priority * 1000 + ((sequence * 7919) % 1000)),
  'gives its jobs unsorted': verbs((honest) => ({
    reserve: async (queue, max, signal) => [...(await honest.reserve(queue, max, signal))].reverse(),
  })),
  'puts what falls due at the end': filing(({ priority, readyAt }, _, { clock }) =>
    (readyAt ?? 0) > clock.now() ? LEAST_PRIORITY : priority,
  ),
  'serves calls of one before calls of many': verbs((honest) => ({
    publish: async (queue, messages) => {
      if (messages.length > 1) await turns(1);
      return honest.publish(queue, messages);
    },
  })),
  'puts what comes back at the end': verbs((honest) => ({
    settle: async (delivery, settlement) => {
      const { content } = delivery;
      if (settlement.kind !== 'again' || 'unreadable' in content) return honest.settle(delivery, settlement);
      if (!(await honest.settle(delivery, { kind: 'completed' }))) return false;
      const { payload, ...envelope } = content;
      const attemptsUsed = delivery.attempt - (settlement.countsAttempt ? 0 : 1);
      const body = JSON.stringify(payload);
      const message = { ...envelope, body, attemptsUsed, readyAt: settlement.at, priority: LEAST_PRIORITY };
      await honest.publish(delivery.queue, [message]);
      return true;
    },
  })),
};
