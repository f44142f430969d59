export {
  JobHandler,
  type HandlerMethod,
  type JobHandlerDecorator,
  type JobHandlerDecoratorOptions,
} from './nest/job-handler.decorator.js';
export type { JobHandlerOptions } from './core/handler-options.js';
export {
  OnJobEvent,
  type OnJobEventDecorator,
  type OnJobEventOptions,
  type OnWorkerEventDecorator,
  type OnWorkerEventOptions,
} from './nest/on-job-event.decorator.js';
export { JobSchedule, type JobScheduleOptions } from './nest/job-schedule.decorator.js';
export type { CronScheduleOptions, JobScheduleRef } from './nest/job-schedule.ref.js';
export type { ScheduleOptions } from './core/schedule.js';
export { CurrentJob, Payload, type JobPipe } from './nest/job-parameters.decorator.js';
export { JobsModule } from './nest/jobs.module.js';
export type { JobsModuleAsyncOptions, JobsModuleExtras } from './nest/jobs.module-definition.js';
export type { JobsModuleOptions, JobsOptionsFactory, OperateOptions, QueueOptions } from './nest/jobs.options.js';
export { JobsService, type DrainOptions } from './nest/jobs.service.js';
export {
  getJobEventsToken,
  getJobsToken,
  getPublisherToken,
  InjectJobEvents,
  InjectJobs,
  InjectPublisher,
  type InstanceToken,
} from './nest/jobs.tokens.js';
export { PublisherService } from './nest/publisher.service.js';

export type { Backoff, BackoffOptions } from './core/backoff.js';
export {
  JobExpiredError,
  JobFailedError,
  JobResultClosedError,
  JobResultNotKeptError,
  JobResultTimeoutError,
} from './core/answer-errors.js';
export type { ResultOptions } from './core/answers.js';
export type { ContextCarrier } from './core/context-carrier.js';
export { defineJob, type InputOf, type JobDefinition, type PayloadOf, type ResultOf } from './core/definition.js';
export type { DrainedJobs, RunCounts } from './core/drain.js';
export type { Duration } from './core/duration.js';
export {
  Blocked,
  BlockedError,
  Fatal,
  FatalError,
  JobCancelledError,
  JobLeaseLostError,
  JobShutdownError,
  JobTimeoutError,
  Transient,
  TransientError,
  type ErrorMatcher,
  type ErrorRules,
  type RetryOptions,
} from './core/errors.js';
export type { EventStreamOptions, JobEventStream } from './core/event-stream.js';
export type { EventWorker, ToldError, WorkerEvent, WorkerEventMap } from './core/worker-events.js';
export { JobEvents, type JobEventListener, type JobEventMap, type JobEventName } from './core/events.js';
export { forward, type Forward, type ForwardOptions } from './core/forward.js';
export { httpErrors } from './core/http-errors.js';
export type { Job, JobRef } from './core/job.js';
// As a whole, for only then an application can add to JobTypes.
export type * from './core/job-types.js';
export type { PublishOptions } from './core/publish-options.js';
export type { JobHandle, PublishedJob } from './core/published-job.js';
export { PublishError, QueueFullError } from './core/publish-error.js';
export type { RateOptions } from './core/rate.js';
export type { CallOptions } from './core/call-options.js';
export type { QueueLimits, WhenFull } from './core/queue-limits.js';
export type { UniqueOptions } from './core/unique.js';
export { SchemaError, SchemaFailure, type SchemaIssue } from './core/schema-check.js';

// For those who operate jobs.
export { describeReport, type BulkOptions, type BulkProgress, type BulkReport } from './operating/bulk-action.js';
export type { BulkFilter, RemoveFilter } from './operating/bulk.js';
export type { FailureGroup, Failures, FailuresOptions } from './operating/failure-groups.js';
export type { JobFilter, Moment } from './operating/job-filter.js';
export type { JobList, ListOptions } from './operating/job-list.js';
export type { JobOperations, OperatorAbilities } from './operating/job-operations.js';
export type { JobView, Redact } from './operating/job-view.js';
export { JobsOperator, type OperatorOptions } from './operating/jobs-operator.js';
export type { ActionResult } from './operating/one-job.js';
export {
  BulkActionError,
  JobNotFoundError,
  JobStateError,
  OperatorTimeoutError,
  UnsupportedActionError,
  WorkerNotFoundError,
} from './operating/operating-errors.js';
export type { HourView, QueueView } from './operating/queue-view.js';
export type { BlockedView, RunningView, WorkerTrace, WorkerView } from './operating/worker-view.js';

// For those who write a telemetry.
export type {
  HandlingTelemetry,
  JobHeaders,
  PublishedBatch,
  RunFacts,
  Telemetry,
  WatchedEngine,
} from './core/telemetry.js';

// For those who write a backend.
export type { Backlog, DroppedJob } from './core/backlog.js';
export {
  BackendError,
  type Backend,
  type BackendContext,
  type BackendDescription,
  type BackendTraits,
  type Delivery,
  type Settlement,
  type StoredReceipt,
} from './core/backend.js';
export type { BackoffPlan } from './core/backoff.js';
export type { Clock } from './core/clock.js';
export type {
  Ability,
  ChangeResult,
  InspectedJob,
  Inspector,
  InspectorAbilities,
  JobChange,
  JobPage,
  JobPlace,
  JobState,
  PageRequest,
  StateCounts,
  StoredState,
  StoreResult,
} from './core/inspector.js';
export type { Letters } from './core/letters.js';
export type { Records, StoredRecord } from './core/records.js';
export type { ElsewhereRecords, OpenRecords, RecordsElsewhere } from './core/records-elsewhere.js';
export type { FailureRecord } from './core/failure-record.js';
export { encodeMessage, receive, type Message, type ReceivedMessage, type Unreadable } from './core/message.js';
export { decodeMessage } from './core/message-decoding.js';
