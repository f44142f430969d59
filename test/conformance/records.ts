import type { Records } from '../../lib/core/records.js';

/** The verbs of records as functions of their own; without letters. */
export function bound(records: Records): Records {
  return {
    set: (key, text, ttlMs) => records.set(key, text, ttlMs),
    claim: (key, text, ttlMs) => records.claim(key, text, ttlMs),
    swap: (key, from, to, ttlMs) => records.swap(key, from, to, ttlMs),
    get: (key) => records.get(key),
    delete: (key, text) => records.delete(key, text),
    watch: (key, listener) => records.watch(key, listener),
  };
}
