import { setMaxListeners } from 'node:events';
import type { Backend } from './backend.js';
import { pause, systemClock, type Clock } from './clock.js';
import type { ConsumerContext, HandlerSlot } from './consumer-context.js';
import type { ErrorRules } from './errors.js';
import type { JobEvents } from './events.js';
import { FleetMember, type FleetPlan } from './fleet-member.js';
import { Limiter, type Handler, type JobDefaults } from './handlers.js';
import type { JobRef } from './job.js';
import type { JobRun } from './job-run.js';
import { LeaseKeeper } from './lease-keeper.js';
import { concerned, middlewareOf } from './middleware.js';
import { Outage } from './outage.js';
import type { Outcome } from './outcome.js';
import type { Publisher } from './publisher.js';
import { QueueLoop, type QueueFetching, type QueuePlan } from './queue-loop.js';
import { Reading, type ReadQueue } from './reading.js';
import type { Reporter } from './reporter.js';
import type { Rate } from './rate.js';
import { SharedRate } from './shared-rate.js';
import type { Telemetry } from './telemetry.js';
import { sayOnce } from './unknown-names.js';

/** What a consumer needs. */
export interface ConsumerSetup {
  readonly backend: Backend;
  /** Of the same backend. Without it, a job that is to go on as another fails. */
  readonly publisher?: Publisher;
  readonly handlers: readonly Handler[];
  /** What it reads from its start on. */
  readonly queues: readonly QueuePlan[];
  readonly defaults: JobDefaults;
  readonly errors: ErrorRules;
  readonly unknownJobGraceMs: number;
  readonly blockedForMs: number;
  readonly events: JobEvents;
  readonly reporter: Reporter;
  /** Names this process in records of failures. */
  readonly worker: string;
  /** How it takes part in the fleet of all that share the engine. Default: not at all. */
  readonly fleet?: FleetPlan | undefined;
  /** Traces and measures runs. Default: nobody. */
  readonly telemetry?: Telemetry | undefined;
}

/** Hears of a job whose run is over; without an outcome where its lease was lost. */
export type RunListener = (job: JobRef, outcome: Outcome | undefined) => void;

/** How long the engine may take to hear of the last jobs when the grace is over. */
const LAST_SETTLEMENTS_MS = 5_000;

/** Handles the jobs of some queues: one loop a queue, until it is stopped. */
export class Consumer {
  private readonly stopping = new AbortController();
  private readonly settling = new AbortController();
  private readonly context: ConsumerContext;
  private readonly slots = new Map<string, HandlerSlot>();
  private readonly read = new Map<string, ReadQueue>();
  /** Also those that are read no more, but still hold jobs. */
  private readonly working = new Map<QueueLoop, Promise<void>>();
  private readonly listeners = new Set<RunListener>();
  private readonly rates = new Map<string, SharedRate>();

  constructor(private readonly setup: ConsumerSetup) {
    // As many as there are jobs and drains listen, which is no leak.
    setMaxListeners(0, this.stopping.signal, this.settling.signal);
    const { backend, defaults, errors, unknownJobGraceMs, blockedForMs, events, reporter, worker } = setup;
    const clock = backend.clock ?? systemClock;
    const outage = new Outage(backend.traits.name, clock, reporter);
    // Field by field, for every job reads it, and what is spread with much else becomes a slow dictionary.
    this.context = {
      backend,
      clock,
      publisher: setup.publisher,
      slots: this.slots,
      defaults,
      rules: { errors, unknownJobGraceMs, blockedForMs },
      events,
      reporter,
      worker,
      telemetry: setup.telemetry,
      leases: new LeaseKeeper(backend, clock, outage),
      outage,
      settling: this.settling.signal,
      middlewareFor: concerned(middlewareOf(backend)),
      sayUnknown: sayOnce(reporter),
      fleet: this.memberOf(setup, clock, outage),
      ended: (job, outcome) => {
        this.context.fleet?.ended(job, outcome);
        this.listeners.forEach((listener) => listener(job, outcome));
      },
    };
    this.addHandlers(setup.handlers);
  }

  /** Aborts when it is stopped. */
  get stopped(): AbortSignal {
    return this.stopping.signal;
  }

  start(): void {
    if (!this.stopped.aborted) this.open(this.setup.queues);
  }

