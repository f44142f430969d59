import { Logger } from '@nestjs/common';
import { DropReport } from '../core/drop-report.js';
import { toError } from '../core/errors.js';
import type { JobEvents } from '../core/events.js';
import { describeError } from '../core/failure-record.js';
import type { Handler } from '../core/handlers.js';
import type { JobRef } from '../core/job.js';
import type { QueuePlan } from '../core/queue-loop.js';
import type { Reporter } from '../core/reporter.js';
import { show } from '../core/show.js';
import type { JobsSettings } from './jobs.settings.js';
import { placeOf } from './own-tokens.js';
import { queueOf } from './queue-plans.js';

/** Where all lines of this package go: Nest's logger, whichever the application has set. */
export const logger: Reporter = new Logger('Jobs');

/** Logs what went wrong, and the stack of what was thrown. */
export function logError(what: string, thrown: unknown): void {
  const { message, stack } = describeError(toError(thrown));
  logger.error(`${what}: ${message}`, stack);
}

/** Logs which queue each handler's jobs are published to, and whether this process reads it. */
export function logHandlers(
  handlers: readonly Handler[],
  plans: readonly QueuePlan[],
  settings: JobsSettings,
  instance: string,
): void {
  const read = new Set(plans.map((plan) => plan.name));
  const place = placeOf(instance);
  for (const handler of handlers) {
    const queue = queueOf(handler, settings);
    const elsewhere = read.has(queue) ? '' : ', which this process does not read';
    logger.log(`Mapped {${handler.name}} to ${handler.origin}, queue "${queue}"${place}${elsewhere}`);
  }
}

/** Logs failed jobs at error, retries, expiries, drops and lost leases at warn, and nothing of jobs that go well. */
export function logJobs(events: JobEvents, instance: string): void {
  const place = placeOf(instance);
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
