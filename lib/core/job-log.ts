import { DropReport } from './drop-report.js';
import type { JobEvents } from './events.js';
import { describeError } from './failure-record.js';
import type { JobRef } from './job.js';
import type { Reporter } from './reporter.js';
import { show } from './show.js';

/**
 * Logs failed jobs at error, retries, expiries, drops and lost leases at warn, and nothing of jobs that go well.
 *
 * @param place where the jobs are, behind their queues' names; default: nothing
 */
export function logJobs(events: JobEvents, logger: Reporter, place = ''): void {
  const named = (job: JobRef): string => describe(job, place);
  events.on('failed', ({ job, error, reason }) => {
    const { name, message, stack } = describeError(error);
    logger.error(
      `${named(job)} failed: ${message && reason.endsWith(message) ? reason : `${reason}: ${name}: ${message}`}`,
      stack,
    );
  });
  events.on('retried', ({ job, error, at }) => {
    logger.warn(`${named(job)} failed, and is tried again at ${at.toISOString()}: ${shortly(error)}`);
  });
  events.on('expired', ({ job, error, reason }) => {
    logger.warn(`${named(job)} expired: ${reason}${error ? `; its last error: ${shortly(error)}` : ''}`);
  });
  const drops = new DropReport(logger, place);
  events.on('dropped', (event) => drops.count(event));
  events.on('leaseLost', ({ job }) => {
    logger.warn(`${named(job)} lost its lease: another worker may run it, and what became of this run is ignored`);
  });
}

function describe({ name, id, queue, attempt, maxAttempts }: JobRef, place: string): string {
  const job = name === undefined ? 'A job' : `Job ${show(name)}`;
  return `${job} with id ${show(id)} of queue ${show(queue)}${place}, attempt ${attempt} of ${maxAttempts},`;
}

/** Errors are of the user's making: reading one may throw, which `describeError` bears. */
function shortly(error: Error): string {
  const { name, message } = describeError(error);
  return `${name}: ${message}`;
}
