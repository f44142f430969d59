import { JobCancelledError, JobLeaseLostError, JobShutdownError } from './errors.js';
import { LazyAbort } from './lazy-abort.js';
import type { Ending } from './outcome.js';

export const SHUT_DOWN: Ending = { kind: 'shutDown' };
const PAUSED: Ending = { kind: 'paused' };

/**
 * A run as far as it is ended by others than its handler: the application closes, its queue is paused, an operator cancels
 * it, or its lease is lost. Whatever step is waited for then ends.
 */
export abstract class EndableRun {
  /** When the handler was called, by the clock's `monotonic()`. */
  startedAt: number | undefined;
  protected leaseLost = false;
  /** Ends the step that is waited for; set while there is one. */
  protected end: ((ending: Ending) => void) | undefined;
  /** What becomes of it without its handler's end: it is given back, or cancelled. */
  protected dismissal: Ending | undefined;
  /** Whether its handler has ended, or is not to be called. */
  protected over = false;
  private controller: AbortController | undefined;
  private abortReason: Error | undefined;

  /** The grace is over, or the job is not to be begun: hands it back. */
  shutDown(): void {
    this.dismissal ??= SHUT_DOWN;
    this.leave(new JobShutdownError(), SHUT_DOWN);
  }

  /** Hands the job back if its handler was not called yet: its queue was paused, or the application closes. */
  giveUpWaiting(why: 'paused' | 'shutDown'): void {
    if (this.startedAt !== undefined) return;
    const ending = why === 'paused' ? PAUSED : SHUT_DOWN;
    this.dismissal ??= ending;
    this.leave(new JobShutdownError(), ending);
  }

  /** An operator ends it, whatever its handler does; false where it is over. */
  cancel(): boolean {
    const handlerEnded = this.startedAt !== undefined && !this.end;
    if (this.over || this.leaseLost || this.dismissal || handlerEnded) return false;
    const error = new JobCancelledError();
    this.dismissal = { kind: 'cancelled', error };
    this.leave(error, this.dismissal);
    return true;
  }

  loseLease(): void {
    this.leaseLost = true;
    this.leave(new JobLeaseLostError(), SHUT_DOWN);
  }

  /** Ends the step that is waited for. After the last, nobody is to hear of it any more. */
  private leave(reason: Error, ending: Ending): void {
    if (!this.end) return;
    this.end(ending);
    this.abort(reason);
  }

  signal(): AbortSignal {
    this.controller ??= new AbortController();
    if (this.abortReason) this.controller.abort(this.abortReason);
    return this.controller.signal;
  }

  /** Aborts when the step that is waited for is to end. */
  protected abortedAtEnd(): LazyAbort {
    const waiting = new LazyAbort();
    // What was cancelled has an answer to store.
    if (this.dismissal === SHUT_DOWN || this.leaseLost) waiting.abort();
    this.end = () => waiting.abort();
    return waiting;
  }

  protected abort(reason: Error): void {
    this.abortReason ??= reason;
    this.controller?.abort(this.abortReason);
  }
}
