import type { Letters } from '../../../lib/core/letters.js';
import { note, turns, verbs } from '../changes.js';
import type { Breaker, Store } from '../honest.js';
import { bound } from '../records.js';

/** Changes some verbs of the letters of a backend. */
function posting(change: (honest: Letters, store: Store) => Partial<Letters>): Breaker {
  return verbs(({ records }, store) => {
    const letters = records?.letters;
    if (!records || !letters) return {};
    return { records: { ...bound(records), letters: { ...letters, ...change(letters, store) } } };
  });
}

/** Changes texts on their way. */
function writing(change: (text: string) => string): Breaker {
  return posting((honest) => ({
    send: (address, key, text, ttlMs) => honest.send(address, key, change(text), ttlMs),
  }));
}

/** All workers' letters. */
function workers(store: Store, letters: Letters): Set<Letters> {
  return note(store, 'letters', () => new Set<Letters>()).add(letters);
}

/** What backends do wrong with letters. */
export const lettersBreakers: Readonly<Record<string, Breaker>> = {
  'sends letters nowhere': posting(() => ({ send: () => Promise.resolve() })),
  'sends letters to its own worker only': posting((honest) => ({
    send: async (address, key, text, ttlMs) => {
      if (address === honest.address()) await honest.send(address, key, text, ttlMs);
    },
  })),
  'sends letters to all': posting((honest, store) => {
    const all = workers(store, honest);
    return {
      send: async (_, key, text, ttlMs) => {
        for (const each of all) await each.send(each.address() ?? '', key, text, ttlMs);
      },
    };
  }),
  'never has an address': posting(() => ({ address: () => undefined })),
  'has another address each time': posting((honest) => {
    let asked = 0;
    return { address: () => (asked++ % 4 < 2 ? honest.address() : 'elsewhere') };
  }),
  'takes keys of letters without their case': posting((honest) => ({
    send: (address, key, text, ttlMs) => honest.send(address, key.toLowerCase(), text, ttlMs),
    hear: (key, listener) => honest.hear(key.toLowerCase(), listener),
  })),
  'repairs lone surrogates in letters': writing((text) => Buffer.from(text).toString()),
  'truncates letters at 64 KB': writing((text) => text.slice(0, 65_536)),
  'loses letters that are sent at the same time': posting((honest) => {
    let busy = false;
    return {
      send: async (address, key, text, ttlMs) => {
        if (busy) return;
        busy = true;
        await turns(1);
        busy = false;
        await honest.send(address, key, text, ttlMs);
      },
    };
  }),
  'loses letters that go along with a job': posting((honest) => ({
    send: async (address, key, text, ttlMs, receipt) => {
      if (receipt === undefined) await honest.send(address, key, text, ttlMs);
    },
  })),
  'has one who hears a key': posting((honest) => {
    const last = new Map<string, (text: string) => void>();
    return {
      hear: (key, listener) => {
        last.set(key, listener);
        return honest.hear(key, (text) => last.get(key) === listener && listener(text));
      },
    };
  }),
  'goes on with letters to who has ended': posting((honest) => ({
    hear: (key, listener) => {
      honest.hear(key, listener);
      return () => undefined;
    },
  })),
  'refuses letters to who is gone': posting((honest, store) => {
    const all = workers(store, honest);
    return {
      send: (address, key, text, ttlMs) =>
        [...all].some((each) => each.address() === address)
          ? honest.send(address, key, text, ttlMs)
          : Promise.reject(new Error('nobody is there')),
    };
  }),
  'drops letters that nobody hears': posting((honest, store) => {
    const heard = note(store, 'heard', () => new Map<string, number>());
    return {
      send: async (address, key, text, ttlMs) => {
        if ((heard.get(key) ?? 0) > 0) await honest.send(address, key, text, ttlMs);
      },
      hear: (key, listener) => {
        heard.set(key, (heard.get(key) ?? 0) + 1);
        const end = honest.hear(key, listener);
        return () => {
          heard.set(key, (heard.get(key) ?? 0) - 1);
          end();
        };
      },
    };
  }),
  'keeps letters for who comes to hear': posting((honest) => {
    const kept = new Map<string, string>();
    return {
      send: (address, key, text, ttlMs) => {
        kept.set(key, text);
        return honest.send(address, key, text, ttlMs);
      },
      hear: (key, listener) => {
        const text = kept.get(key);
        if (text !== undefined) listener(text);
        return honest.hear(key, listener);
      },
    };
  }),
  // Its box is one that nobody closes.
  'hears letters after it was closed': verbs(({ records }, { post }) =>
    records ? { records: { ...bound(records), letters: post.open(records).letters } } : {},
  ),
  'leaves a timer for each who hears': posting((honest, { cleanups }) => ({
    hear: (key, listener) => {
      const timer = setInterval(() => undefined, 1e6);
      cleanups.push(() => clearInterval(timer));
      return honest.hear(key, listener);
    },
  })),
};
