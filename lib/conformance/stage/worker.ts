import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import type { Backend, Delivery, Settlement, StoredReceipt } from '../../core/backend.js';
import type { DroppedJob } from '../../core/backlog.js';
import type { FailureRecord } from '../../core/failure-record.js';
import type { Letters } from '../../core/letters.js';
import { messageOf, type Draft } from './draft.js';
import { AwaitedRecords } from './awaited-records.js';
import { InspectedQueue } from './inspected-queue.js';
import { TooSlow, type Time } from './time.js';

/** How long scenarios look for what must not come, in milliseconds, where time is real. */
const QUIET_MS = 100;

/** How a job is put back; counted, at once and without failures unless said otherwise. */
export interface PutBack {
  readonly at?: number;
  readonly countsAttempt?: boolean;
  readonly failures?: readonly FailureRecord[];
}

/** One that opened the backend and works on one queue. */
export class Worker {
  private readonly takenAt = new WeakMap<Delivery, number>();

  constructor(
    readonly backend: Backend,
    readonly queue: string,
    private readonly time: Time,
  ) {}

  /** The same worker on another queue. */
  on(queue: string): Worker {
    return new Worker(this.backend, queue, this.time);
  }

  /** What the backend keeps beside jobs; for scenarios that are exempt where it keeps none. */
  get records(): AwaitedRecords {
    const { records } = this.backend;
    assert.ok(records, 'expected the backend to have records');
    return new AwaitedRecords(records, this.time);
  }

  /** Where it is sent texts; for scenarios that are exempt where it can't be. */
  get letters(): Letters {
    const letters = this.backend.records?.letters;
    assert.ok(letters, 'expected the backend to have records.letters');
    return letters;
  }

  /** What operators see and do; for scenarios that are exempt where the backend doesn't show its jobs. */
  get inspected(): InspectedQueue {
    const { inspector } = this.backend;
    assert.ok(inspector, 'expected the backend to have an inspector');
    return new InspectedQueue(inspector, this.queue, this.time);
  }

  /** How many jobs wait; for scenarios that are exempt where the backend doesn't tell. */
  async waiting(): Promise<number> {
    const { backlog } = this.backend;
    assert.ok(backlog, 'expected the backend to have a backlog');
    return this.time.wait('jobs to resolve', backlog.jobs(this.queue));
  }

  /** How many bytes wait; likewise. */
  async waitingBytes(): Promise<number> {
    const { backlog } = this.backend;
    const counting = backlog?.bytes?.(this.queue);
    assert.ok(counting, 'expected the backend to have backlog.bytes');
    return this.time.wait('bytes to resolve', counting);
  }

  /** What was dropped; likewise. */
  async drop(count: number): Promise<DroppedJob[]> {
    const { backlog } = this.backend;
    const dropping = backlog?.dropOldest?.(this.queue, count);
    assert.ok(dropping, 'expected the backend to have backlog.dropOldest');
    return [...(await this.time.wait('dropOldest to resolve', dropping))];
  }

  /** The ids of what was dropped; likewise. */
  async dropOldest(count: number): Promise<string[]> {
    return (await this.drop(count)).map(({ id }) => id);
  }

  publish(...drafts: readonly Draft[]): Promise<readonly StoredReceipt[]> {
    const messages = drafts.map((draft) => messageOf(draft, this.time.clock.now()));
    return this.time.wait('publish to resolve', this.backend.publish(this.queue, messages));
  }

  /** Takes so many jobs, at most `max` at a time. */
  take(count: number, max = count): Promise<Delivery[]> {
    const taken: Delivery[] = [];
    const stop = new AbortController();
    const what = (): string => `${count} jobs of queue "${this.queue}" to be handed out (${taken.length} came)`;
    const taking = this.time.wait(what, this.read(taken, count, max, stop.signal)).finally(() => stop.abort());
    return handled(taking.then(() => taken));
  }

  async takeOne(): Promise<Delivery> {
    const [delivery] = await this.take(1);
    assert.ok(delivery);
    return delivery;
  }

