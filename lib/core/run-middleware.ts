import type { Delivery } from './backend.js';
import type { Handler } from './handlers.js';
import type { JobRef } from './job.js';
import type { ReceivedMessage } from './message.js';
import type { Ending, Outcome } from './outcome.js';

/** A delivery as middleware sees it. */
export interface MiddlewareRun {
  readonly ref: JobRef;
  readonly message: ReceivedMessage;
  readonly delivery: Delivery;
  /** What the handler has said of itself; undefined: nothing. */
  readonly notes?: { flush(): Promise<void> } | undefined;
}

/**
 * What some jobs take with them beside their message: an answer to a caller, a next job, a key of their own. It stands
 * around the handler: `starting` before it is called, `settling` before the engine hears what became of the job. Both are tried
 * again, while the lease lasts, when they reject, and have to bear that.
 */
export interface RunMiddleware {
  /** Whether it has to do with a job. Asked once for each delivery, so that other jobs pay no more. */
  concerns(message: ReceivedMessage, handler: Handler | undefined): boolean;

  /** An ending: the handler is not called, and that becomes of the job. */
  starting?(run: MiddlewareRun): Promise<Ending | undefined>;

  /** Gives the outcome that the engine is told. */
  settling?(run: MiddlewareRun, outcome: Outcome): Promise<Outcome>;
}