  addHandlers(handlers: readonly Handler[]): void {
    for (const handler of handlers) {
      const limiter = new Limiter(handler.concurrency ?? this.setup.defaults.concurrency);
      const rate = handler.rate && this.rateOf(`job:${handler.name}`, `job "${handler.name}"`, handler.rate);
      this.slots.set(handler.name, { handler, limiter, rate });
    }
  }

  /** Reads these queues until the reading ends; what is read already goes on by its own plan. */
  open(plans: readonly QueuePlan[], listener?: RunListener): Reading {
    if (this.stopped.aborted) throw new Error('the consumer has stopped');
    if (listener) this.listeners.add(listener);
    this.context.fleet?.start();
    const queues = plans.map((plan) => this.readQueue(plan));
    return new Reading(queues, () => void (listener && this.listeners.delete(listener)));
  }

  /** Until when a queue that was read takes no jobs, for its rate is used up; milliseconds since 1970. */
  limitedUntil(queue: string): number | undefined {
    const rate = this.rates.get(`queue:${queue}`);
    return rate && rate.room === 0 ? rate.freeAt : undefined;
  }

  /** Resolves once it is known which queues are paused, or it has stopped. */
  async ready(): Promise<void> {
    await this.context.fleet?.known;
  }

  /** Whether an operator has paused a queue, as far as this process has heard. */
  isPaused(queue: string): boolean {
    return this.context.fleet?.isPaused(queue) ?? false;
  }

  /** Of each queue that is read, whether it is really asked for jobs. */
  get fetching(): readonly QueueFetching[] {
    return [...this.read.values()].map(({ loop }) => loop.fetching);
  }

  /** Lets queues that are read go on by other plans; those that are not are left alone. */
  follow(plans: readonly QueuePlan[]): void {
    for (const plan of plans) this.read.get(plan.name)?.loop.follow(plan);
  }

  /**
   * Takes no more jobs, waits for the running ones up to `graceMs`, then aborts their signals and hands them back.
   * Never rejects.
   */
  async stop(graceMs: number): Promise<void> {
    this.stopping.abort();
    for (const loop of this.working.keys()) loop.stop();
    this.eachRun((run) => run.giveUpWaiting('shutDown'));
    await this.endedWithin(graceMs);
    this.eachRun((run) => run.shutDown());
    await this.endedWithin(LAST_SETTLEMENTS_MS);
    this.settling.abort();
    this.context.leases.close();
    await this.context.fleet?.close();
  }

  private memberOf(setup: ConsumerSetup, clock: Clock, outage: Outage): FleetMember | undefined {
    const { backend, fleet: plan, worker, events } = setup;
    const { records, traits } = backend;
    if (!plan || !records) return undefined;
    const queues = (): Iterable<QueueLoop> => this.working.keys();
    const elsewhere = traits.shared ? async () => backend.recordsElsewhere?.() : undefined;
    return new FleetMember({ records, elsewhere, clock, outage, events, worker, plan, queues });
  }

  private readQueue(plan: QueuePlan): ReadQueue {
    let queue = this.read.get(plan.name);
    if (!queue) {
      const rate = plan.rate && this.rateOf(`queue:${plan.name}`, `queue "${plan.name}"`, plan.rate);
      const loop = new QueueLoop(plan, this.context, rate);
      const ended = loop.work().finally(() => this.working.delete(loop));
      this.working.set(loop, ended);
      queue = { loop, ended, readers: 0, left: () => this.read.delete(plan.name) };
      this.read.set(plan.name, queue);
    }
    queue.readers += 1;
    return queue;
  }

  /** The one of this name, for a queue that is opened anew goes on at its rate. */
  private rateOf(what: string, called: string, rate: Rate): SharedRate {
    let known = this.rates.get(what);
    if (!known) {
      const { backend, clock, reporter } = this.context;
      const { records, traits } = backend;
      if (!records) {
        reporter.warn(`the rate of ${called} is kept within this process only: ${traits.name} keeps no records`);
      }
      known = new SharedRate({ what, rate, clock, records, shared: traits.shared });
      this.rates.set(what, known);
    }
    return known;
  }

  private eachRun(act: (run: JobRun) => void): void {
    for (const loop of this.working.keys()) for (const run of loop.runs) act(run);
  }

  private async endedWithin(ms: number): Promise<void> {
    const done = new AbortController();
    const ended = Promise.all(this.working.values()).then(() => done.abort());
    await Promise.race([ended, pause(this.context.clock, ms, done.signal)]);
  }
}
