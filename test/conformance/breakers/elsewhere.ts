import type { Backend } from '../../../lib/core/backend.js';
import { verbs } from '../changes.js';
import { elsewhereOn } from '../elsewhere.js';
import type { Breaker } from '../honest.js';
import { bound } from '../records.js';

export const elsewhereBreakers: Readonly<Record<string, Breaker>> = {
  'opens other records elsewhere': verbs((_, store) => ({
    recordsElsewhere: () => elsewhereOn(store, () => store.open('other')),
  })),
  'says of its records elsewhere what is no data': verbs((_, store) => ({
    recordsElsewhere: async () => {
      const { module } = await elsewhereOn(store, () => store.open());
      return { module, options: () => undefined };
    },
  })),
  'closes its own records with those elsewhere': verbs(({ records }, store) => {
    let isClosed = false;
    const close = async (): Promise<void> => void (isClosed = true);
    return {
      recordsElsewhere: () => elsewhereOn(store, async () => ({ ...(await store.open()), close })),
      records: records && {
        ...bound(records),
        get: (key) => (isClosed ? Promise.reject(new Error('it is closed')) : records.get(key)),
      },
    };
  }),
  'takes jobs where its records are opened elsewhere': verbs((honest, store) => {
    let other: Backend | undefined;
    return {
      recordsElsewhere: () => elsewhereOn(store, async () => (other = await store.open())),
      publish: async (queue, messages) => {
        const receipts = await honest.publish(queue, messages);
        await other?.reserve(queue, 1, new AbortController().signal);
        return receipts;
      },
    };
  }),
};
