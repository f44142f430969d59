import { hostname } from 'node:os';
import type { Backend } from '../core/backend.js';
import { checkedObject } from '../core/checked-object.js';
import { durationMs, type Duration } from '../core/duration.js';
import type { EventStreamOptions, JobEventStream } from '../core/event-stream.js';
import type { JobEventName } from '../core/events.js';
import { pauseQueue, resumeQueue } from '../core/fleet-orders.js';
import { knownWorkers } from '../core/fleet-workers.js';
import type { JobState } from '../core/inspector.js';
import { checkName } from '../core/names.js';
import { show } from '../core/show.js';
import type { WorkerEvent } from '../core/worker-events.js';
import { allQueues, oneQueue } from './all-queues.js';
import type { BulkOptions, BulkReport } from './bulk-action.js';
import { clearQueue, removeAllJobs, retryAllJobs, type BulkFilter, type RemoveFilter } from './bulk.js';
import { cancelJob } from './cancelling.js';
import { Engine } from './engine.js';
import { FollowedEvents } from './followed-events.js';
import { groupedFailures, type Failures, type FailuresOptions } from './failure-groups.js';
import { checkedOptions, checkState, checkText } from './job-filter.js';
import { listJobs, type JobList, type ListOptions } from './job-list.js';
import type { JobOperations, OperatorAbilities } from './job-operations.js';
import type { JobView, Redact } from './job-view.js';
import { getJobs, removeJob, rescheduleJob, retryJob, startAt, type ActionResult } from './one-job.js';
import { WorkerNotFoundError } from './operating-errors.js';
import type { QueueView } from './queue-view.js';
import { workerTrace, workerView, type WorkerTrace, type WorkerView } from './worker-view.js';

export interface OperatorOptions {
  /** How long the engine may take to answer. Default `'5s'`. */
  readonly deadline?: Duration | undefined;
  /** What is shown in the place of payloads, and searched in. Default: the payloads. */
  readonly redact?: Redact | undefined;
  /** Hears of what `follow` drops. Default: nobody. */
  readonly warn?: ((message: string) => void) | undefined;
}

const DEFAULT_DEADLINE = '5s';

/** Operates the jobs of one engine. */
export class JobsOperator implements JobOperations {
  private readonly engine: Engine;
  private readonly redact: Redact | undefined;
  private readonly followed: FollowedEvents;

  /** @throws TypeError where an option is wrong */
  constructor(
    private readonly backend: Backend,
    options: OperatorOptions = {},
  ) {
    const OPTIONS: readonly (keyof OperatorOptions)[] = ['deadline', 'redact', 'warn'];
    const { deadline, redact, warn } = checkedObject(options, OPTIONS, 'operator') as OperatorOptions;
    const deadlineMs = durationMs(deadline ?? DEFAULT_DEADLINE, 'operator: deadline');
    if (deadlineMs === 0) throw new TypeError('operator: deadline: expected more than 0, got 0');
    if (redact !== undefined && typeof redact !== 'function') {
      throw new TypeError(`operator: redact: expected a function, got ${show(redact)}`);
    }
    if (warn !== undefined && typeof warn !== 'function') {
      throw new TypeError(`operator: warn: expected a function, got ${show(warn)}`);
    }
    this.engine = new Engine(backend, deadlineMs);
    this.redact = redact;
    this.followed = new FollowedEvents(this.engine, warn ?? (() => undefined));
  }

  get abilities(): OperatorAbilities {
    return this.backend.inspector?.abilities ?? { cannot: this.engine.lack ?? '' };
  }

  async queues(): Promise<readonly QueueView[]> {
    return allQueues(this.engine);
  }

  async queue(name: string): Promise<QueueView> {
    return oneQueue(this.engine, name);
  }

  async list(options: ListOptions): Promise<JobList> {
    return listJobs(this.engine, options, this.redact);
  }

  async get(id: string, options: { readonly queue?: string } = {}): Promise<readonly JobView[]> {
    return getJobs(this.engine, id, checkedOptions(options, ['queue'], 'get').queue, this.redact);
  }

  async failures(options: FailuresOptions = {}): Promise<Failures> {
    return groupedFailures(this.engine, options, this.redact);
  }

  async retry(queue: string, id: string): Promise<ActionResult> {
    return retryJob(this.engine, queue, id);
  }

  async remove(queue: string, id: string, options: { readonly state?: JobState } = {}): Promise<ActionResult> {
    const { state } = checkedOptions(options, ['state'], 'remove');
    if (state !== undefined) checkState(state, 'remove: state');
    return removeJob(this.engine, queue, id, state);
  }

  async runNow(queue: string, id: string): Promise<ActionResult> {
    return rescheduleJob(this.engine, queue, id, 0);
  }

  async reschedule(queue: string, id: string, at: Date | Duration): Promise<ActionResult> {
    return rescheduleJob(this.engine, queue, id, startAt(at, this.engine.now));
  }

  async retryAll(filter: BulkFilter, options: BulkOptions = {}): Promise<BulkReport> {
    return retryAllJobs(this.engine, filter, options, this.redact);
  }

  async removeAll(filter: RemoveFilter, options: BulkOptions = {}): Promise<BulkReport> {
    return removeAllJobs(this.engine, filter, options, this.redact);
  }

  async clear(
    queue: string,
    { states, ...options }: BulkOptions & { readonly states?: readonly JobState[] } = {},
  ): Promise<BulkReport> {
    return clearQueue(this.engine, queue, states, options);
  }

  async cancel(queue: string, id: string): Promise<ActionResult> {
    return cancelJob(this.engine, queue, id);
  }

  async pause(queue: string): Promise<boolean> {
    checkName('queue name', queue);
    const records = this.engine.recordsFor('pause a queue');
    const by = `${hostname()}:${process.pid}`;
    return this.engine.ask(`pause queue ${show(queue)}`, pauseQueue(records, queue, by, this.engine.now));
  }

  async resume(queue: string): Promise<boolean> {
    checkName('queue name', queue);
    const records = this.engine.recordsFor('resume a queue');
    return this.engine.ask(`resume queue ${show(queue)}`, resumeQueue(records, queue, this.engine.now));
  }

  async workers(): Promise<readonly WorkerView[]> {
    const known = await this.engine.ask('tell who works', knownWorkers(this.engine.recordsFor('tell who works')));
    return known.map((record) => workerView(record, this.engine.now));
  }

  async trace(workerId: string): Promise<WorkerTrace> {
    checkText(workerId, 'worker id');
    const known = await this.engine.ask('trace a worker', knownWorkers(this.engine.recordsFor('trace a worker')));
    const record = known.find(({ id }) => id === workerId);
    if (!record)
      throw new WorkerNotFoundError(
        workerId,
        known.map(({ id }) => id),
      );
    if (record.trace) return workerTrace(record, this.engine.now);
    throw this.engine.refusal(
      `trace worker ${show(workerId)}`,
      'that process does not allow it; it does with operate: { trace: true } in the options of its JobsModule',
    );
  }

  async follow<Name extends JobEventName>(
    names: Name | readonly Name[],
    options: EventStreamOptions = {},
  ): Promise<JobEventStream<WorkerEvent<Name>>> {
    return this.followed.follow(names, options);
  }

  /** Ends what `follow` gave, and leaves the backend open: whoever opened it closes it. */
  close(): Promise<void> {
    return this.followed.close();
  }
}
