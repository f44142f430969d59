import { admit, readContent } from './admit.js';
import type { Delivery } from './backend.js';
import type { ConsumerContext, HandlerSlot } from './consumer-context.js';
import { EndableRun, SHUT_DOWN } from './endable-run.js';
import { JobTimeoutError, toError } from './errors.js';
import { describeError } from './failure-record.js';
import { HandledJob, type RunningJob } from './handled-job.js';
import { handledBetweenSchemas, hasSchemas } from './handling.js';
import type { Handler } from './handlers.js';
import type { Job, JobRef } from './job.js';
import type { Leased } from './lease-keeper.js';
import { isUnreadable, type ReceivedMessage } from './message.js';
import { conclude, type Ending, type Outcome } from './outcome.js';
import type { RunMiddleware } from './run-middleware.js';
import { caseOf } from './run-case.js';
import { takePlaces } from './run-pacing.js';
import { settle } from './run-settling.js';
import { RunNotes } from './run-notes.js';
import type { RunPlan } from './run-plan.js';
import { start, type MiddlewareHost } from './run-starting.js';
import { tellTelemetry, track } from './run-tracking.js';
import { tell } from './run-telling.js';
import type { RatePlace } from './shared-rate.js';
import type { HandlingTelemetry } from './telemetry.js';

/** Hears of a run, once each, in this order, whatever becomes of it. */
export interface RunSteps {
  /** Its handler has ended, or is not to be called. */
  readonly handled: (run: JobRun) => void;
  /** It is settled, or its lease was lost; then there is no outcome. */
  readonly ended: (run: JobRun, outcome: Outcome | undefined) => void;
}

/**
 * One delivery from its hand-out to its settlement:
 *
 * 1. admit: is it readable, due, not expired, and is there a handler with attempts left?
 * 2. wait for a place of its handler; admit again, for that may have taken long
 * 3. pace: take a place of its handler's rate and of its queue's; admit again
 * 4. start: let the middleware that it concerns say whether its handler is to be called
 * 5. handle: until the handler ends, its timeout passes, the application's grace is over, or the lease is lost
 * 6. conclude: what the ending means
 * 7. settle: let the middleware store what goes along with it, then tell the engine, as long as the lease lasts
 * 8. tell telemetry and the listeners
 */
export class JobRun extends EndableRun implements Leased, RunningJob {
  readonly message: ReceivedMessage | undefined;
  private readonly unreadable: string | undefined;
  private readonly slot: HandlerSlot | undefined;
  readonly ref: JobRef;
  /** What it takes with it; most jobs have none. */
  readonly middleware: readonly RunMiddleware[];
  /** What its handler has said of itself. */
  notes: RunNotes | undefined;
  /** What is told of its handling, where somebody traces it. */
  private tracked: HandlingTelemetry | undefined;
  /** Of rates, until its handler is called. */
  private ratePlaces = NO_PLACES;

  constructor(
    readonly delivery: Delivery,
    private readonly plan: RunPlan,
    private readonly context: ConsumerContext,
  ) {
    super();
    const content = readContent(delivery, plan.rawJob);
    const message = isUnreadable(content) ? undefined : content;
    this.message = message;
    this.unreadable = isUnreadable(content) ? content.unreadable : undefined;
    this.slot = message && context.slots.get(message.name);
    const maxAttempts = message?.maxAttempts ?? this.slot?.handler.attempts ?? context.defaults.attempts;
    this.ref = { id: content.id, name: message?.name, queue: delivery.queue, attempt: delivery.attempt, maxAttempts };
    this.middleware = message ? context.middlewareFor(message, this.slot?.handler) : NO_MIDDLEWARE;
  }

  /** Runs the eight steps; never rejects. */
  async process({ handled, ended }: RunSteps): Promise<void> {
    const { clock, leases, reporter } = this.context;
    let ending: Ending | undefined;
    let settledAs: Outcome | undefined;
    leases.add(this);
    try {
      ending = this.refusal() ?? (await this.handle());
      this.over = true;
      handled(this);
      const durationMs = this.startedAt === undefined ? 0 : clock.monotonic() - this.startedAt;
      const outcome = conclude(caseOf(this.ref, this.message, this.delivery, this.slot?.handler, this.context), ending);
      if (!this.leaseLost) settledAs = await this.settle(outcome, durationMs);
      if (this.context.telemetry) tellTelemetry(this, this.tracked, settledAs, durationMs, this.context);
      tell(this.ref, settledAs, durationMs, this.context);
    } catch (error) {
      const { stack } = describeError(toError(error));
      reporter.error(`a job of queue "${this.ref.queue}" is left to its lease`, stack);
    } finally {
      leases.remove(this);
      if (!ending) handled(this);
      ended(this, settledAs);
    }
  }

  progress(value: unknown): void {
    if (this.isHandled) (this.notes ??= this.newNotes()).progress(value);
  }

  log(line: string): void {
    if (this.isHandled) (this.notes ??= this.newNotes()).log(line);
  }

  /** Whether its handler is called and has not ended. */
  private get isHandled(): boolean {
    return this.startedAt !== undefined && !this.over;
  }

  private newNotes(): RunNotes {
    return new RunNotes(this.ref, this.message as ReceivedMessage, this.context);
  }

  /** Why the handler is not to be called. */
  private refusal(): Ending | undefined {
    this.leaseLost ||= this.context.leases.lapsed(this);
    if (this.dismissal ?? this.leaseLost) return this.dismissal ?? SHUT_DOWN;
    if (!this.message) return { kind: 'unreadable', reason: this.unreadable ?? 'it is no message' };
    const { maxAgeMs } = this.plan;
    return admit(this.message, this.delivery, this.slot && this.ref, this.context.clock.now(), maxAgeMs);
  }

