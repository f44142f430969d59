import type { Outcome } from '../core/outcome.js';

/** The name of the tracer and of the meter. */
export const SCOPE = 'nestjs-jobs';

/** Of OpenTelemetry's conventions for messaging. */
export const SYSTEM = 'messaging.system';
export const DESTINATION = 'messaging.destination.name';
export const OPERATION_NAME = 'messaging.operation.name';
export const OPERATION_TYPE = 'messaging.operation.type';
export const MESSAGE_ID = 'messaging.message.id';
export const BATCH_COUNT = 'messaging.batch.message_count';
export const ERROR_TYPE = 'error.type';

/** What those have no name for. */
export const JOB_NAME = 'nestjs_jobs.job.name';
export const ATTEMPT = 'nestjs_jobs.job.attempt';
export const OUTCOME = 'nestjs_jobs.outcome';
export const STATE = 'nestjs_jobs.state';

/** Stands for all names that are none of this application: of jobs that others write, there may be any number. */
export const OTHER = '_OTHER';

/** The words for how a run came to its end; without an outcome, its lease was lost. */
export function outcomeWord(outcome: Outcome | undefined): string {
  return outcome ? WORDS[outcome.kind] : 'lease_lost';
}

const WORDS: Readonly<Record<Outcome['kind'], string>> = {
  completed: 'completed',
  retried: 'retried',
  blocked: 'blocked',
  handedBack: 'handed_back',
  failed: 'failed',
  expired: 'expired',
  dropped: 'dropped',
};

/** The error that an outcome tells of. */
export function errorOf(outcome: Outcome | undefined): Error | undefined {
  return outcome && 'error' in outcome ? outcome.error : undefined;
}
