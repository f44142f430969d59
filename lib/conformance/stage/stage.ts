import { AssertionError } from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Backend, BackendTraits, Delivery } from '../../core/backend.js';
import type { Backlog } from '../../core/backlog.js';
import { systemClock, type Clock } from '../../core/clock.js';
import { JobEvents, type JobEventName } from '../../core/events.js';
import type { Inspector } from '../../core/inspector.js';
import { Handlers } from '../../core/handlers.js';
import type { PublishOptions } from '../../core/publish-options.js';
import { LimitedQueues } from '../../core/limited-queues.js';
import type { PublishedJob } from '../../core/published-job.js';
import { Publisher } from '../../core/publisher.js';
import type { QueueLimits } from '../../core/queue-limits.js';
import type { BackendUnderTest } from '../options.js';
import { CutOff } from './cut-off.js';
import { Crew, jobDefaults, type CrewPlan } from './crew.js';
import { Follower } from './follower.js';
import { Time, TooSlow } from './time.js';
import { Worker } from './worker.js';

/** How long what must happen may take, in milliseconds, beside leases and steps of delay. */
const PATIENCE_MS = 12_000;

/** The shortest delay that scenarios work with, in milliseconds, unless the engine's steps are longer. */
const DELAY_MS = { virtual: 1_000, real: 150 };

const NO_LIMITS: QueueLimits = { maxJobs: undefined, maxBytes: undefined, maxAgeMs: undefined, whenFull: 'reject' };

/** Where a scenario plays: one backend without jobs, a queue of its own, and as many workers as it opens. */
export class Stage {
  /** A name that no other scenario uses. */
  readonly queue = `conformance-${randomUUID()}`;
  readonly time: Time;
  private readonly opened: Backend[];
  private readonly crews: Crew[] = [];
  private readonly followers: Follower[] = [];

  private constructor(
    private readonly subject: BackendUnderTest,
    first: Backend,
    lapses: boolean,
  ) {
    const { leaseMs, delayStepMs } = first.traits;
    const isVirtual = subject.advance !== undefined;
    const patienceMs = PATIENCE_MS + 3 * delayStepMs + (lapses || isVirtual ? 3 * leaseMs : 0);
    const clock = first.clock ?? systemClock;
    this.time = new Time(clock, subject.advance?.bind(subject), patienceMs, leaseMs / 20);
    this.opened = [first];
  }

  /** @param lapses whether leases lapse in the scenario, so that it has to wait longer */
  static async open(subject: BackendUnderTest, lapses: boolean): Promise<Stage> {
    try {
      return new Stage(subject, await openOne(subject, 1), lapses);
    } catch (error) {
      await subject.dispose?.();
      throw error;
    }
  }

  /** The first worker. */
  get worker(): Worker {
    return new Worker(this.opened[0], this.queue, this.time);
  }

  /** Opens the backend once more: another worker on the same jobs. */
  async another(): Promise<Worker> {
    const backend = await this.time.wait('open to resolve', openOne(this.subject, this.opened.length + 1));
    this.opened.push(backend);
    return new Worker(backend, this.queue, this.time);
  }

  get traits(): BackendTraits {
    return this.opened[0].traits;
  }

  get clock(): Clock {
    return this.time.clock;
  }

  get takesForeign(): boolean {
    return this.subject.putForeign !== undefined;
  }

  get backlog(): Backlog | undefined {
    return this.opened[0].backlog;
  }

  get inspector(): Inspector | undefined {
    return this.opened[0].inspector;
  }

  get keepsRecords(): boolean {
    return this.opened[0].records !== undefined;
  }

  get sendsLetters(): boolean {
    return this.opened[0].records?.letters !== undefined;
  }

  get opensElsewhere(): boolean {
    return this.opened[0].recordsElsewhere !== undefined;
  }

  /** A delay that can be told from none, in milliseconds: at least a step of the engine's. */
  get delayMs(): number {
    return Math.max(this.time.isVirtual ? DELAY_MS.virtual : DELAY_MS.real, this.traits.delayStepMs);
  }

