import type { DefinedJob } from './definition-mark.js';
import { isDefinition, jobNameOf, type JobDefinition } from './definition.js';
import type { JobName, NamedPayload, PublishArguments } from './job-types.js';
import type { PublishOptions } from './publish-options.js';

/** How a job goes on as another: as it would be published, but under its own id. */
export type ForwardOptions = Omit<PublishOptions, 'id' | 'unique'>;

/** What a handler returns so that its job goes on as another; made by {@link forward}. */
export interface Forward {
  readonly job: string | JobDefinition;
  readonly payload: unknown;
  readonly options: ForwardOptions;
}

/** Registered, so that two copies of this package in one process know each other's. */
const FORWARD: unique symbol = Symbol.for('nestjs-jobs:forward') as never;

/**
 * Returned by a handler: its job goes on as this one, under the same id. The next job is stored before this one is settled,
 * so that it is never lost; if the process dies in between, this one is handled again, and the next is there twice at
 * most. Its expiration and its headers go along, and its priority where neither the options nor the next job has one.
 *
 * @param job the next job's definition, or its name
 * @param rest the payload, and options as of `publish`; there is neither `id` nor `unique` among them
 * @throws TypeError where `job` is neither a name nor a definition
 */
export function forward<In>(job: JobDefinition<string, In>, ...rest: PublishArguments<In, ForwardOptions>): Forward;
export function forward<Name extends JobName>(
  job: Name,
  ...rest: PublishArguments<NamedPayload<Name>, ForwardOptions>
): Forward;
export function forward(job: string | JobDefinition, payload?: unknown, options: ForwardOptions = {}): Forward {
  jobNameOf(job);
  return forwardOf(job, payload, options);
}

export function forwardOf(job: string | DefinedJob, payload: unknown, options: ForwardOptions): Forward {
  const made = { job: job as string | JobDefinition, payload, options };
  Object.defineProperty(made, FORWARD, { value: true });
  return Object.freeze(made);
}

export function isForward(value: unknown): value is Forward {
  try {
    return typeof value === 'object' && value !== null && FORWARD in value;
  } catch {
    // A proxy may throw at whatever it is asked.
    return false;
  }
}

/** The name of the job that is forwarded to. */
export function nextName({ job }: Forward): string {
  return isDefinition(job) ? job.name : job;
}
