import { UNCOUNTED_FIELD, type JobHash } from './stored-job.js';

/**
 * How deliveries become attempts. BullMQ counts the starts of a job, whatever came of them; that is what a crash has to
 * cost. How many of them don't count is kept beside: those given back, and all before a failed job was retried by a tool.
 */
export interface Starts {
  /** How often the job was started, this time included. */
  readonly started: number;
  /** Which attempt this is. */
  readonly attempt: number;
}

/** @param usedElsewhere attempts of a message that came from others */
export function startsOf(hash: JobHash, usedElsewhere: number): Starts {
  const started = Number(hash['ats'] ?? 1);
  const attempt = started - Number(hash[UNCOUNTED_FIELD] ?? -usedElsewhere);
  // A tool that retries a failed job may have set BullMQ's count back; then what we kept is of no use any more.
  return { started, attempt: attempt >= 1 ? attempt : started };
}

/** What to keep, so that the next start is attempt `next`. */
export function uncounted({ started }: Starts, next: number): number {
  return started + 1 - next;
}
