import type { Records, StoredRecord } from '../../../lib/core/records.js';
import { memory } from '../../../lib/backends/memory/index.js';
import type { Breaker, Store } from '../honest.js';
import { both, note, turns, verbs } from '../changes.js';
import { bound } from '../records.js';
import { alias, under as storedUnder } from './ids.js';

/** Changes some verbs of the records of a backend. */
export function keeping(change: (honest: Records, store: Store) => Partial<Records>): Breaker {
  return verbs(({ records }, store) => (records ? { records: { ...bound(records), ...change(records, store) } } : {}));
}

/** Keeps records under other keys than theirs. */
function under(keyOf: (key: string) => string): Breaker {
  return keeping((honest) => ({
    set: (key, text, ttlMs) => honest.set(keyOf(key), text, ttlMs),
    claim: (key, text, ttlMs) => honest.claim(keyOf(key), text, ttlMs),
    swap: (key, from, to, ttlMs) => honest.swap(keyOf(key), from, to, ttlMs),
    get: (key) => honest.get(keyOf(key)),
    delete: (key, text) => honest.delete(keyOf(key), text),
    watch: (key, listener) => honest.watch(keyOf(key), listener),
  }));
}

/** Changes texts on their way in. */
function storing(change: (text: string) => string): Breaker {
  return keeping((honest) => ({
    set: (key, text, ttlMs) => honest.set(key, change(text), ttlMs),
    claim: (key, text, ttlMs) => honest.claim(key, change(text), ttlMs),
    swap: (key, from, to, ttlMs) => honest.swap(key, change(from), change(to), ttlMs),
    delete: (key, text) => honest.delete(key, text === undefined ? undefined : change(text)),
  }));
}

/** Changes records on their way out. */
function giving(change: (record: StoredRecord) => StoredRecord | undefined): Breaker {
  return keeping((honest) => ({
    claim: async (key, text, ttlMs) => given(await honest.claim(key, text, ttlMs), change),
    get: async (key) => given(await honest.get(key), change),
  }));
}

function given(
  record: StoredRecord | undefined,
  change: (record: StoredRecord) => StoredRecord | undefined,
): StoredRecord | undefined {
  return record && change(record);
}

/** Keeps records for another time than asked for, and says nothing of it. */
function lasting(change: (ttlMs: number) => number): Breaker {
  const told = (record: StoredRecord | undefined, store: Store, key: string): StoredRecord | undefined =>
    record && { ...record, expiresAt: ends(store).get(key) ?? record.expiresAt };
  const ends = (store: Store): Map<string, number> => note(store, 'ends', () => new Map<string, number>());
  return keeping((honest, store) => ({
    set: (key, text, ttlMs) => {
      ends(store).set(key, store.clock.now() + ttlMs);
      return honest.set(key, text, change(ttlMs));
    },
    claim: async (key, text, ttlMs) => {
      const living = await honest.claim(key, text, change(ttlMs));
      if (!living) ends(store).set(key, store.clock.now() + ttlMs);
      return told(living, store, key);
    },
    get: async (key) => told(await honest.get(key), store, key),
  }));
}

/** Has its records elsewhere: in one place for each name. */
function elsewhere(store: Store, name: string): Records {
  const description = note(store, name, () => memory({ clock: store.clock }));
  const opened = description.open({ worker: 'test', warn: () => undefined });
  const records = opened.then((backend) => backend.records as Records);
  return {
    set: async (key, text, ttlMs) => (await records).set(key, text, ttlMs),
    claim: async (key, text, ttlMs) => (await records).claim(key, text, ttlMs),
    swap: async (key, from, to, ttlMs) => (await records).swap(key, from, to, ttlMs),
    get: async (key) => (await records).get(key),
    delete: async (key, text) => (await records).delete(key, text),
    watch: async (key, listener) => (await records).watch(key, listener),
  };
}

