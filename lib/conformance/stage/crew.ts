import type { Backend } from '../../core/backend.js';
import { systemClock } from '../../core/clock.js';
import { Consumer } from '../../core/consumer.js';
import type { Backoff } from '../../core/backoff.js';
import { JOB_EVENT_NAMES, JobEvents, type JobEventMap, type JobEventName } from '../../core/events.js';
import type { FleetPlan } from '../../core/fleet-member.js';
import { Handlers, type Handler, type JobDefaults } from '../../core/handlers.js';
import type { Job } from '../../core/job.js';
import type { Rate } from '../../core/rate.js';
import { Publisher } from '../../core/publisher.js';
import type { Reporter } from '../../core/reporter.js';
import type { Time } from './time.js';

type Handle = (payload: unknown, job: Job) => unknown;

/** How a handler works; what is left out is the default's. */
export interface HandlerPlan extends Partial<Omit<Handler, 'handle'>> {
  readonly handle: Handle;
}

/** Who handles what, and by which rules. */
export interface CrewPlan {
  readonly handlers: Readonly<Record<string, Handle | HandlerPlan>>;
  /** Queues that it reads beside the scenario's. */
  readonly queues?: readonly string[];
  /** At most so many jobs of a queue at a time. Default 10. */
  readonly concurrency?: number;
  /** How long jobs may have waited. Default: as long as it takes. */
  readonly maxAgeMs?: number;
  /** How often handlers may be called. Default: as often as jobs come. */
  readonly rate?: Rate;
  readonly defaults?: Partial<JobDefaults>;
  /** Default 5 minutes. */
  readonly unknownJobGraceMs?: number;
  /** Default 7 days. */
  readonly blockedForMs?: number;
  /** Default: nobody hears. */
  readonly reporter?: Reporter;
  /** How it takes part in the fleet of all workers; `true`: as most do. Default `false`: not at all. */
  readonly fleet?: boolean | FleetPlan;
}

const IDENTITY = { host: 'conformance', pid: process.pid, version: 'any', instance: 'default' };

/** What holds for jobs that don't say otherwise: three attempts, `delayMs` apart. */
export function jobDefaults(delayMs: number): JobDefaults {
  const backoff: Exclude<Backoff, (attempt: number) => unknown> & JobDefaults['backoff'] = {
    kind: 'fixed',
    base: delayMs,
    factor: 1,
    max: delayMs,
    jitter: 0,
  };
  return { queue: 'default', priority: 1024, attempts: 3, backoff, timeoutMs: undefined, concurrency: 10 };
}

/** The core's consumer at work on one queue, and all that it tells. */
export class Crew {
  /** Each call of a handler, in their order. */
  readonly calls: Job[] = [];
  private readonly events = new JobEvents();
  private readonly log: { readonly name: JobEventName; readonly event: JobEventMap[JobEventName] }[] = [];
  private readonly consumer: Consumer;
  private stopped: Promise<void> | undefined;

  constructor(
    plan: CrewPlan,
    backend: Backend,
    queue: string,
    private readonly time: Time,
    delayMs: number,
  ) {
    for (const name of JOB_EVENT_NAMES) this.events.on(name, (event) => void this.log.push({ name, event }));
    const handlers = new Handlers();
    for (const [name, handler] of Object.entries(plan.handlers)) handlers.add(this.handler(name, handler));
    const defaults = { ...jobDefaults(delayMs), queue, ...plan.defaults };
    const { events } = this;
    this.consumer = new Consumer({
      backend,
      publisher: new Publisher({
        backend: () => backend,
        clock: backend.clock ?? systemClock,
        handlers,
        routes: new Map(),
        defaults,
        publishTimeoutMs: 30_000,
        events,
      }),
      handlers: handlers.all(),
      queues: [queue, ...(plan.queues ?? [])].map((name) => ({
        name,
        concurrency: plan.concurrency ?? 10,
        rawJob: undefined,
        maxAgeMs: plan.maxAgeMs,
        rate: plan.rate,
      })),
      defaults,
      errors: {},
      unknownJobGraceMs: plan.unknownJobGraceMs ?? 300_000,
      blockedForMs: plan.blockedForMs ?? 7 * 24 * 3_600_000,
      events,
      reporter: plan.reporter ?? { log: () => undefined, warn: () => undefined, error: () => undefined },
      worker: 'conformance',
      fleet: plan.fleet ? { identity: IDENTITY, ...(plan.fleet === true ? {} : plan.fleet) } : undefined,
    });
    this.consumer.start();
  }

  /** What was told of one event, in order. */
  told<Name extends JobEventName>(name: Name): JobEventMap[Name][] {
    return this.log.filter((entry) => entry.name === name).map(({ event }) => event as JobEventMap[Name]);
  }

  /** Waits until an event has come so often; gives the last. */
  async hears<Name extends JobEventName>(name: Name, times = 1): Promise<JobEventMap[Name]> {
    const what = (): string =>
      `event "${name}" ${times} times, got ${JSON.stringify(this.log.map((entry) => entry.name))}`;
    await this.time.until(what, () => this.told(name).length >= times);
    return this.told(name).at(-1) as JobEventMap[Name];
  }

  /** Takes no more jobs, and gives the running ones so long. */
  stop(graceMs = 0): Promise<void> {
    this.stopped ??= this.time.wait('the consumer to stop', this.consumer.stop(graceMs));
    return this.stopped;
  }

  private handler(name: string, given: Handle | HandlerPlan): Handler {
    const plan = typeof given === 'function' ? { handle: given } : given;
    return {
      name,
      queue: undefined,
      concurrency: undefined,
      attempts: undefined,
      backoff: undefined,
      timeoutMs: undefined,
      priority: undefined,
      origin: name,
      ...plan,
      handle: (payload, job) => {
        this.calls.push(job);
        return plan.handle(payload, job);
      },
    };
  }
}
