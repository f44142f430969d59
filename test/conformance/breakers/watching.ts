import type { Breaker } from '../honest.js';
import { never, note, turns, verbs } from '../changes.js';
import { keeping } from './records.js';

/** What backends do wrong with those who watch records. */
export const watchingBreakers: Readonly<Record<string, Breaker>> = {
  'tells nobody who watches': keeping(() => ({ watch: () => Promise.resolve(() => undefined) })),
  'tells only of what its own worker sets': keeping((honest) => {
    const own = new Set<string>();
    return {
      set: async (key, text, ttlMs) => {
        own.add(key);
        await honest.set(key, text, ttlMs);
        own.delete(key);
      },
      watch: (key, listener) => honest.watch(key, () => own.has(key) && listener()),
    };
  }),
  'tells only of what another worker sets': keeping((honest) => {
    const own = new Set<string>();
    return {
      set: async (key, text, ttlMs) => {
        own.add(key);
        await honest.set(key, text, ttlMs);
        own.delete(key);
      },
      watch: (key, listener) => honest.watch(key, () => !own.has(key) && listener()),
    };
  }),
  'tells once': keeping((honest) => ({
    watch: async (key, listener) => {
      let told = false;
      return honest.watch(key, () => {
        if (!told) listener();
        told = true;
      });
    },
  })),
  'tells before it stores': keeping((honest, store) => {
    const listeners = note(store, 'listeners', () => new Map<string, Set<() => void>>());
    return {
      set: async (key, text, ttlMs) => {
        for (const listener of listeners.get(key) ?? []) listener();
        await turns(1);
        await honest.set(key, text, ttlMs);
      },
      watch: (key, listener) => {
        const told = (): void => listener();
        listeners.set(key, (listeners.get(key) ?? new Set()).add(told));
        return Promise.resolve(() => void listeners.get(key)?.delete(told));
      },
    };
  }),
  'watches one key at a time': keeping((honest) => {
    let watched: string | undefined;
    return {
      watch: (key, listener) => {
        watched = key;
        return honest.watch(key, () => watched === key && listener());
      },
    };
  }),
  'has one watcher for a key': keeping((honest) => {
    const last = new Map<string, () => void>();
    return {
      watch: (key, listener) => {
        last.set(key, listener);
        return honest.watch(key, () => last.get(key) === listener && listener());
      },
    };
  }),
  'ends all watchers of a key with one': keeping((honest) => {
    const ends = new Map<string, Set<() => void>>();
    return {
      watch: async (key, listener) => {
        const ofKey = ends.get(key) ?? new Set();
        ends.set(key, ofKey.add(await honest.watch(key, listener)));
        return () => ofKey.forEach((end) => end());
      },
    };
  }),
  'takes two watches of one listener for one': keeping((honest) => {
    const ends = new Map<() => void, () => void>();
    return {
      watch: async (key, listener) => {
        ends.get(listener)?.();
        ends.set(listener, await honest.watch(key, listener));
        return () => ends.get(listener)?.();
      },
    };
  }),
  'goes on telling who has ended': keeping((honest) => ({
    watch: async (key, listener) => {
      await honest.watch(key, listener);
      return () => undefined;
    },
  })),
  'begins to watch a while later': keeping((honest) => ({
    watch: (key, listener) => {
      let end = (): void => undefined;
      void turns(4).then(async () => {
        end = await honest.watch(key, listener);
      });
      return Promise.resolve(() => end());
    },
  })),
  'watches until the time of the record ends': keeping((honest, { clock }) => {
    let ended = false;
    return {
      set: async (key, text, ttlMs) => {
        clock.after(ttlMs, () => (ended = true));
        await honest.set(key, text, ttlMs);
      },
      watch: (key, listener) => honest.watch(key, () => !ended && listener()),
    };
  }),
  'goes on telling after it was closed': keeping((_, store) => {
    // One that nobody closes before the scenario is over.
    const other = note(store, 'never closed', () => store.open());
    store.cleanups.push(() => void other.then((backend) => backend.close()));
    return {
      watch: async (key, listener) => (await other).records?.watch(key, listener) ?? (() => undefined),
    };
  }),
  'hangs at close while a key is watched': verbs((honest) => {
    const { records } = honest;
    if (!records) return {};
    let watches = 0;
    return {
      records: {
        set: (key, text, ttlMs) => records.set(key, text, ttlMs),
        claim: (key, text, ttlMs) => records.claim(key, text, ttlMs),
        swap: (key, from, to, ttlMs) => records.swap(key, from, to, ttlMs),
        get: (key) => records.get(key),
        delete: (key, text) => records.delete(key, text),
        watch: async (key, listener) => {
          const end = await records.watch(key, listener);
          watches += 1;
          return () => {
            watches -= 1;
            end();
          };
        },
      },
      close: () => (watches > 0 ? never() : honest.close()),
    };
  }),
  'leaves a timer for each watch': keeping((honest, { cleanups }) => ({
    watch: (key, listener) => {
      const timer = setInterval(() => undefined, 1e6);
      cleanups.push(() => clearInterval(timer));
      return honest.watch(key, listener);
    },
  })),
};
