import { setMaxListeners } from 'node:events';
import type { Backend } from './backend.js';
import { pause, systemClock } from './clock.js';
import type { ConsumerContext, HandlerSlot } from './consumer-context.js';
import type { ErrorRules } from './errors.js';
import type { JobEvents } from './events.js';
import { Limiter, type Handler, type JobDefaults } from './handlers.js';
import type { JobRun } from './job-run.js';
import { LeaseKeeper } from './lease-keeper.js';
import { Outage } from './outage.js';
import { QueueLoop, type QueuePlan } from './queue-loop.js';
import type { Reporter } from './reporter.js';
import { show } from './show.js';

/** What a consumer needs. */
export interface ConsumerSetup {
  readonly backend: Backend;
  readonly handlers: readonly Handler[];
  readonly queues: readonly QueuePlan[];
  readonly defaults: JobDefaults;
  readonly errors: ErrorRules;
  readonly unknownJobGraceMs: number;
  readonly blockedForMs: number;
  readonly events: JobEvents;
  readonly reporter: Reporter;
  /** Names this process in records of failures. */
  readonly worker: string;
}

/** How long the engine may take to hear of the last jobs when the grace is over. */
const LAST_SETTLEMENTS_MS = 5_000;

/** Of how many unknown names it is said: others may write any name into a message. */
const MOST_UNKNOWN = 1_000;

/** Handles the jobs of some queues: one loop a queue, until it is stopped. */
export class Consumer {
  private readonly stopping = new AbortController();
  private readonly settling = new AbortController();
  private readonly context: ConsumerContext;
  private readonly loops: readonly QueueLoop[];
  private ended: Promise<unknown> = Promise.resolve();

  constructor(setup: ConsumerSetup) {
    // As many as there are queues and jobs listen, which is no leak.
    setMaxListeners(0, this.stopping.signal, this.settling.signal);
    const clock = setup.backend.clock ?? systemClock;
    const outage = new Outage(setup.backend.traits.name, clock, setup.reporter);
    const slot = (handler: Handler): HandlerSlot => ({
      handler,
      limiter: new Limiter(handler.concurrency ?? setup.defaults.concurrency),
    });
    const unknown = new Set<string>();
    this.context = {
      ...setup,
      clock,
      slots: new Map(setup.handlers.map((handler) => [handler.name, slot(handler)])),
      rules: {
        errors: setup.errors,
        unknownJobGraceMs: setup.unknownJobGraceMs,
        blockedForMs: setup.blockedForMs,
      },
      leases: new LeaseKeeper(setup.backend, clock, outage),
      outage,
      settling: this.settling.signal,
      sayUnknown: ({ name, queue }) => {
        if (unknown.has(`${queue}/${name}`) || unknown.size === MOST_UNKNOWN) return;
        unknown.add(`${queue}/${name}`);
        setup.reporter.warn(
          `No handler here is named ${show(name)}, but queue "${queue}" holds such jobs. They are put back, ` +
            'and fail once the option unknownJobGrace has passed since they were published.',
        );
      },
    };
    this.loops = setup.queues.map((plan) => new QueueLoop(plan, this.context, this.stopping.signal));
  }

  start(): void {
    this.ended = Promise.all(this.loops.map((loop) => loop.work()));
  }

  /**
   * Takes no more jobs, waits for the running ones up to `graceMs`, then aborts their signals and hands them back.
   * Never rejects.
   */
  async stop(graceMs: number): Promise<void> {
    this.stopping.abort();
    this.eachRun((run) => run.giveUpWaiting());
    await this.endedWithin(graceMs);
    this.eachRun((run) => run.shutDown());
    await this.endedWithin(LAST_SETTLEMENTS_MS);
    this.settling.abort();
    this.context.leases.close();
  }

  private eachRun(act: (run: JobRun) => void): void {
    for (const loop of this.loops) for (const run of loop.runs) act(run);
  }

  private async endedWithin(ms: number): Promise<void> {
    const done = new AbortController();
    await Promise.race([this.ended.then(() => done.abort()), pause(this.context.clock, ms, done.signal)]);
  }
}
