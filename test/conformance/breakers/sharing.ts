import type { Backend, Delivery, Settlement } from '../../../lib/core/backend.js';
import type { Message } from '../../../lib/core/message.js';
import type { Breaker, Store } from '../honest.js';
import { aborted, note, turns, verbs } from '../changes.js';

const NOW = AbortSignal.abort();

/** Its workers have something of their own: each opening gets another name. */
function ownName(store: Store): string {
  const opened = note(store, 'opened', () => ({ count: 0 }));
  return `own ${++opened.count}`;
}

function onOwnStore(store: Store): Partial<Backend> {
  const own = store.open(ownName(store));
  return {
    publish: async (queue, messages) => (await own).publish(queue, messages),
    reserve: async (queue, max, signal) => (await own).reserve(queue, max, signal),
    settle: async (delivery, settlement) => (await own).settle(delivery, settlement),
    extend: async (delivery) => (await own).extend(delivery),
    close: async () => (await own).close(),
  };
}

/** What backends do wrong with several workers. */
export const sharingBreakers: Readonly<Record<string, Breaker>> = {
  'gives each worker jobs of its own': verbs((_, store) => onOwnStore(store)),
  'wakes only reserves of the publishing worker': verbs((honest) => {
    const wakers = new Set<() => void>();
    const wake = (): void => wakers.forEach((each) => each());
    return {
      publish: (queue, messages) => honest.publish(queue, messages).finally(wake),
      settle: (delivery, settlement) => honest.settle(delivery, settlement).finally(wake),
      reserve: async (queue, max, signal) => {
        const some = await honest.reserve(queue, max, NOW);
        if (some.length > 0) return some;
        await aborted(signal, new Promise<void>((resolve) => wakers.add(resolve)));
        return honest.reserve(queue, max, NOW);
      },
    };
  }),
  'keeps delayed jobs in the publishing worker': verbs((honest, { clock }) => {
    let closed = false;
    return {
      publish: async (queue, messages) => {
        const delayed = messages.filter(({ readyAt }) => (readyAt ?? 0) > clock.now());
        for (const message of delayed) {
          const due = (): unknown => closed || honest.publish(queue, [message]);
          clock.after((message.readyAt ?? 0) - clock.now(), () => void due());
        }
        await honest.publish(
          queue,
          messages.filter((message) => !delayed.includes(message)),
        );
        return messages.map(() => ({ duplicate: false }));
      },
      close: () => {
        closed = true;
        return honest.close();
      },
    };
  }),
  'stores what is published a while later': verbs((honest) => {
    const held: { queue: string; messages: readonly Message[] }[] = [];
    let closed = false;
    const flush = async (): Promise<void> => {
      await turns(20);
      if (!closed) for (const { queue, messages } of held.splice(0)) await honest.publish(queue, messages);
    };
    return {
      publish: (queue, messages) => {
        held.push({ queue, messages: messages });
        void flush();
        return Promise.resolve(messages.map(() => ({ duplicate: false })));
      },
      close: () => {
        closed = true;
        return honest.close();
      },
    };
  }),
  'settles a while later': verbs((honest) => {
    const held: { delivery: Delivery; settlement: Settlement }[] = [];
    return {
      settle: (delivery, settlement) => {
        held.push({ delivery, settlement });
        return Promise.resolve(true);
      },
      reserve: async (queue, max, signal) => {
        for (const { delivery, settlement } of held.splice(0)) await honest.settle(delivery, settlement);
        return honest.reserve(queue, max, signal);
      },
    };
  }),
};