/** What backends do wrong with records. */
export const recordsBreakers: Readonly<Record<string, Breaker>> = {
  'forgets records': keeping(() => ({ get: () => Promise.resolve(undefined) })),
  'makes up records': keeping((honest) => ({
    get: async (key) => (await honest.get(key)) ?? { text: '', expiresAt: Infinity },
  })),
  'gives each worker records of its own': keeping((_, store) => {
    const opened = note(store, 'opened records', () => ({ count: 0 }));
    return elsewhere(store, `records ${++opened.count}`);
  }),
  'forgets records when the last worker closes': {
    traits: { durability: 'process' },
    break: (honest, store) => {
      const opened = note(store, 'record keepers', () => ({ count: 0, life: 0 }));
      opened.count += 1;
      return {
        records: elsewhere(store, `life ${opened.life}`),
        close: () => {
          opened.count -= 1;
          if (opened.count === 0) opened.life += 1;
          return honest.close();
        },
      };
    },
  },
  'keeps the first text of a key': keeping((honest) => ({
    set: async (key, text, ttlMs) => void (await honest.claim(key, text, ttlMs)),
  })),
  'mixes texts that are set at the same time': keeping((honest, store) => {
    const underWay = note(store, 'under way', () => new Map<string, string>());
    return {
      set: async (key, text, ttlMs) => {
        const other = underWay.get(key);
        underWay.set(key, text);
        await turns(1);
        underWay.delete(key);
        await honest.set(key, other === undefined ? text : text.slice(0, 100) + other.slice(100), ttlMs);
      },
    };
  }),
  'loses what is set at the same time': keeping((honest) => {
    let busy = false;
    return {
      set: async (key, text, ttlMs) => {
        if (busy) return;
        busy = true;
        await turns(1);
        busy = false;
        await honest.set(key, text, ttlMs);
      },
    };
  }),
  'hands records out as jobs': verbs((honest) => {
    const records = honest.records as Records;
    const put = async (key: string, body: string): Promise<void> => {
      const message = { id: key, name: 'record', body, priority: 1, attemptsUsed: 0, headers: {} };
      await honest.publish(key, [message]);
    };
    return {
      records: {
        ...bound(records),
        set: async (key, text, ttlMs) => {
          await put(key, text);
          await records.set(key, text, ttlMs);
        },
      },
    };
  }),
  'keeps no record at all, and stores duplicates': both(
    keeping(() => ({
      set: () => Promise.resolve(),
      claim: () => Promise.resolve(undefined),
      get: () => Promise.resolve(undefined),
    })),
    storedUnder(alias),
  ),
  'claims nothing': keeping((honest) => ({ claim: (key) => honest.get(key) })),
  'looks for a record and claims its key in two steps': keeping((honest) => ({
    claim: async (key, text, ttlMs) => {
      const living = await honest.get(key);
      await turns(1);
      if (!living) await honest.set(key, text, ttlMs);
      return living;
    },
  })),
  'overwrites what it claims in vain': keeping((honest) => ({
    claim: async (key, text, ttlMs) => {
      const living = await honest.get(key);
      await honest.set(key, text, ttlMs);
      return living;
    },
  })),
  'makes last longer what it claims in vain': keeping((honest) => ({
    claim: async (key, text, ttlMs) => {
      const living = await honest.claim(key, text, ttlMs);
      if (living) await honest.set(key, living.text, ttlMs);
      return living;
    },
  })),
  'tells who claims in vain his own text': keeping((honest) => ({
    claim: async (key, text, ttlMs) => given(await honest.claim(key, text, ttlMs), (living) => ({ ...living, text })),
  })),
  'takes an ended record over in two steps': keeping((honest, store) => {
    const used = note(store, 'used keys', () => new Set<string>());
    return {
      set: (key, text, ttlMs) => {
        used.add(key);
        return honest.set(key, text, ttlMs);
      },
      claim: async (key, text, ttlMs) => {
        if (!used.has(key) || (await honest.get(key))) return honest.claim(key, text, ttlMs);
        await turns(1);
        await honest.set(key, text, ttlMs);
        return undefined;
      },
    };
  }),
  'tells the end of a record in seconds': giving((record) => ({
    ...record,
    expiresAt: Math.floor(record.expiresAt / 1_000) * 1_000,
  })),
  'tells the beginning of a record for its end': keeping((honest, { clock }) => ({
    get: async (key) => given(await honest.get(key), (record) => ({ ...record, expiresAt: clock.now() })),
  })),
  'keeps records for ever': lasting((ttlMs) => ttlMs * 1e6),
  'keeps records a little longer': lasting((ttlMs) => ttlMs + 200),
  'ends records early': lasting((ttlMs) => ttlMs * 0.9),
  'keeps the time that a key was first given': keeping((honest, { clock }) => ({
    set: async (key, text, ttlMs) => {
      const living = await honest.get(key);
      await honest.set(key, text, living ? living.expiresAt - clock.now() : ttlMs);
    },
  })),
  'swaps nothing': keeping(() => ({ swap: () => Promise.resolve(false) })),
  'swaps whatever the text': keeping((honest) => ({
    swap: async (key, _from, to, ttlMs) => {
      await honest.set(key, to, ttlMs);
      return true;
    },
  })),
  'swaps no text for itself': keeping((honest) => ({
    swap: (key, from, to, ttlMs) =>
      from === to ? honest.get(key).then((record) => record?.text === from) : honest.swap(key, from, to, ttlMs),
  })),
  'looks for a record and swaps it in two steps': keeping((honest) => ({
    swap: async (key, from, to, ttlMs) => {
      if ((await honest.get(key))?.text !== from) return false;
      await turns(1);
      await honest.set(key, to, ttlMs);
      return true;
    },
  })),
  'deletes nothing': keeping((honest) => ({ delete: async (key) => (await honest.get(key)) !== undefined })),
  'deletes whatever the text': keeping((honest) => ({ delete: (key) => honest.delete(key) })),
  'takes no text for any text': keeping((honest) => ({ delete: (key, text) => honest.delete(key, text || undefined) })),
  'looks for a record and deletes it in two steps': keeping((honest) => ({
    delete: async (key, text) => {
      const living = await honest.get(key);
      await turns(1);
      if (!living || (text !== undefined && living.text !== text)) return false;
      await honest.delete(key);
      return true;
    },
  })),
  'says of each delete that it removed': keeping((honest) => ({
    delete: async (key, text) => (await honest.delete(key, text), true),
  })),
  'takes keys for file names': under((key) => key.replaceAll(/[^\w.-]/g, '_')),
  'takes keys without their case': under((key) => key.toLowerCase()),
  'takes keys without their accents’ form': under((key) => key.normalize('NFC')),
  'cuts keys': under((key) => key.slice(0, 255)),
  'repairs lone surrogates in records': storing((text) => Buffer.from(text).toString()),
  'ends records at NUL': storing((text) => text.split('\0', 1)[0]),
  'truncates records at 64 KB': storing((text) => text.slice(0, 65_536)),
  'takes an empty text for none': giving((record) => (record.text === '' ? undefined : record)),
};
