import type { Backend, Delivery } from '../../lib/core/backend.js';
import { isUnreadable, type Message, type ReceivedMessage } from '../../lib/core/message.js';
import type { Breaker, Store } from './honest.js';
import { inspecting, showingMessages, storingMessages } from './inspectors.js';

/** A note that a breaker makes when it is first asked for. */
export function note<T>(store: Store, name: string, make: () => T): T {
  if (!store.notes.has(name)) store.notes.set(name, make());
  return store.notes.get(name) as T;
}

/** Changes messages on their way in. */
export function publishing(change: (message: Message, store: Store, queue: string) => Message): Breaker {
  return {
    break: (honest, store) => ({
      publish: (queue, messages) =>
        honest.publish(
          queue,
          messages.map((message) => change(message, store, queue)),
        ),
    }),
  };
}

/** Changes messages that take the place of their jobs on their way in. */
export function replacing(change: (message: Message, delivery: Delivery, store: Store) => Message): Breaker {
  return {
    break: (honest, store) => ({
      settle: (delivery, settlement) => {
        if (settlement.kind !== 'replaced') return honest.settle(delivery, settlement);
        return honest.settle(delivery, { ...settlement, message: change(settlement.message, delivery, store) });
      },
    }),
  };
}

/** Changes deliveries on their way out. */
export function delivering(change: (delivery: Delivery, store: Store) => Delivery): Breaker {
  return {
    break: (honest, store) => ({
      reserve: async (queue, max, signal) =>
        (await honest.reserve(queue, max, signal)).map((delivery) => change(delivery, store)),
    }),
  };
}

/** Changes the messages in deliveries on their way out. */
export function reading(change: (content: ReceivedMessage, delivery: Delivery, store: Store) => object): Breaker {
  return delivering((delivery, store) => {
    const { content } = delivery;
    if (isUnreadable(content)) return delivery;
    return { ...delivery, content: { ...content, ...change(content, delivery, store) } };
  });
}

/** Files messages under another priority than theirs, which they get back on their way out. */
export function filing(priorityOf: (message: Message, sequence: number, store: Store) => number): Breaker {
  const filed = (store: Store): Map<string, number> => note(store, 'filed', () => new Map<string, number>());
  const counted = (store: Store): { count: number } => note(store, 'counted', () => ({ count: 0 }));
  const file = (message: Message, store: Store): Message => {
    filed(store).set(message.id, message.priority);
    return { ...message, priority: priorityOf(message, ++counted(store).count, store) };
  };
  const real = <T extends { readonly id: string; readonly priority: number }>(content: T, store: Store): T => ({
    ...content,
    priority: filed(store).get(content.id) ?? content.priority,
  });
  const shown = inspecting((honest, store) => ({
    ...showingMessages(honest, (content) => real(content, store)),
    ...storingMessages(honest, (message) => file(message, store)),
  }));
  const inAndOut = both(
    publishing(file),
    replacing((message, _, store) => file(message, store)),
  );
  return both(
    both(inAndOut, shown),
    reading((content, _, store) => real(content, store)),
  );
}

/** Two faults at once, or two halves of one. */
export function both(first: Breaker, second: Breaker): Breaker {
  return {
    break: (honest, store) => {
      const half: Backend = { ...honest, ...first.break?.(honest, store) };
      return { ...half, ...second.break?.(half, store) };
    },
  };
}

/** Changes only some verbs. */
export function verbs(change: (honest: Backend, store: Store) => Partial<Backend>): Breaker {
  return { break: change };
}

/** So many turns of the event loop. */
export async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** A promise that never resolves. */
export function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}

/** Resolves when the signal aborts, or before, when `other` resolves. */
export function aborted(signal: AbortSignal, other: Promise<void> = never()): Promise<void> {
  return new Promise((resolve) => {
    const finish = (): void => {
      signal.removeEventListener('abort', finish);
      resolve();
    };
    if (signal.aborted) finish();
    signal.addEventListener('abort', finish);
    void other.then(finish);
  });
}
