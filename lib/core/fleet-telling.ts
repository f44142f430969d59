import { systemClock } from './clock.js';
import { JOB_EVENT_NAMES, type JobEventMap, type JobEventName, type JobEvents } from './events.js';
import type { FollowOrder } from './fleet-orders.js';
import { LatestEvents } from './latest-events.js';
import { LatestRecord } from './latest-record.js';
import type { Records } from './records.js';
import { toldFields } from './told-events.js';
import type { EventWorker } from './worker-events.js';

/** When a process tells what it was asked to tell. */
export interface TellingTimes {
  /** How often at most. Milliseconds; default 100. */
  readonly everyMs: number;
  /** For how long it tells somebody who says no more that he follows. Milliseconds; default a minute. */
  readonly aliveMs: number;
}

export const TELLING: TellingTimes = { everyMs: 100, aliveMs: 60_000 };

/** How many bytes are told at a time: less than half of what the least engine takes, for it may have to escape much. */
const LONGEST_TEXT = 30_000;
/** How long what was told last is kept. Milliseconds. */
const KEPT_MS = 120_000;
/** How long the engine is left alone where it has not stored it. Milliseconds. */
const RETRY_MS = 1_000;
/** In how many looks somebody who says nothing any more is given up. */
const LOOKS = 4;

/** The key of what a process tells of the events that are followed. */
export function toldKey(workerId: string): string {
  return `fleet:events:${workerId}`;
}

/** Somebody who follows events. */
interface Follower {
  readonly names: readonly JobEventName[];
  /** How often each had happened when this was heard of. */
  readonly since: readonly number[];
  until: number;
  /** At how many looks nothing was heard of him. */
  silent: number;
}

/**
 * Tells those who follow them of the events of this process, by a record that has the latest of them. As long as nobody does,
 * nobody listens here, and it costs nothing. What happens faster than it is stored is told in part; no job ever waits for it.
 */
export class FleetTelling {
  private readonly followers = new Map<string, Follower>();
  private readonly listening = new Map<JobEventName, () => void>();
  private readonly counts: Partial<Record<JobEventName, number>> = {};
  private readonly latest = new LatestEvents();
  private readonly record: LatestRecord;
  /** Whether there is something that was not stored yet. */
  private isNews = false;
  private storedAt = -Infinity;
  private storing: NodeJS.Timeout | undefined;
  private looking: NodeJS.Timeout | undefined;
  private closed = false;

  /** @param now milliseconds since 1970 */
  constructor(
    records: Records,
    private readonly events: JobEvents,
    private readonly worker: EventWorker,
    private readonly now: () => number,
    private readonly times: TellingTimes,
  ) {
    this.record = new LatestRecord(records, toldKey(worker.id), KEPT_MS, () => this.storeIn(RETRY_MS));
  }

  /** Hears who follows. */
  hear(orders: readonly FollowOrder[]): void {
    if (this.closed) return;
    for (const token of this.followers.keys()) {
      if (!orders.some((order) => order.token === token)) this.followers.delete(token);
    }
    for (const { token, names, until } of orders) {
      const known = this.followers.get(token);
      // One that was given up stays so until he says something new.
      if (known?.until === until) continue;
      if (known && this.isAlive(known)) {
        known.until = until;
        known.silent = 0;
        continue;
      }
      const since = names.map((name) => this.counts[name] ?? 0);
      this.followers.set(token, { names, since, until, silent: 0 });
      // This tells him, too, that he was heard.
      this.isNews = true;
      this.storeIn(0);
    }
    this.listen();
  }

  /** Tells the last, and hears no more. Never rejects. */
  async close(): Promise<void> {
    this.closed = true;
    for (const off of this.listening.values()) off();
    clearInterval(this.looking);
    clearTimeout(this.storing);
    if (this.isNews) this.store();
    await this.record.flush();
  }

  private isAlive({ silent }: Follower): boolean {
    return silent < LOOKS;
  }

  /** Listens to what is followed, and to nothing else. */
  private listen(): void {
    const living = [...this.followers.values()].filter((follower) => this.isAlive(follower));
    const wanted = new Set<string>(living.flatMap(({ names }) => names));
    for (const name of JOB_EVENT_NAMES) {
      const off = this.listening.get(name);
      if (wanted.has(name) && !off)
        this.listening.set(
          name,
          this.events.on(name, (event) => this.tell(name, event)),
        );
      if (wanted.has(name) || !off) continue;
      off();
      this.listening.delete(name);
    }
    if (living.length > 0) {
      this.looking ??= setInterval(() => this.look(), this.times.aliveMs / LOOKS).unref();
      return;
    }
    clearInterval(this.looking);
    this.looking = undefined;
    this.latest.clear();
  }

  /** Counts looks rather than time, so that a process that was blocked or stopped gives nobody up for it. */
  private look(): void {
    for (const follower of this.followers.values()) follower.silent += 1;
    this.listen();
  }

  private tell<Name extends JobEventName>(event: Name, told: JobEventMap[Name]): void {
    this.counts[event] = (this.counts[event] ?? 0) + 1;
    this.latest.push(event, this.now(), toldFields(event, told));
    this.isNews = true;
    this.storeIn(0);
  }

  private storeIn(ms: number): void {
    if (this.closed || this.storing) return;
    const waitMs = Math.max(ms, this.storedAt + this.times.everyMs - systemClock.monotonic(), 0);
    this.storing = setTimeout(() => {
      this.storing = undefined;
      this.store();
    }, waitMs).unref();
  }

  private store(): void {
    this.storedAt = systemClock.monotonic();
    this.record.set(() => this.text());
  }

  private text(): string {
    this.isNews = false;
    const living = [...this.followers].filter(([, follower]) => this.isAlive(follower));
    const since = Object.fromEntries(living.map(([token, follower]) => [token, follower.since]));
    const said = JSON.stringify({ worker: this.worker, counts: this.counts, since });
    const [head, tail] = [`${said.slice(0, -1)},"events":[`, ']}'];
    return head + this.latest.texts(LONGEST_TEXT - Buffer.byteLength(head + tail)).join(',') + tail;
  }
}
