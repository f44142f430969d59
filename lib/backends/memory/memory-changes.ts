import type { JobChange, JobState, StoredState } from '../../core/inspector.js';
import { readyFrom, type StoredJob } from './memory-job.js';
import type { MemoryQueue, NewJob } from './memory-queue.js';

/** In which states a job can be changed so. */
const STATES: Readonly<Record<JobChange['kind'], readonly JobState[]>> = {
  retry: ['failed'],
  remove: ['waiting', 'delayed', 'completed', 'failed', 'expired'],
  reschedule: ['waiting', 'delayed'],
};

export function isFor(change: JobChange, state: JobState): boolean {
  return STATES[change.kind].includes(state);
}

/** Changes a job that is off the shelf. */
export function applyChange(queue: MemoryQueue, job: StoredJob, change: JobChange): void {
  const now = queue.clock.now();
  switch (change.kind) {
    case 'retry':
      job.end = undefined;
      job.attemptsUsed = 0;
      return putBack(queue, job, now);
    case 'reschedule':
      return putBack(queue, job, Math.max(change.at, now));
    default:
      if (job.end?.state === 'completed' || job.end?.state === 'expired') queue[job.end.state].remove(job.serial);
      else queue.living.delete(job.content.id);
  }
}

function putBack(queue: MemoryQueue, job: StoredJob, readyAt: number): void {
  job.readyAt = readyAt;
  job.content = readyFrom(job.content, readyAt);
  queue.putOnShelf(job);
}

/** A job as it stood elsewhere, as it is to be stored here. */
export function asItStood(job: StoredState, now: number): NewJob {
  const { state, attempts, reason, failures } = job;
  const said = job.readyAt ?? ('readyAt' in job.content ? job.content.readyAt : undefined) ?? now;
  const readyAt = state === 'delayed' ? said : Math.min(said, now);
  const isOver = state === 'completed' || state === 'failed' || state === 'expired';
  return {
    // Where its delay was cut short, what its message says of it counts no more.
    content:
      'readyAt' in job.content && (job.content.readyAt ?? 0) > readyAt ? readyFrom(job.content, readyAt) : job.content,
    storedAt: job.storedAt ?? now,
    attemptsUsed: attempts,
    readyAt,
    failures,
    end: isOver ? { state, at: job.endedAt ?? now, reason } : undefined,
  };
}
