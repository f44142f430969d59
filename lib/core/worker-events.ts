import type { JobEventMap, JobEventName } from './events.js';
import type { FailureRecord } from './failure-record.js';
import type { PublishedJob } from './published-job.js';

/** The process that an event comes from. */
export interface EventWorker {
  /** Its own, of this process and of no other that ever was; as `workers()` tells it. */
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  /** The instance of `JobsModule`. */
  readonly instance: string;
}

/** An error of another process. Long texts are cut. */
export type ToldError = FailureRecord['error'];

type Told<Field> = Field extends Error ? ToldError : Field;

/** The same in plain data. */
type ToldFields<Event> = { readonly [Key in keyof Event]: Told<Event[Key]> };

/**
 * What events of any process tell: the same as in that process, but errors in plain data, and no results, which leave a
 * process where its callers ask for them only. Texts are cut where they are long.
 */
export interface WorkerEventMap extends Readonly<{
  [Name in Exclude<JobEventName, 'published' | 'completed'>]: ToldFields<JobEventMap[Name]>;
}> {
  readonly published: {
    readonly job: Pick<PublishedJob, 'id' | 'name' | 'queue'>;
  } & Pick<PublishedJob, 'priority' | 'readyAt' | 'expiresAt' | 'duplicate' | 'dropped'>;
  readonly completed: Omit<ToldFields<JobEventMap['completed']>, 'result'>;
}

/**
 * What happened to a job, in whichever process. `event` tells which event it is; as JSON, its times are ISO 8601.
 *
 * Of `progress`, the value is undefined where its JSON is long.
 */
export type WorkerEvent<Name extends JobEventName = JobEventName> = {
  [Each in Name]: {
    readonly event: Each;
    /** When, by the clock of that process. */
    readonly happenedAt: Date;
    readonly worker: EventWorker;
  } & WorkerEventMap[Each];
}[Name];