  /** Lets that part of a lease pass. */
  passLease(part: number): Promise<void> {
    return this.time.pass(this.traits.leaseMs * part);
  }

  /** Lets the time go on to a moment, in milliseconds since 1970. */
  async passUntil(moment: number): Promise<void> {
    while (this.clock.now() < moment) await this.time.pass(moment - this.clock.now());
  }

  /** Runs the scenario again where a lease has lapsed that it meant to hold; `renewedAt` by the clock's `monotonic()`. */
  assumeLeased({ leasedAt }: Delivery, renewedAt: number = leasedAt): void {
    const age = this.clock.monotonic() - renewedAt;
    if (age >= this.traits.leaseMs) this.tooSlow(`a lease of ${this.traits.leaseMs} ms was needed for ${age} ms`);
  }

  /** Ends this run of a scenario whose premise did not hold. */
  tooSlow(why: string): never {
    if (this.time.isVirtual) throw new AssertionError({ message: why });
    throw new TooSlow(why);
  }

  /** Publishes through the core, to the scenario's queue unless said otherwise. */
  publish(name: string, payload?: unknown, options: PublishOptions = {}, by = this.worker): Promise<PublishedJob> {
    const publishing = this.publisher(by).publish(name, payload, { queue: this.queue, ...options });
    return this.time.wait('publish to resolve', publishing);
  }

  /** The core's publisher on a worker; with these limits of the scenario's queue, if any. */
  publisher(by = this.worker, limits?: Partial<QueueLimits>): Publisher {
    const all = new Map(limits ? [[this.queue, { ...NO_LIMITS, ...limits }]] : []);
    const events = new JobEvents();
    return new Publisher({
      backend: () => by.backend,
      clock: this.clock,
      handlers: new Handlers(),
      routes: new Map(),
      defaults: jobDefaults(this.delayMs),
      publishTimeoutMs: 30_000,
      limits: all,
      limited: new LimitedQueues(all, events),
      events,
    });
  }

  /** The core's consumer on a worker, started. */
  crew(plan: CrewPlan, by = this.worker): Crew {
    const crew = new Crew(plan, by.backend, this.queue, this.time, this.delayMs);
    this.crews.push(crew);
    return crew;
  }

  /** One who follows these events of all workers that are there. */
  async follow(names: readonly JobEventName[], by = this.worker): Promise<Follower> {
    const follower = new Follower(names, by, this.time);
    this.followers.push(follower);
    await follower.begin(this.crews.length);
    return follower;
  }

  /** A worker on the same backend that loses touch with the engine when `cut` is called, or at its first settlement. */
  cutOff(by = this.worker, when?: 'at the settlement'): { readonly worker: Worker; readonly cut: () => void } {
    const backend = new CutOff(by.backend, when);
    return { worker: new Worker(backend, by.queue, this.time), cut: () => backend.cut() };
  }

  /** Stores bytes as another program would; for scenarios that are exempt where that can't be done. */
  async putForeign(bytes: Uint8Array | string): Promise<void> {
    await this.subject.putForeign?.(this.queue, typeof bytes === 'string' ? Buffer.from(bytes) : bytes);
  }

  /** Stops and closes everything. Rejects where closing fails. */
  async end(): Promise<void> {
    const close = (backend: Backend): Promise<void> => this.time.wait('close to resolve', backend.close());
    try {
      await Promise.allSettled(this.followers.map((follower) => follower.end()));
      await Promise.allSettled(this.crews.map((crew) => crew.stop()));
      const closed = await Promise.allSettled(this.opened.map(close));
      const failed = closed.find((end) => end.status === 'rejected');
      if (failed) throw failed.reason;
    } finally {
      this.time.end();
      await this.subject.dispose?.();
    }
  }
}

function openOne(subject: BackendUnderTest, count: number): Promise<Backend> {
  return subject.backend.open({ worker: `conformance-${count}`, warn: () => undefined });
}