  /** What else is handed out within a while. */
  async rest(): Promise<Delivery[]> {
    const taken: Delivery[] = [];
    const stop = new AbortController();
    const reading = handled(this.read(taken, Infinity, 100, stop.signal));
    await this.time.pass(this.quietMs);
    stop.abort();
    await this.time.wait('reserve to resolve once its signal aborts', reading);
    return taken;
  }

  /** Asserts that nothing (more) is handed out. */
  async takesNothing(why: string): Promise<void> {
    const more = await this.rest();
    assert.equal(
      more.length,
      0,
      `${why}, but it was handed out: ${JSON.stringify(more.map(({ content }) => content))}`,
    );
  }

  /** When a delivery was handed out, by the clock's `now()`. */
  takenAtOf(delivery: Delivery): number {
    return this.takenAt.get(delivery) ?? NaN;
  }

  settle(delivery: Delivery, settlement: Settlement): Promise<boolean> {
    return this.time.wait('settle to resolve', this.backend.settle(delivery, settlement));
  }

  extend(delivery: Delivery): Promise<boolean> {
    return this.time.wait('extend to resolve', this.backend.extend(delivery));
  }

  async complete(...deliveries: readonly Delivery[]): Promise<void> {
    for (const delivery of deliveries) await this.settles(delivery, { kind: 'completed' });
  }

  async fail(delivery: Delivery, failures: readonly FailureRecord[] = []): Promise<void> {
    await this.settles(delivery, { kind: 'failed', reason: 'no good', failures });
  }

  /** Puts a message of the same id in the job's place. */
  async replace(delivery: Delivery, draft: Draft): Promise<void> {
    await this.settles(delivery, this.replacement(delivery, draft));
  }

  /** The settlement that puts a message of the same id in the job's place. */
  replacement({ content }: Delivery, draft: Draft): Settlement {
    return { kind: 'replaced', message: messageOf({ ...draft, id: content.id }, this.time.clock.now()) };
  }

  async expire(delivery: Delivery): Promise<void> {
    await this.settles(delivery, { kind: 'expired', reason: 'too late', failures: [] });
  }

  async putBack(delivery: Delivery, how: PutBack = {}): Promise<void> {
    await this.settles(delivery, again(this.time.clock.now(), how));
  }

  /** For how long scenarios look for what must not come. */
  get quietMs(): number {
    const { leaseMs } = this.backend.traits;
    return this.time.isVirtual ? leaseMs / 10 : Math.min(QUIET_MS, leaseMs / 4);
  }

  private async settles(delivery: Delivery, settlement: Settlement): Promise<void> {
    const settled = await this.settle(delivery, settlement);
    const age = this.time.clock.monotonic() - delivery.leasedAt;
    if (!settled && !this.time.isVirtual && age >= this.backend.traits.leaseMs) {
      throw new TooSlow(`a lease of ${this.backend.traits.leaseMs} ms was needed for ${age} ms`);
    }
    assert.ok(settled, `expected settle (${settlement.kind}) to resolve with true, for the lease holds`);
  }

  private async read(into: Delivery[], count: number, max: number, stop: AbortSignal): Promise<void> {
    while (into.length < count && !stop.aborted) {
      const most = Math.min(max, count - into.length);
      const got = await this.backend.reserve(this.queue, most, stop);
      assert.ok(got.length <= most, `a reserve of at most ${most} gave ${got.length}`);
      for (const delivery of got) this.takenAt.set(delivery, this.time.clock.now());
      into.push(...got);
      // A backend that gives nothing without waiting must not keep the event loop from its turns.
      if (got.length === 0) await setImmediate();
    }
  }
}

/** The settlement that puts a job back. */
export function again(now: number, { at = now, countsAttempt = true, failures = [] }: PutBack = {}): Settlement {
  return { kind: 'again', at, countsAttempt, failures };
}

/** Keeps a promise that is awaited later from being told as an unhandled rejection before. */
export function handled<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}
