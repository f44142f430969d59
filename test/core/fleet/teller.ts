import { systemClock } from '../../../lib/core/clock.js';
import { JobEvents } from '../../../lib/core/events.js';
import { Following, type FollowingTimes } from '../../../lib/core/fleet-following.js';
import { ORDERS_KEY, readOrders } from '../../../lib/core/fleet-orders.js';
import { FleetTelling, type TellingTimes } from '../../../lib/core/fleet-telling.js';
import { forgetWorker, sayWorker } from '../../../lib/core/fleet-workers.js';
import type { JobEventName } from '../../../lib/core/events.js';
import { RecordWatches } from '../../../lib/core/record-watches.js';
import type { Records } from '../../../lib/core/records.js';
import type { EventSink } from '../../../lib/core/told-reader.js';
import type { WorkerEvent } from '../../../lib/core/worker-events.js';
import { workerRecord } from './worker-record.js';

const KNOWN_MS = 180_000;

/** A listed process that tells what it is asked to tell. */
export class Teller {
  readonly events = new JobEvents();
  private readonly telling: FleetTelling;
  private leave: () => void = () => undefined;

  constructor(
    private readonly records: Records,
    readonly id: string,
    times: TellingTimes = { everyMs: 10, aliveMs: 60_000 },
    private readonly now: () => number = () => Date.now(),
  ) {
    const place = { id, host: 'here', pid: 7, instance: 'default' };
    this.telling = new FleetTelling(records, this.events, place, now, times);
  }

  async start(): Promise<this> {
    const watches = new RecordWatches(() => Promise.resolve(this.records), systemClock);
    this.leave = watches.join(ORDERS_KEY, (text) => this.telling.hear(readOrders(text).following));
    await this.list();
    return this;
  }

  /** Comes on the list of those that work. */
  async list(): Promise<void> {
    await sayWorker(this.records, workerRecord(this.id, this.now()), KNOWN_MS);
  }

  /** Jobs of these ids have started. */
  begins(...ids: (number | string)[]): void {
    for (const id of ids) this.events.emit('started', { job: jobOf(id) });
  }

  complete(...ids: (number | string)[]): void {
    for (const id of ids) this.events.emit('completed', { job: jobOf(id), result: 'secret', durationMs: 1 });
  }

  async stop(): Promise<void> {
    this.leave();
    await this.telling.close();
    await forgetWorker(this.records, this.id);
  }
}

export function jobOf(id: number | string): WorkerEvent<'started'>['job'] {
  return { id: String(id), name: 'work', queue: 'default', attempt: 1, maxAttempts: 20 };
}

/** One who follows, and what was told. */
export class Hearer implements EventSink {
  readonly all: WorkerEvent[] = [];
  missing = 0;
  readonly following: Following;

  constructor(records: Records, names: readonly JobEventName[], times?: FollowingTimes) {
    const watches = new RecordWatches(() => Promise.resolve(records), systemClock);
    this.following = new Following({
      records,
      watches,
      now: () => Date.now(),
      names,
      sink: this,
      ...(times && { times }),
    });
  }

  async begin(): Promise<this> {
    await this.following.begin();
    await this.following.heard(10_000);
    return this;
  }

  tell(event: WorkerEvent): void {
    this.all.push(event);
  }

  missed(count: number): void {
    this.missing += count;
  }

  get told(): string[] {
    return this.all.map(({ event, job }) => `${event} ${job.id}`);
  }
}
