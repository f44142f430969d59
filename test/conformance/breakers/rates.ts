import type { Breaker } from '../honest.js';
import { verbs } from '../changes.js';

/** What backends do wrong with what rates are made of. */
export const ratesBreakers: Readonly<Record<string, Breaker>> = {
  'lets every worker claim every key': verbs((honest) => ({
    records: honest.records && {
      set: (...args) => honest.records?.set(...args) ?? Promise.resolve(),
      claim: () => Promise.resolve(undefined),
      get: (key) => honest.records?.get(key) ?? Promise.resolve(undefined),
      delete: (...args) => honest.records?.delete(...args) ?? Promise.resolve(false),
      swap: (...args) => honest.records?.swap(...args) ?? Promise.resolve(false),
      watch: (...args) => honest.records?.watch(...args) ?? Promise.resolve(() => undefined),
    },
  })),
};
