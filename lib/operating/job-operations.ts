import type { Duration } from '../core/duration.js';
import type { EventStreamOptions, JobEventStream } from '../core/event-stream.js';
import type { JobEventName } from '../core/events.js';
import type { InspectorAbilities, JobState } from '../core/inspector.js';
import type { WorkerEvent } from '../core/worker-events.js';
import type { BulkOptions, BulkReport } from './bulk-action.js';
import type { BulkFilter, RemoveFilter } from './bulk.js';
import type { Failures, FailuresOptions } from './failure-groups.js';
import type { JobList, ListOptions } from './job-list.js';
import type { JobView } from './job-view.js';
import type { ActionResult } from './one-job.js';
import type { QueueView } from './queue-view.js';
import type { WorkerTrace, WorkerView } from './worker-view.js';

/** What an engine can do for operators, or why that is nothing. */
export type OperatorAbilities = InspectorAbilities | { readonly cannot: string };

/**
 * What operators see of an engine's jobs and do with them, the same for all engines. What an engine can't do rejects with an
 * `UnsupportedActionError` that says why; each call, and each step of a bulk action, has a deadline (5 s by default),
 * after which it rejects with an `OperatorTimeoutError`. Bad input is a `TypeError`.
 */
export interface JobOperations {
  /**
   * All queues that are known, sorted by their names. One whose engine doesn't answer in time says why in `error`; the
   * others are shown all the same.
   */
  queues(): Promise<readonly QueueView[]>;

  queue(name: string): Promise<QueueView>;

  /**
   * The jobs of a queue in a state, 50 at a time: waiting ones as they will be served, delayed ones as they fall due, the
   * others the latest first, as far as the engine can. A call looks at 10,000 jobs at most; where it gives a cursor, there may
   * be more, though it found none.
   */
  list(options: ListOptions): Promise<JobList>;

  /** The jobs of an id, in whatever state and in any queue unless one is named: none, one, or several. A living one comes first. */
  get(id: string, options?: { readonly queue?: string }): Promise<readonly JobView[]>;

  /**
   * What has failed, grouped by the job's name, the error's name and its message without what differs from job to job. Looks
   * at 3,000 jobs at most by default, within the deadline; `complete` says whether that was all.
   */
  failures(options?: FailuresOptions): Promise<Failures>;

  /**
   * A failed job waits again, with fresh attempts. `'changed'`: it has been retried already, and nothing was done.
   *
   * @throws JobNotFoundError, JobStateError
   */
  retry(queue: string, id: string): Promise<ActionResult>;

  /**
   * A job is gone, and its id free; not one that is being handled.
   *
   * @param options of which state, where there are several jobs of the id
   * @throws JobNotFoundError, JobStateError
   */
  remove(queue: string, id: string, options?: { readonly state?: JobState }): Promise<ActionResult>;

  /**
   * A delayed job may be handled at once. `'changed'`: it is being handled already.
   *
   * @throws JobNotFoundError, JobStateError
   */
  runNow(queue: string, id: string): Promise<ActionResult>;

  /**
   * A waiting or delayed job may be handled from that moment on, or in so long from now. `'changed'`: it is being handled.
   *
   * @throws JobNotFoundError, JobStateError
   */
  reschedule(queue: string, id: string, at: Date | Duration): Promise<ActionResult>;

  /**
   * Retries all failed jobs that the filter means, in batches; those that fail meanwhile are left. Safe to repeat.
   *
   * @throws BulkActionError that tells what was done until then
   */
  retryAll(filter: BulkFilter, options?: BulkOptions): Promise<BulkReport>;

  /** Removes all jobs that the filter means, failed ones unless it says otherwise; likewise. */
  removeAll(filter: RemoveFilter, options?: BulkOptions): Promise<BulkReport>;

  /**
   * Removes all jobs of a queue but those that are being handled and those that come meanwhile.
   *
   * @param options in which states; default: in all in which the engine can remove jobs
   */
  clear(queue: string, options?: BulkOptions & { readonly states?: readonly JobState[] }): Promise<BulkReport>;

  /**
   * Ends a running job, in whichever process it runs: its signal aborts with a `JobCancelledError`, its place is free, and it
   * has failed at once, whatever its handler does; it may be retried. `'changed'`: it had ended.
   *
   * @throws JobNotFoundError, and JobStateError where it is not running: remove it instead
   * @throws OperatorTimeoutError where it runs, but its process doesn't answer
   */
  cancel(queue: string, id: string): Promise<ActionResult>;

  /**
   * No process takes jobs of a queue any more, from the next moment on, until it is resumed; what runs goes on to its end, and what
   * is published waits. Holds for processes that start later, too, and across restarts.
   *
   * @returns whether it was not paused before
   */
  pause(queue: string): Promise<boolean>;

  /** Lets all processes take jobs of a queue again; false where it was not paused. */
  resume(queue: string): Promise<boolean>;

  /** The processes that read queues, the oldest first; also those that have died within the last minutes, as stale. */
  workers(): Promise<readonly WorkerView[]>;

  /**
   * What a process runs, since when, and where its event loop was blocked lately, or is. Refused unless that process allows it, by
   * the option `operate: { trace: true }` of `JobsModule`.
   *
   * @throws UnsupportedActionError where it doesn't
   * @throws WorkerNotFoundError where there is no such process
   */
  trace(workerId: string): Promise<WorkerTrace>;

  /**
   * What happens to jobs from now on, in all processes that `workers()` lists and in those that come later, to be read at
   * one's own pace: `for await (const event of await jobs.follow(['failed', 'expired']))`. Each event comes once, in the
   * order of its process, and about 100 ms after the fact. A process tells 200 events ten times a second at most; what it
   * can't tell, and what nobody reads in time, is dropped and counted by `dropped`, and the log says so.
   *
   * Resolves once all processes that are known and alive have heard of it: from then on nothing is missed. One that was killed
   * just now, or hangs, is waited for as long as half of the deadline.
   *
   * Ends when `signal` aborts, when the loop is left, and when the application or the operator closes.
   */
  follow<Name extends JobEventName>(
    names: Name | readonly Name[],
    options?: EventStreamOptions,
  ): Promise<JobEventStream<WorkerEvent<Name>>>;
}
