import type { QueuePace } from './queue-pace.js';

/** What holds for the runs of one queue. */
export interface RunRules {
  /** The job's name for what is no message. */
  readonly rawJob: string | undefined;
  /** How long a job may have waited since it could have started first; longer, it is expired. */
  readonly maxAgeMs?: number | undefined;
}

/** The same, with what its runs share. */
export interface RunPlan extends RunRules {
  /** How often the handlers of its jobs may be called. */
  readonly pace: QueuePace | undefined;
}
