import { admit, readContent } from './admit.js';
import type { Delivery } from './backend.js';
import type { ConsumerContext, HandlerSlot } from './consumer-context.js';
import { EndableRun, SHUT_DOWN } from './endable-run.js';
import { JobTimeoutError } from './errors.js';
import { handledBetweenSchemas, hasSchemas } from './handling.js';
import type { Handler } from './handlers.js';
import type { Job, JobRef } from './job.js';
import { isUnreadable, type ReceivedMessage } from './message.js';
import type { Ending } from './outcome.js';
import type { RunMiddleware } from './run-middleware.js';
import { takePlaces } from './run-pacing.js';
import type { RunPlan } from './run-plan.js';
import { start, type MiddlewareHost } from './run-starting.js';
import { track } from './run-tracking.js';
import type { RatePlace } from './shared-rate.js';
import type { HandlingTelemetry } from './telemetry.js';

/** A run as far as its handler: from the question whether it is to be called, through the waits before it, to how it ended. */
export abstract class HandledRun extends EndableRun {
  readonly message: ReceivedMessage | undefined;
  private readonly unreadable: string | undefined;
  protected readonly slot: HandlerSlot | undefined;
  readonly ref: JobRef;
  /** What it takes with it; most jobs have none. */
  readonly middleware: readonly RunMiddleware[];
  /** What is told of its handling, where somebody traces it. */
  protected tracked: HandlingTelemetry | undefined;
  /** Of rates, until its handler is called. */
  private ratePlaces = NO_PLACES;

  constructor(
    readonly delivery: Delivery,
    protected readonly plan: RunPlan,
    protected readonly context: ConsumerContext,
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

  /** Why the handler is not to be called. */
  protected refusal(): Ending | undefined {
    this.leaseLost ||= this.context.leases.lapsed(this);
    if (this.dismissal ?? this.leaseLost) return this.dismissal ?? SHUT_DOWN;
    if (!this.message) return { kind: 'unreadable', reason: this.unreadable ?? 'it is no message' };
    const { maxAgeMs } = this.plan;
    return admit(this.message, this.delivery, this.slot && this.ref, this.context.clock.now(), maxAgeMs);
  }

  /** Without a promise of its own where there is a place at once: each is felt. */
  protected handle(): Promise<Ending> {
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
    const { places, ending } = await takePlaces(this, rates, this.abortedAtEnd().signal, this.context);
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
    return this.middleware.some((each) => 'starting' in each) ? this.startAndCall(slot) : this.call(slot);
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

  private async callBetweenSchemas(handler: Handler): Promise<void> {
    const message = this.message as ReceivedMessage;
    const ending = await handledBetweenSchemas(handler, message.payload, (payload) => {
      // Where the run is over meanwhile, the handler is not to be called any more.
      return this.end && this.job({ ...message, payload });
    });
    if (ending) this.end?.(ending);
  }

  /** What its handler is given. */
  protected abstract job(message: ReceivedMessage): Job;
}

const NO_MIDDLEWARE: readonly RunMiddleware[] = [];
const NO_PLACES: readonly RatePlace[] = [];
