import { toError } from './errors.js';
import { describeError } from './failure-record.js';
import { HandledJob, type RunningJob } from './handled-job.js';
import { HandledRun } from './handled-run.js';
import type { Job } from './job.js';
import type { Leased } from './lease-keeper.js';
import type { ReceivedMessage } from './message.js';
import { conclude, type Ending, type Outcome } from './outcome.js';
import { caseOf } from './run-case.js';
import { RunNotes } from './run-notes.js';
import { settle } from './run-settling.js';
import type { MiddlewareHost } from './run-starting.js';
import { tell } from './run-telling.js';
import { tellTelemetry } from './run-tracking.js';

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
export class JobRun extends HandledRun implements Leased, RunningJob {
  /** What its handler has said of itself. */
  notes: RunNotes | undefined;

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

  /** Without a promise of its own where nothing goes along: each is felt. */
  private settle(outcome: Outcome, durationMs: number): Promise<Outcome | undefined> {
    const goesOn = outcome.kind === 'completed' && outcome.next !== undefined;
    return goesOn || this.middleware.length > 0
      ? this.settleAccompanied(outcome, durationMs, goesOn)
      : settle(this as MiddlewareHost, outcome, durationMs, undefined, this.context);
  }

  private async settleAccompanied(outcome: Outcome, durationMs: number, goesOn: boolean): Promise<Outcome | undefined> {
    const waiting = this.abortedAtEnd();
    const settling = (): Promise<Outcome | undefined> =>
      settle(this as MiddlewareHost, outcome, durationMs, waiting, this.context);
    // What it goes on as belongs to its trace; for nothing else a context is felt.
    const settledAs = await (goesOn && this.tracked ? this.tracked.within(settling) : settling());
    this.end = undefined;
    return settledAs;
  }

  protected override job(message: ReceivedMessage): Job {
    return new HandledJob(message, this.ref, this.delivery.storedAt, this);
  }
}
