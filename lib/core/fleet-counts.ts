import { changeRecord, readRecord } from './fleet-change.js';
import type { JobRef } from './job.js';
import type { Outcome } from './outcome.js';
import type { Records } from './records.js';

const HOUR_MS = 3_600_000;
/** For how many hours counts are kept. */
export const HOURS_KEPT = 48;

/** The ends of runs that are counted over time. */
export const COUNTED_ENDS = ['completed', 'failed', 'expired', 'retried'] as const;

export type CountedEnd = (typeof COUNTED_ENDS)[number];

/** How many runs of a queue ended in which way, hour by hour. */
export interface CountsOverTime {
  /** The oldest first; hours without any are left out. */
  readonly hours: readonly HourOfCounts[];
}

export interface HourOfCounts extends Readonly<Record<CountedEnd, number>> {
  /** Its beginning, in milliseconds since 1970. */
  readonly from: number;
}

/** An hour as it is stored: its number since 1970, and the ends in their order. */
type StoredHour = readonly [hour: number, ...ends: number[]];

function keyOf(queue: string): string {
  return `fleet:counts:${queue}`;
}

/** @param now milliseconds since 1970 */
export async function countsOverTime(records: Records, queue: string, now: number): Promise<CountsOverTime> {
  const hours = kept(readHours((await records.get(keyOf(queue)))?.text), now);
  return { hours: hours.map(([hour, ...ends]) => ({ from: hour * HOUR_MS, ...named(ends) })) };
}

/** What the runs of this process came to, added to the counts of all every few seconds. */
export class RunCounters {
  /** What is not stored yet, by queue and hour. */
  private readonly counted = new Map<string, Map<number, number[]>>();
  private timer: NodeJS.Timeout | undefined;
  private storing: Promise<void> | undefined;
  private closed = false;

  /**
   * @param now milliseconds since 1970
   * @param everyMs how often they are stored, at most
   */
  constructor(
    private readonly records: Records,
    private readonly now: () => number,
    private readonly everyMs: number,
  ) {}

  count({ queue }: JobRef, outcome: Outcome | undefined): void {
    const end = COUNTED_ENDS.indexOf(outcome?.kind as CountedEnd);
    if (end < 0) return;
    const ends = this.endsOf(queue, Math.floor(this.now() / HOUR_MS));
    ends[end] = (ends[end] ?? 0) + 1;
    this.flushLater();
  }

  /** Stores what was counted; what the engine doesn't take is stored with the next. Never rejects. */
  async flush(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.storing;
    this.storing = this.store();
    await this.storing;
    this.storing = undefined;
  }

  /** Stores the last; what is counted later is lost. */
  async close(): Promise<void> {
    this.closed = true;
    await this.flush();
  }

  private flushLater(): void {
    // By the system's clock: another may stand still, or be moved by who waits for its timers.
    if (!this.closed) this.timer ??= setTimeout(() => void this.flush(), this.everyMs).unref();
  }

  private async store(): Promise<void> {
    for (const [queue, hours] of [...this.counted]) {
      this.counted.delete(queue);
      try {
        await this.add(queue, hours);
      } catch {
        for (const [hour, ends] of hours) {
          const later = this.endsOf(queue, hour);
          ends.forEach((times, end) => (later[end] = (later[end] ?? 0) + times));
        }
        this.flushLater();
      }
    }
  }

  private async add(queue: string, counted: ReadonlyMap<number, readonly number[]>): Promise<void> {
    const now = this.now();
    await changeRecord(this.records, keyOf(queue), HOURS_KEPT * HOUR_MS, (text) => {
      const sums = new Map(kept(readHours(text), now).map(([hour, ...ends]) => [hour, ends]));
      for (const [hour, ends] of counted) {
        const before = sums.get(hour) ?? [];
        sums.set(
          hour,
          COUNTED_ENDS.map((_, end) => (before[end] ?? 0) + (ends[end] ?? 0)),
        );
      }
      return JSON.stringify([...sums].sort(([a], [b]) => a - b).map(([hour, ends]) => [hour, ...ends]));
    });
  }

  private endsOf(queue: string, hour: number): number[] {
    let hours = this.counted.get(queue);
    if (!hours) this.counted.set(queue, (hours = new Map<number, number[]>()));
    let ends = hours.get(hour);
    if (!ends) hours.set(hour, (ends = []));
    return ends;
  }
}

function readHours(text: string | undefined): readonly StoredHour[] {
  const read = readRecord<unknown>(text);
  const isHour = (one: unknown): one is StoredHour => Array.isArray(one) && one.every((n) => Number.isFinite(n));
  return Array.isArray(read) ? read.filter(isHour) : [];
}

function kept(hours: readonly StoredHour[], now: number): readonly StoredHour[] {
  const oldest = Math.floor(now / HOUR_MS) - HOURS_KEPT + 1;
  return hours.filter(([hour]) => hour >= oldest);
}

function named(ends: readonly number[]): Record<CountedEnd, number> {
  return Object.fromEntries(COUNTED_ENDS.map((end, at) => [end, ends[at] ?? 0])) as Record<CountedEnd, number>;
}