  /** Without a promise of its own where there is a place at once: each is felt. */
  private handle(): Promise<Ending> {
    const slot = this.slot as HandlerSlot;
    return slot.limiter.tryEnter() ? this.enter(slot) : this.handleLater(slot);
  }

  private async handleLater(slot: HandlerSlot): Promise<Ending> {
    const gaveUp = await this.aPlace(slot);
    if (gaveUp) return gaveUp;
    const refused = this.refusal();
    return refused ? this.leavePlaces(slot, refused) : this.enter(slot);
  }

  /** In the place that was taken for it, which it leaves at its end. */
  private enter(slot: HandlerSlot): Promise<Ending> {
    return this.plan.pace || slot.rate ? this.pace(slot) : this.begin(slot);
  }

  private async pace(slot: HandlerSlot): Promise<Ending> {
    const { pace } = this.plan;
    const rates = [slot.rate, pace?.rate].filter((rate) => rate !== undefined);
    const { places, ending } = await takePlaces(this, rates, this.abortedAtEnd(), this.context);
    this.end = undefined;
    pace?.passed(this);
    this.ratePlaces = places;
    const refused = this.dismissal ?? ending ?? this.refusal();
    return refused ? this.leavePlaces(slot, refused) : this.begin(slot);
  }

  /** Of its handler, and of rates: it is not called. */
  private leavePlaces({ limiter }: HandlerSlot, refused: Ending): Ending {
    limiter.leave();
    for (const place of this.ratePlaces) place.giveBack();
    this.ratePlaces = NO_PLACES;
    return refused;
  }

  /** What becomes of it where the start took so long that others may have its place of a rate. */
  private lostPlace(): Ending | undefined {
    if (!this.ratePlaces.some((place) => place.lapsed)) return undefined;
    return { kind: 'limited', at: this.context.clock.now() };
  }

  private begin(slot: HandlerSlot): Promise<Ending> {
    return this.middleware.length === 0 ? this.call(slot) : this.startAndCall(slot);
  }

  private async startAndCall(slot: HandlerSlot): Promise<Ending> {
    const waiting = this.abortedAtEnd();
    const refusedByOther = await start(this as MiddlewareHost, waiting, this.context);
    const refused = this.dismissal ?? refusedByOther ?? this.refusal() ?? this.lostPlace();
    this.end = undefined;
    return refused ? this.leavePlaces(slot, refused) : this.call(slot);
  }

  /** Waits for a place of the handler; resolves with an ending where the wait was given up. */
  private aPlace(slot: HandlerSlot): Promise<Ending | undefined> {
    return new Promise((resolve) => {
      const giveUp = slot.limiter.enter(() => {
        this.end = undefined;
        resolve(undefined);
      });
      this.end = (ending) => {
        this.end = undefined;
        giveUp();
        resolve(ending);
      };
    });
  }

  /** Calls the handler, in the place that was taken for it, and leaves the place at its end. */
  private call({ handler, limiter }: HandlerSlot): Promise<Ending> {
    const { clock, defaults, events, telemetry } = this.context;
    const timeoutMs = this.message?.timeoutMs ?? handler.timeoutMs ?? defaults.timeoutMs;
    return new Promise((resolve) => {
      const cancel =
        timeoutMs === undefined
          ? undefined
          : clock.after(timeoutMs, () => {
              this.end?.({ kind: 'timedOut', timeoutMs });
              this.abort(new JobTimeoutError(timeoutMs));
            });
      this.end = (ending) => {
        this.end = undefined;
        cancel?.();
        limiter.leave();
        resolve(ending);
      };
      for (const place of this.ratePlaces) place.begin();
      this.startedAt = clock.monotonic();
      const tracked = telemetry && (this.tracked = track(this, telemetry, this.context));
      events.emit('started', { job: this.ref });
      if (hasSchemas(handler)) {
        return void (tracked
          ? tracked.within(() => this.callBetweenSchemas(handler))
          : this.callBetweenSchemas(handler));
      }
      const returned = (value: unknown): void => this.end?.({ kind: 'returned', value });
      const threw = (thrown: unknown): void => this.end?.({ kind: 'threw', thrown });
      try {
        const job = this.job(this.message as ReceivedMessage);
        const given = tracked
          ? tracked.within(() => handler.handle(job.payload, job))
          : handler.handle(job.payload, job);
        Promise.resolve(given).then(returned, threw);
      } catch (thrown) {
        threw(thrown);
      }
    });
  }

  private async settle(outcome: Outcome, durationMs: number): Promise<Outcome | undefined> {
    const goesOn = outcome.kind === 'completed' && outcome.next;
    const waiting = this.middleware.length > 0 || goesOn ? this.abortedAtEnd() : undefined;
    const settling = (): Promise<Outcome | undefined> =>
      settle(this as MiddlewareHost, outcome, durationMs, waiting, this.context);
    // What it goes on as belongs to its trace; for nothing else a context is felt.
    const settledAs = await (goesOn && this.tracked ? this.tracked.within(settling) : settling());
    this.end = undefined;
    return settledAs;
  }

  private async callBetweenSchemas(handler: Handler): Promise<void> {
    const message = this.message as ReceivedMessage;
    const ending = await handledBetweenSchemas(handler, message.payload, (payload) => {
      // Where the run is over meanwhile, the handler is not to be called any more.
      return this.end && this.job({ ...message, payload });
    });
    if (ending) this.end?.(ending);
  }

  private job(message: ReceivedMessage): Job {
    return new HandledJob(message, this.ref, this.delivery.storedAt, this);
  }
}

const NO_MIDDLEWARE: readonly RunMiddleware[] = [];
const NO_PLACES: readonly RatePlace[] = [];
