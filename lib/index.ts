export { JobHandler, type JobHandlerDecorator } from './nest/job-handler.decorator.js';
export type { JobHandlerDecoratorOptions, JobHandlerOptions } from './nest/job-handler.options.js';
export { JobsModule } from './nest/jobs.module.js';
export type { JobsModuleAsyncOptions, JobsModuleExtras } from './nest/jobs.module-definition.js';
export type { JobsModuleOptions, JobsOptionsFactory, QueueOptions } from './nest/jobs.options.js';
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
export type { DrainedJobs, RunCounts } from './core/drain.js';
export type { Duration } from './core/duration.js';
export {
  Blocked,
  BlockedError,
  Fatal,
  FatalError,
  JobLeaseLostError,
  JobShutdownError,
  JobTimeoutError,
  Transient,
  TransientError,
  type ErrorMatcher,
  type ErrorRules,
  type RetryOptions,
} from './core/errors.js';
export {
  JobEvents,
  type JobEventListener,
  type JobEventMap,
  type JobEventName,
  type PublishedJob,
} from './core/events.js';
export type { Job, JobRef } from './core/job.js';
export type { PublishOptions } from './core/publish-options.js';
export type { JobOrName } from './core/names.js';
export { PublishError, type PublishRequest } from './core/publisher.js';

// For those who write a backend.
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
export type { FailureRecord } from './core/failure-record.js';
export {
  decodeMessage,
  encodeMessage,
  receive,
  type Message,
  type ReceivedMessage,
  type Unreadable,
} from './core/message.js';
