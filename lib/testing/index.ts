export type { FakeAnswer } from './fake-answers.js';
export { jobMatchers, type JobMatchers, type PayloadLike } from './job-matchers.js';
export { JobsTesting, type OfInstance, type RunOptions } from './jobs-testing.js';
export { JobsTestingModule } from './jobs-testing.module.js';
export type { JobsTestingMode, JobsTestingOptions } from './jobs-testing.options.js';
export type { JobOutcome } from './job-outcome.js';
export type { TestedJob, TestedOptions } from './tested-job.js';
