import type { JobState } from '../core/inspector.js';
import { show } from '../core/show.js';

/** What was asked for is beyond the engine; the message says why. */
export class UnsupportedActionError extends Error {
  override readonly name = 'UnsupportedActionError';

  constructor(
    /** The engine's name: `'beanstalkd'`. */
    readonly engine: string,
    /** What was asked for: `'list delayed jobs'`. */
    readonly action: string,
    /** Why it can't be, as a sentence. */
    readonly why: string,
  ) {
    super(`${engine} can't ${action}: ${why}`);
  }
}

/** No job of this id is in the queue, as far as the engine remembers. */
export class JobNotFoundError extends Error {
  override readonly name = 'JobNotFoundError';

  constructor(
    readonly queue: string,
    readonly id: string,
    /** What else may be, as far as the engine can't tell. */
    unless = '',
  ) {
    super(
      `there is no job with id ${show(id)} in queue ${show(queue)}: it has completed, was removed, or never was there${unless}`,
    );
  }
}

/** The job stands where this can't be done; the message says what can. */
export class JobStateError extends Error {
  override readonly name = 'JobStateError';

  constructor(
    readonly queue: string,
    readonly id: string,
    readonly state: JobState,
    advice: string,
  ) {
    super(`job ${show(id)} of queue ${show(queue)} is ${state}: ${advice}`);
  }
}

/** There was no answer in time. What was asked for may be done all the same. */
export class OperatorTimeoutError extends Error {
  override readonly name = 'OperatorTimeoutError';

  constructor(
    readonly engine: string,
    readonly action: string,
    readonly deadlineMs: number,
  ) {
    super(`no answer of ${engine} within ${deadlineMs} ms, when asked to ${action}`);
  }
}

/** A bulk action ended before its end. It is safe to repeat: what is done is left alone. */
export class BulkActionError extends Error {
  override readonly name = 'BulkActionError';

  constructor(
    action: string,
    /** What was done until then. */
    readonly report: { readonly total: number; readonly done: number; readonly changed: number },
    cause: unknown,
  ) {
    const why = cause instanceof Error ? cause.message : show(cause);
    super(`${action} ended after ${report.done} jobs: ${why}. It is safe to repeat.`, { cause });
  }
}

/** No process of this id is known: it has ended, or died some minutes ago. */
export class WorkerNotFoundError extends Error {
  override readonly name = 'WorkerNotFoundError';

  constructor(
    readonly workerId: string,
    known: readonly string[],
  ) {
    super(`there is no worker ${show(workerId)}; there are ${known.join(', ') || 'none'}`);
  }
}
