import { Blocked } from './errors.js';
import type { FailureRecord } from './failure-record.js';
import { show } from './show.js';

/** Which job an answer is waited for. */
export interface AskedJob {
  readonly id: string;
  readonly name: string;
  readonly queue: string;
}

/** Why there is no result of a job. */
abstract class JobAnswerError extends Error {
  readonly jobId: string;
  readonly jobName: string;
  readonly queue: string;

  constructor(job: AskedJob, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.jobId = job.id;
    this.jobName = job.name;
    this.queue = job.queue;
  }
}

function called({ id, name, queue }: AskedJob): string {
  return `job ${show(name)} with id ${show(id)} of queue ${show(queue)}`;
}

/** The job whose result was asked for has failed. Its message is that of the error in its handler. */
export class JobFailedError extends JobAnswerError {
  override readonly name = 'JobFailedError';
  /** The name of the error in the handler. */
  readonly remoteName: string;
  /** Its stack, and those of its causes. */
  readonly remoteStack: string | undefined;
  /** Why the job was given up. */
  readonly reason: string;
  /** How many attempts it had. */
  readonly attempts: number;

  constructor(job: AskedJob, reason: string, error: FailureRecord['error'], attempts: number) {
    super(job, error.message);
    this.remoteName = error.name;
    this.remoteStack = error.stack;
    this.reason = reason;
    this.attempts = attempts;
  }
}

/** The job whose result was asked for has expired, so that it is not handled any more. */
export class JobExpiredError extends JobAnswerError {
  override readonly name = 'JobExpiredError';

  constructor(
    job: AskedJob,
    readonly reason: string,
    /** How many attempts it had. */
    readonly attempts: number,
  ) {
    super(job, `${called(job)} has expired: ${reason}`);
  }
}

/** There was no answer within the timeout. The job may still run, and its result may be asked for again. */
export class JobResultTimeoutError extends JobAnswerError {
  override readonly name = 'JobResultTimeoutError';

  /** @param cause why the engine could not be asked when it was last tried */
  constructor(
    job: AskedJob,
    readonly timeoutMs: number,
    cause?: unknown,
  ) {
    const hint = 'it may still run, or its answer is not kept any more';
    super(job, `no result of ${called(job)} within ${timeoutMs} ms: ${hint}`, cause);
  }
}

/** Nobody keeps the result of this job. */
export class JobResultNotKeptError extends JobAnswerError {
  override readonly name = 'JobResultNotKeptError';

  /** @param why it is not; default: it was published without */
  constructor(job: AskedJob, why?: string) {
    const hint = "it was published without keepResult; publish it with { keepResult: '10m' }, or by call()";
    super(job, `the result of ${called(job)} is not kept: ${why ?? hint}`);
  }
}

/**
 * The application closes, so that it waits for no result any more. A handler that passes this error on gets its job
 * handed back, and no attempt is counted.
 */
@Blocked({ retryIn: '1s' })
export class JobResultClosedError extends JobAnswerError {
  override readonly name = 'JobResultClosedError';

  constructor(job: AskedJob) {
    super(job, `the result of ${called(job)} is not waited for any more: the application closes`);
  }
}
