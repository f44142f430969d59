import type { Backend, Delivery, Settlement } from '../../../lib/core/backend.js';
import type { FailureRecord } from '../../../lib/core/failure-record.js';
import { isUnreadable, type Message } from '../../../lib/core/message.js';
import type { Breaker, Store } from '../honest.js';
import { both, delivering, note, reading, replacing, verbs } from '../changes.js';
import { alias } from './ids.js';

type Replace = (delivery: Delivery, message: Message) => Promise<boolean>;

/** Changes how a message takes a job's place. */
function ending(change: (honest: Backend, store: Store) => Replace): Breaker {
  return verbs((honest, store) => ({
    settle: (delivery, settlement) =>
      settlement.kind === 'replaced'
        ? change(honest, store)(delivery, settlement.message)
        : honest.settle(delivery, settlement),
  }));
}

/** Ends the delivery in one way, and stores the message as another job of the same name to the outside. */
function besides(end: (honest: Backend, delivery: Delivery) => Promise<boolean>): Breaker {
  const real = (store: Store): Map<string, string> => note(store, 'replaced ids', () => new Map<string, string>());
  return both(
    ending((honest, store) => async (delivery, message) => {
      const id = alias(message.id);
      real(store).set(id, real(store).get(message.id) ?? message.id);
      if (!(await end(honest, delivery))) return false;
      await honest.publish(delivery.queue, [{ ...message, id }]);
      return true;
    }),
    reading(({ id }, _, store) => ({ id: real(store).get(id) ?? id })),
  );
}

const COMPLETED: Settlement = { kind: 'completed' };

/** What backends do wrong when a message takes the place of its job. */
export const replacingBreakers: Readonly<Record<string, Breaker>> = {
  'drops what takes a job’s place': ending((honest) => (delivery) => honest.settle(delivery, COMPLETED)),
  'leaves the job that was replaced': besides((honest, delivery) =>
    honest.settle(delivery, { kind: 'again', at: 0, countsAttempt: false, failures: [] }),
  ),
  'leaves the lease on the job that was replaced': besides((honest, delivery) => honest.extend(delivery)),
  'frees the id of a job that is replaced': besides((honest, delivery) => honest.settle(delivery, COMPLETED)),
  'replaces the payload only': replacing((message, { content }) =>
    isUnreadable(content) ? message : { ...message, name: content.name, headers: content.headers },
  ),
  'goes on counting the attempts of what was replaced': replacing((message, { attempt }) => ({
    ...message,
    attemptsUsed: attempt,
  })),
  'forgets the attempts that a replacing message has used up': replacing((message) => ({
    ...message,
    attemptsUsed: 0,
  })),
  'keeps the failures of what was replaced': both(
    ending((honest, store) => (delivery, message) => {
      note(store, 'kept failures', () => new Map<string, readonly FailureRecord[]>()).set(
        message.id,
        delivery.failures,
      );
      return honest.settle(delivery, { kind: 'replaced', message });
    }),
    delivering((delivery, store) => {
      const kept = note(store, 'kept failures', () => new Map<string, readonly FailureRecord[]>());
      return { ...delivery, failures: [...(kept.get(delivery.content.id) ?? []), ...delivery.failures] };
    }),
  ),
  'forgets the delay of what takes a job’s place': replacing(({ readyAt: _, ...message }) => message),
  'puts what takes a job’s place before its equals': replacing((message) => ({
    ...message,
    priority: Math.max(message.priority - 1, 0),
  })),
  'keeps the priority of what was replaced': replacing((message, { content }) => ({
    ...message,
    priority: isUnreadable(content) ? message.priority : content.priority,
  })),
  'replaces what is held no more': ending((honest) => async (delivery, message) => {
    if (await honest.settle(delivery, { kind: 'replaced', message })) return true;
    await honest.publish(delivery.queue, [{ ...message, id: alias(message.id) }]);
    return false;
  }),
};
