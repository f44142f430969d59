import assert from 'node:assert/strict';
import { pause, systemClock } from '../../core/clock.js';
import type { JobEventName } from '../../core/events.js';
import { ORDERS_KEY, readOrders } from '../../core/fleet-orders.js';
import { knownWorkers } from '../../core/fleet-workers.js';
import { Following } from '../../core/fleet-following.js';
import { RecordWatches } from '../../core/record-watches.js';
import type { EventSink } from '../../core/told-reader.js';
import type { WorkerEvent } from '../../core/worker-events.js';
import type { Time } from './time.js';
import type { Worker } from './worker.js';

/** How long all workers may take to say that they have heard who follows, in real milliseconds. */
const HEARD_MS = { virtual: 2_000, real: 10_000 };
/** How often it is looked for what is to be told: workers tell by the system's clock, also where time is virtual. */
const LOOK_MS = 20;
const LOOKS = { virtual: 50, real: 600 };

/** One who follows the events of all workers, and all that he is told of the scenario's queue: others may be at work, too. */
export class Follower implements EventSink {
  readonly all: WorkerEvent[] = [];
  private readonly following: Following;

  constructor(
    names: readonly JobEventName[],
    private readonly by: Worker,
    private readonly time: Time,
  ) {
    const { records } = by.backend;
    assert.ok(records, 'expected the backend to have records');
    const watches = new RecordWatches(() => Promise.resolve(records), systemClock);
    this.following = new Following({ records, watches, now: () => time.clock.now(), names, sink: this });
  }

  /** @param workers how many there are: each is listed a moment after its start */
  async begin(workers: number): Promise<void> {
    await this.look(async () => (await this.listed()) >= workers, `${workers} workers to be listed`);
    await this.time.wait('all to be told to tell', this.following.begin());
    await this.following.heard(this.time.isVirtual ? HEARD_MS.virtual : HEARD_MS.real);
  }

  end(): Promise<void> {
    return this.following.end();
  }

  tell(event: WorkerEvent): void {
    if (event.job.queue === this.by.queue) this.all.push(event);
  }

  /** Scenarios make less than what is told in a moment, and see by themselves if something is missing. */
  missed(): void {}

  /** Whether it is in the orders of all. */
  async isOrdered(): Promise<boolean> {
    const { following } = readOrders(await this.by.records.textOf(ORDERS_KEY));
    return following.some(({ token }) => token === this.following.token);
  }

  /** What was told, each with its job. */
  get told(): readonly string[] {
    return this.all.map(({ event, job }) => `${event} ${job.id}`);
  }

  /** Waits until so many were told; more must not come. */
  async hears(count: number): Promise<void> {
    await this.look(() => this.all.length >= count, `${count} events to be told`);
    assert.equal(this.all.length, count, `more was told: ${JSON.stringify(this.told)}`);
  }

  private async listed(): Promise<number> {
    const workers = await this.time.wait('workers to be told', knownWorkers(this.by.records));
    return workers.filter(({ queues }) => queues.includes(this.by.queue)).length;
  }

  private async look(holds: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const looks = this.time.isVirtual ? LOOKS.virtual : LOOKS.real;
    for (let look = 0; !(await holds()); look++) {
      assert.ok(look < looks, `expected ${what}; told was ${JSON.stringify(this.told)}`);
      await pause(systemClock, LOOK_MS);
      await this.time.pass(1);
    }
  }
}
