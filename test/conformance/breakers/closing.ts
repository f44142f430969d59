import { BackendError, type Delivery } from '../../../lib/core/backend.js';
import type { Breaker } from '../honest.js';
import { never, note, verbs } from '../changes.js';

/** What backends do wrong when they close. */
export const closingBreakers: Readonly<Record<string, Breaker>> = {
  'leaves waiting reserves at close': verbs(() => ({ close: () => Promise.resolve() })),
  'hangs at close': verbs(() => ({ close: never })),
  'waits for settlements at close': verbs((honest) => {
    const held = new Set<string>();
    return {
      reserve: async (queue, max, signal) => {
        const some = await honest.reserve(queue, max, signal);
        for (const { receipt } of some) held.add(receipt);
        return some;
      },
      settle: (delivery, settlement) => {
        held.delete(delivery.receipt);
        return honest.settle(delivery, settlement);
      },
      close: () => (held.size > 0 ? never() : honest.close()),
    };
  }),
  'rejects a second close': verbs((honest) => {
    let closed = false;
    return {
      close: () => {
        if (closed) return Promise.reject(new Error('closed already'));
        closed = true;
        return honest.close();
      },
    };
  }),
  'rejects a close of what was never used': verbs((honest) => {
    let used = false;
    return {
      publish: (queue, messages) => {
        used = true;
        return honest.publish(queue, messages);
      },
      reserve: (queue, max, signal) => {
        used = true;
        return honest.reserve(queue, max, signal);
      },
      close: () => (used ? honest.close() : Promise.reject(new Error('not connected'))),
    };
  }),
  'closes all workers at once': verbs((honest, store) => {
    const line = note(store, 'line', () => new AbortController());
    const reach = <T>(act: () => Promise<T>): Promise<T> =>
      line.signal.aborted ? Promise.reject(new BackendError('connection is closed', { passing: false })) : act();
    return {
      publish: (queue, messages) => reach(() => honest.publish(queue, messages)),
      reserve: (queue, max, signal) => reach(() => honest.reserve(queue, max, AbortSignal.any([signal, line.signal]))),
      settle: (delivery, settlement) => reach(() => honest.settle(delivery, settlement)),
      extend: (delivery) => reach(() => honest.extend(delivery)),
      close: () => {
        line.abort();
        return honest.close();
      },
    };
  }),
  'frees what it holds at close': verbs((honest) => {
    const held = new Map<string, Delivery>();
    return {
      reserve: async (queue, max, signal) => {
        const some = await honest.reserve(queue, max, signal);
        for (const delivery of some) held.set(delivery.receipt, delivery);
        return some;
      },
      close: async () => {
        for (const delivery of held.values()) {
          await honest.settle(delivery, { kind: 'again', at: 0, countsAttempt: false, failures: [] });
        }
        await honest.close();
      },
    };
  }),
  'forgets all when the last worker closes': verbs((_, store) => {
    const opened = note(store, 'workers', () => ({ count: 0, life: 0 }));
    opened.count += 1;
    const own = store.open(`life ${opened.life}`);
    return {
      publish: async (queue, messages) => (await own).publish(queue, messages),
      reserve: async (queue, max, signal) => (await own).reserve(queue, max, signal),
      settle: async (delivery, settlement) => (await own).settle(delivery, settlement),
      extend: async (delivery) => (await own).extend(delivery),
      close: async () => {
        opened.count -= 1;
        if (opened.count === 0) opened.life += 1;
        await (await own).close();
      },
    };
  }),
  'leaves a timer behind': verbs((_, { cleanups }) => {
    const timer = setInterval(() => undefined, 1e6);
    cleanups.push(() => clearInterval(timer));
    return {};
  }),
};
