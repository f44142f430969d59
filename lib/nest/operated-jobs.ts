import type { Duration } from '../core/duration.js';
import type { EventStreamOptions, JobEventStream } from '../core/event-stream.js';
import type { JobEventName } from '../core/events.js';
import type { JobState } from '../core/inspector.js';
import type { WorkerEvent } from '../core/worker-events.js';
import type { BulkOptions, BulkReport } from '../operating/bulk-action.js';
import type { BulkFilter, RemoveFilter } from '../operating/bulk.js';
import type { Failures, FailuresOptions } from '../operating/failure-groups.js';
import type { JobList, ListOptions } from '../operating/job-list.js';
import type { JobOperations, OperatorAbilities } from '../operating/job-operations.js';
import type { JobView } from '../operating/job-view.js';
import type { JobsOperator } from '../operating/jobs-operator.js';
import type { ActionResult } from '../operating/one-job.js';
import type { QueueView } from '../operating/queue-view.js';
import type { WorkerTrace, WorkerView } from '../operating/worker-view.js';
import type { InstanceOperator } from './instance-operator.js';

/** The operator's verbs on the backend of one instance of the module, which is opened when it is asked for. */
export abstract class OperatedJobs implements JobOperations {
  constructor(private readonly own: InstanceOperator) {}

  /** What the engine can do for operators, verb by verb, or why that is nothing. */
  async abilities(): Promise<OperatorAbilities> {
    return (await this.operator()).abilities;
  }

  async queues(): Promise<readonly QueueView[]> {
    return (await this.operator()).queues();
  }

  async queue(name: string): Promise<QueueView> {
    return (await this.operator()).queue(name);
  }

  async list(options: ListOptions): Promise<JobList> {
    return (await this.operator()).list(options);
  }

  async get(id: string, options?: { readonly queue?: string }): Promise<readonly JobView[]> {
    return (await this.operator()).get(id, options);
  }

  async failures(options?: FailuresOptions): Promise<Failures> {
    return (await this.operator()).failures(options);
  }

  async retry(queue: string, id: string): Promise<ActionResult> {
    return (await this.operator()).retry(queue, id);
  }

  async remove(queue: string, id: string, options?: { readonly state?: JobState }): Promise<ActionResult> {
    return (await this.operator()).remove(queue, id, options);
  }

  async runNow(queue: string, id: string): Promise<ActionResult> {
    return (await this.operator()).runNow(queue, id);
  }

  async reschedule(queue: string, id: string, at: Date | Duration): Promise<ActionResult> {
    return (await this.operator()).reschedule(queue, id, at);
  }

  async retryAll(filter: BulkFilter, options?: BulkOptions): Promise<BulkReport> {
    return (await this.operator()).retryAll(filter, options);
  }

  async removeAll(filter: RemoveFilter, options?: BulkOptions): Promise<BulkReport> {
    return (await this.operator()).removeAll(filter, options);
  }

  async clear(queue: string, options?: BulkOptions & { readonly states?: readonly JobState[] }): Promise<BulkReport> {
    return (await this.operator()).clear(queue, options);
  }

  async cancel(queue: string, id: string): Promise<ActionResult> {
    return (await this.operator()).cancel(queue, id);
  }

  async pause(queue: string): Promise<boolean> {
    return (await this.operator()).pause(queue);
  }

  async resume(queue: string): Promise<boolean> {
    return (await this.operator()).resume(queue);
  }

  async workers(): Promise<readonly WorkerView[]> {
    return (await this.operator()).workers();
  }

  async trace(workerId: string): Promise<WorkerTrace> {
    return (await this.operator()).trace(workerId);
  }

  async follow<Name extends JobEventName>(
    names: Name | readonly Name[],
    options?: EventStreamOptions,
  ): Promise<JobEventStream<WorkerEvent<Name>>> {
    return (await this.operator()).follow(names, options);
  }

  private operator(): Promise<JobsOperator> {
    return this.own.open();
  }
}
