import { systemClock } from './clock.js';
import type { JobEventName } from './events.js';
import { readTold, workerEvent, type ToldEvents } from './told-events.js';
import type { WorkerEvent } from './worker-events.js';

/** Hears what is followed. */
export interface EventSink {
  tell(event: WorkerEvent): void;
  /** So many happened in a moment that these were not told. */
  missed(count: number): void;
}

/** Of how many processes that are gone it is kept what was read, for one that was only away comes back. */
const MOST_GONE = 1_000;

/** Reads what processes tell in their records: each event once, in its process's order, and counts those that it misses. */
export class ToldReader {
  /** How often each event of a process had happened when its record was last read. */
  private readonly seen = new Map<string, Map<JobEventName, number>>();
  private readonly gones = new Set<string>();
  private heard = (): void => undefined;
  private ended = false;

  /** @param token of the order by which the processes are told to tell these events */
  constructor(
    private readonly token: string,
    private readonly names: readonly JobEventName[],
    private readonly sink: EventSink,
  ) {}

  /** @param text of the record of a process */
  read(worker: string, text: string | undefined): void {
    if (this.ended) return;
    const told = readTold(text);
    const since = told?.since[this.token];
    // It has not heard yet that this one follows.
    if (!told || !since) return;
    this.gones.delete(worker);
    this.tellNew(told, since, this.seenOf(worker));
    this.heard();
  }

  /** A process is listed no more. */
  gone(worker: string): void {
    this.gones.add(worker);
    this.heard();
    const [oldest] = this.gones;
    if (this.gones.size <= MOST_GONE || oldest === undefined) return;
    this.gones.delete(oldest);
    this.seen.delete(oldest);
  }

  /** Resolves once all these have heard that this one follows, or are gone, or the time is over. */
  answered(workers: readonly string[], waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        cancelTimer();
        this.heard = () => undefined;
        resolve();
      };
      const cancelTimer = systemClock.after(Math.max(waitMs, 0), end);
      this.heard = () => {
        if (this.ended || workers.every((worker) => this.seen.has(worker) || this.gones.has(worker))) end();
      };
      this.heard();
    });
  }

  end(): void {
    this.ended = true;
    this.heard();
  }

  private seenOf(worker: string): Map<JobEventName, number> {
    let seen = this.seen.get(worker);
    if (!seen) this.seen.set(worker, (seen = new Map<JobEventName, number>()));
    return seen;
  }

  private tellNew(told: ToldEvents, since: readonly number[], seen: Map<JobEventName, number>): void {
    /** Of each event, how many of those in the record were told before. */
    const old = new Map<JobEventName, number>();
    let missed = 0;
    for (const [at, name] of this.names.entries()) {
      const first = since[at] ?? 0;
      const before = seen.get(name) ?? first;
      // It had given this one up, and has heard of him anew.
      const from = Math.max(before, first);
      const count = Math.max(told.counts[name] ?? 0, from);
      const there = told.events.filter(({ event }) => event === name).length;
      const fresh = Math.min(count - from, there);
      missed += from - before + (count - from - fresh);
      old.set(name, there - fresh);
      seen.set(name, count);
    }
    if (missed > 0) this.sink.missed(missed);
    for (const event of told.events) {
      const left = old.get(event.event);
      if (left === undefined) continue;
      if (left > 0) old.set(event.event, left - 1);
      else this.sink.tell(workerEvent(event, told.worker));
    }
  }
}
