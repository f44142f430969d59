import { randomUUID } from 'node:crypto';
import type { Backend } from '../../lib/core/backend.js';
import type { ElsewhereRecords, RecordsElsewhere } from '../../lib/core/records-elsewhere.js';
import type { Store } from './honest.js';

/** What opens the records of a store, by a name that is data. */
const openers = new Map<string, () => Promise<ElsewhereRecords>>();

/** Says how the records of a backend are opened elsewhere: those of another, which is then closed with them. */
export function elsewhereOn(store: Store, open: () => Promise<Backend>): Promise<RecordsElsewhere> {
  const name = randomUUID();
  store.cleanups.push(() => openers.delete(name));
  openers.set(name, async () => {
    const backend = await open();
    if (!backend.records) throw new Error('it has no records');
    return { records: backend.records, close: () => backend.close() };
  });
  return Promise.resolve({ module: import.meta.url, options: name });
}

export function openRecords(name: string): Promise<ElsewhereRecords> {
  const open = openers.get(name);
  return open ? open() : Promise.reject(new Error(`there is no store ${name}`));
}
