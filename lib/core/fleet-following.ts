import { randomUUID } from 'node:crypto';
import { systemClock } from './clock.js';
import type { JobEventName } from './events.js';
import { changeOrders, type FollowOrder } from './fleet-orders.js';
import { TELLING, toldKey } from './fleet-telling.js';
import { isStale, knownWorkers, listedWorkers, WORKERS_KEY } from './fleet-workers.js';
import { inTime } from './in-time.js';
import type { RecordWatches } from './record-watches.js';
import type { Records } from './records.js';
import { ToldReader, type EventSink } from './told-reader.js';

/** How often who follows says so, and for how long that is heeded. Milliseconds. */
export interface FollowingTimes {
  /** Default 20 s. */
  readonly everyMs: number;
  /** Default a minute. */
  readonly aliveMs: number;
}

const FOLLOWING: FollowingTimes = { everyMs: 20_000, aliveMs: TELLING.aliveMs };

/** How many may follow at a time: the record that says so holds what is paused, too, and has its limits. */
const MOST_FOLLOWERS = 100;

export interface FollowingSetup {
  readonly records: Records;
  /** Of the same records. */
  readonly watches: RecordWatches;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly names: readonly JobEventName[];
  readonly sink: EventSink;
  readonly times?: FollowingTimes;
}

/**
 * Follows events of all processes that are listed, also of those that come later: says in the orders of all that it does, and
 * reads what each tells in a record of its own. It keeps its process alive.
 */
export class Following {
  /** Tells its order from others. */
  readonly token = randomUUID().slice(0, 13);
  private readonly reader: ToldReader;
  /** What ends the watch of each process that is listed. */
  private readonly watched = new Map<string, () => void>();
  /** Processes that are listed no more, as long as their last is being read. */
  private readonly leaving = new Set<() => void>();
  private leaveList: (() => void) | undefined;
  private timer: NodeJS.Timeout | undefined;
  /** What is being said in the orders: one after the other, so that the last counts. */
  private saying: Promise<unknown> = Promise.resolve();
  /** Whether it may be in the orders. */
  private said = false;
  private ended = false;

  constructor(private readonly setup: FollowingSetup) {
    this.reader = new ToldReader(this.token, setup.names, setup.sink);
  }

  /**
   * Resolves once all are told to tell; it may be ended meanwhile.
   *
   * @throws BackendError where the engine fails
   * @throws Error where too many follow already
   */
  async begin(): Promise<void> {
    if (this.ended) return;
    await this.say();
    if (this.ended) return;
    this.leaveList = this.setup.watches.join(WORKERS_KEY, (text) => this.see(listedWorkers(text)));
    this.timer = setTimeout(() => this.renew(), this.times.everyMs);
  }

  /** Resolves once all processes that are known and alive have heard of it, or the time is over; never rejects. */
  async heard(waitMs: number): Promise<void> {
    const late = systemClock.monotonic() + waitMs;
    const known = inTime(knownWorkers(this.setup.records), waitMs, () => new Error('late'));
    const workers = await known.catch(() => []);
    const living = workers.filter((worker) => !isStale(worker, this.setup.now())).map(({ id }) => id);
    await this.reader.answered(living, late - systemClock.monotonic());
  }

  /** Tells nothing any more, and takes the order back. Never rejects: where that fails, it lapses by itself. */
  async end(): Promise<void> {
    if (this.ended) return void (await this.saying);
    this.ended = true;
    clearTimeout(this.timer);
    this.reader.end();
    this.leaveList?.();
    for (const leave of [...this.watched.values(), ...this.leaving]) leave();
    if (this.said) await this.takeBack().catch(() => undefined);
  }

  private get times(): FollowingTimes {
    return this.setup.times ?? FOLLOWING;
  }

  private say(): Promise<void> {
    const { names } = this.setup;
    this.said = true;
    return this.change((others) => {
      if (this.ended) return others;
      if (others.length >= MOST_FOLLOWERS) {
        throw new Error(`follow: expected at most ${MOST_FOLLOWERS} who follow events at a time, got one more`);
      }
      return [...others, { token: this.token, names, until: systemClock.now() + this.times.aliveMs }];
    });
  }

  private takeBack(): Promise<void> {
    return this.change((others) => others);
  }

  /** @param change gives all who follow from those beside this one */
  private change(change: (others: readonly FollowOrder[]) => readonly FollowOrder[]): Promise<void> {
    const { records, now } = this.setup;
    const saying = this.saying.then(() =>
      changeOrders(records, now(), (orders) => {
        const others = orders.following.filter(({ token }) => token !== this.token);
        const following = change(others);
        return following.length === orders.following.length && following === others ? orders : { ...orders, following };
      }),
    );
    this.saying = saying.catch(() => undefined);
    return saying;
  }

  private renew(): void {
    const again = (ms: number): void => {
      if (!this.ended) this.timer = setTimeout(() => this.renew(), ms);
    };
    // Those that have died are taken off the list by whoever looks.
    const renewing = Promise.all([this.say(), knownWorkers(this.setup.records)]);
    inTime(renewing, this.times.everyMs, () => new Error('late')).then(
      () => again(this.times.everyMs),
      () => again(this.times.everyMs / 10),
    );
  }

  private see(listed: ReadonlySet<string>): void {
    if (this.ended) return;
    for (const id of listed) if (!this.watched.has(id)) this.watched.set(id, this.join(id));
    for (const [id, leave] of this.watched) {
      if (listed.has(id)) continue;
      this.watched.delete(id);
      this.readLast(id, leave);
    }
  }

  private join(id: string, read: () => void = () => undefined): () => void {
    return this.setup.watches.join(toldKey(id), (text) => {
      this.reader.read(id, text);
      read();
    });
  }

  /** What a process has told last is stored before it is taken off the list, so that a look from now on finds it. */
  private readLast(id: string, leave: () => void): void {
    const end = (): void => {
      leave();
      leaveLast();
      this.leaving.delete(end);
      this.reader.gone(id);
    };
    const leaveLast = this.join(id, end);
    this.leaving.add(end);
  }
}
