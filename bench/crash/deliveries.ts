import { grouped } from './grouped.js';
import type { Entry, Incarnation } from './ledger.js';

type EndEntry = Extract<Entry, { readonly what: 'returns' | 'fails' | 'blocks' | 'leaves' }>;

const ENDS: ReadonlySet<Entry['what']> = new Set<EndEntry['what']>(['returns', 'fails', 'blocks', 'leaves']);

/** One call of a handler. Times are milliseconds since 1970. */
export interface Delivery {
  readonly key: string;
  /** The incarnation that had it. */
  readonly by: string;
  readonly startedAt: number;
  readonly attempt: number;
  readonly id: string;
  readonly sound: boolean;
  /** How it ended; undefined where it was cut. */
  end: EndEntry['what'] | undefined;
  endedAt: number | undefined;
}

/** The deliveries of each key, in the order in which they started. */
export function deliveriesOf(ledgers: readonly Incarnation[]): Map<string, Delivery[]> {
  const all: Delivery[] = [];
  for (const { name, entries } of ledgers) {
    // A worker may have both copies of a job that is there twice, and which of them has ended doesn't matter.
    const open = new Map<string, Delivery[]>();
    for (const entry of entries) {
      if (entry.what === 'starts') {
        const { key, at, attempt, id, sound } = entry;
        const delivery = { key, by: name, startedAt: at, attempt, id, sound, end: undefined, endedAt: undefined };
        open.set(key, [...(open.get(key) ?? []), delivery]);
        all.push(delivery);
      } else if (isEnd(entry)) {
        const delivery = open.get(entry.key)?.shift();
        if (delivery) [delivery.end, delivery.endedAt] = [entry.what, entry.at];
      }
    }
  }
  all.sort((a, b) => a.startedAt - b.startedAt || a.attempt - b.attempt);
  return grouped(all, ({ key }) => key);
}

function isEnd(entry: Entry): entry is EndEntry {
  return ENDS.has(entry.what);
}

export function hasReturned({ end }: Delivery): boolean {
  return end === 'returns';
}
