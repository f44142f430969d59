import { memory, VirtualClock } from '../../lib/backends/memory/index.js';
import { DEFAULT_BACKOFF } from '../../lib/core/backoff.js';
import type { Backend, Delivery, Settlement } from '../../lib/core/backend.js';
import { Consumer, type ConsumerSetup } from '../../lib/core/consumer.js';
import { JOB_EVENT_NAMES, JobEvents, type JobEventMap, type JobEventName } from '../../lib/core/events.js';
import { Handlers, type Handler, type JobDefaults } from '../../lib/core/handlers.js';
import type { Job } from '../../lib/core/job.js';
import { Publisher } from '../../lib/core/publisher.js';
import type { QueuePlan } from '../../lib/core/queue-loop.js';
import { Lines, wrapped } from './engine.js';

export const START = Date.parse('2026-11-21T09:00:00.000Z');

export const DEFAULTS: JobDefaults = {
  queue: 'default',
  priority: 1024,
  attempts: 20,
  backoff: { ...DEFAULT_BACKOFF, jitter: 0 },
  timeoutMs: undefined,
  concurrency: 10,
};

interface WorkshopOptions {
  readonly lease?: string;
  readonly start?: number;
}

/** Publishers and consumers on a memory backend in virtual time, and all that becomes of their jobs. */
export class Workshop {
  readonly clock: VirtualClock;
  readonly lines = new Lines();
  readonly events = new JobEvents((message) => this.lines.error(message));
  /** What happened, in its order. */
  readonly happened: { [Name in JobEventName]: readonly [Name, JobEventMap[Name]] }[JobEventName][] = [];
  /** What the engine was told, and what it said to that. */
  readonly settled: { readonly delivery: Delivery; readonly settlement: Settlement; readonly accepted: boolean }[] = [];
  readonly publisher: Publisher;
  private readonly consumers: Consumer[] = [];

  private constructor(
    /** What the consumers use; tests may replace its verbs. */
    readonly engine: { -readonly [Verb in keyof Backend]: Backend[Verb] },
    clock: VirtualClock,
  ) {
    this.clock = clock;
    for (const name of JOB_EVENT_NAMES) this.events.on(name, (event) => this.happened.push([name, event] as never));
    this.publisher = new Publisher({
      backend: () => engine,
      clock,
      handlers: new Handlers(),
      routes: new Map(),
      defaults: DEFAULTS,
      publishTimeoutMs: 5000,
      events: this.events,
    });
  }

  static async open({ lease = '30s', start = START }: WorkshopOptions = {}): Promise<Workshop> {
    const clock = new VirtualClock(start);
    const backend = await memory({ clock, lease }).open({ worker: 'host:1', warn: () => undefined });
    const engine: Backend = wrapped(backend, {
      settle: async (delivery, settlement) => {
        const accepted = await backend.settle(delivery, settlement);
        shop.settled.push({ delivery, settlement, accepted });
        return accepted;
      },
    });
    const shop = new Workshop(engine, clock);
    return shop;
  }

  /** A consumer that has started. */
  consume(handlers: readonly Handler[], setup: Partial<ConsumerSetup> = {}): Consumer {
    const consumer = new Consumer({
      backend: this.engine,
      handlers,
      queues: [queue('default')],
      defaults: DEFAULTS,
      errors: {},
      unknownJobGraceMs: 300_000,
      blockedForMs: 604_800_000,
      events: this.events,
      reporter: this.lines,
      worker: 'host:1',
      ...setup,
    });
    this.consumers.push(consumer);
    consumer.start();
    return consumer;
  }

  /** The names of what happened to jobs since they were published. */
  get story(): string[] {
    return this.happened.map(([name]) => name).filter((name) => name !== 'published');
  }

  last<Name extends JobEventName>(name: Name): JobEventMap[Name] {
    const found = this.happened.findLast(([one]) => one === name);
    if (!found) throw new Error(`${name} has not happened, but ${this.story.join(', ') || 'nothing'}`);
    return found[1] as JobEventMap[Name];
  }

  /** Lets what is due happen. */
  async now(): Promise<void> {
    await this.clock.advance(0);
  }

  async close(): Promise<void> {
    const stopped = Promise.all(this.consumers.map((consumer) => consumer.stop(0)));
    await Promise.race([stopped, this.clock.advance(20_000)]);
    await stopped;
    await this.engine.close();
  }
}

export function handler(
  name: string,
  handle: (payload: unknown, job: Job) => unknown,
  special: Partial<Handler> = {},
): Handler {
  return {
    name,
    origin: name,
    queue: undefined,
    concurrency: undefined,
    attempts: undefined,
    backoff: undefined,
    timeoutMs: undefined,
    priority: undefined,
    handle,
    ...special,
  };
}

export function queue(name: string, special: Partial<QueuePlan> = {}): QueuePlan {
  return { name, concurrency: 10, rawJob: undefined, ...special };
}

/** Work that is under way until the test says how it ends. */
export class Work<T = unknown> {
  readonly started: Job[] = [];
  private readonly ends: { resolve: (value: T) => void; reject: (error: unknown) => void }[] = [];

  readonly handle = (_: unknown, job: Job): Promise<T> => {
    this.started.push(job);
    return new Promise((resolve, reject) => this.ends.push({ resolve, reject }));
  };

  get names(): unknown[] {
    return this.started.map((job) => job.payload);
  }

  /** Ends the run that was started as number `index`. */
  end(index: number, value: T): void {
    this.ends[index]?.resolve(value);
  }

  fail(index: number, error: unknown): void {
    this.ends[index]?.reject(error);
  }
}
