import type { JobEventName } from './events.js';
import { textOfEvent } from './told-events.js';

/** How many events are kept. */
const MOST_EVENTS = 200;

interface Kept {
  /** Its place among all. */
  readonly number: number;
  readonly at: number;
  /** Undefined once the text is made. */
  fields: object | undefined;
  text: string;
  bytes: number;
}

/**
 * The latest events, of each name those that came last without a gap. Where there are too many, it is the oldest of the most
 * frequent name that goes: a thousand completed jobs push no failed one out.
 */
export class LatestEvents {
  private readonly byName = new Map<JobEventName, Kept[]>();
  private size = 0;
  private numbers = 0;

  /** @param fields what is told of it; its text is made when it is asked for */
  push(event: JobEventName, at: number, fields: object): void {
    let kept = this.byName.get(event);
    if (!kept) this.byName.set(event, (kept = []));
    kept.push({ number: this.numbers++, at, fields, text: '', bytes: 0 });
    if (++this.size > MOST_EVENTS) this.drop(({ length }) => length);
  }

  clear(): void {
    this.byName.clear();
    this.size = 0;
  }

  /** The texts of the latest, in the order in which they came, that together have so many bytes at most; the others go. */
  texts(mostBytes: number): string[] {
    let bytes = 0;
    for (const [event, kept] of this.byName) for (const one of kept) bytes += sized(event, one) + 1;
    while (bytes > mostBytes && this.size > 0) {
      bytes -= this.drop((kept) => kept.reduce((sum, one) => sum + one.bytes, 0)) + 1;
    }
    const all = [...this.byName.values()].flat();
    return all.sort((a, b) => a.number - b.number).map(({ text }) => text);
  }

  /** Drops the oldest of the name of which there is most; gives its bytes. */
  private drop(amountOf: (kept: readonly Kept[]) => number): number {
    let most: Kept[] = [];
    let mostAmount = -1;
    for (const kept of this.byName.values()) {
      const amount = amountOf(kept);
      if (amount > mostAmount) [most, mostAmount] = [kept, amount];
    }
    this.size -= 1;
    return most.shift()?.bytes ?? 0;
  }
}

/** Makes its text, unless it is made. */
function sized(event: JobEventName, kept: Kept): number {
  if (!kept.fields) return kept.bytes;
  kept.text = textOfEvent(event, kept.at, kept.fields);
  kept.bytes = Buffer.byteLength(kept.text);
  kept.fields = undefined;
  return kept.bytes;
}
