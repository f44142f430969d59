import { Logger } from '@nestjs/common';
import { toError } from '../core/errors.js';
import type { JobEvents } from '../core/events.js';
import { describeError } from '../core/failure-record.js';
import type { Handler } from '../core/handlers.js';
import { logJobs } from '../core/job-log.js';
import type { QueuePlan } from '../core/queue-loop.js';
import type { Reporter } from '../core/reporter.js';
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

/** Logs what operators should know of the jobs of an instance. */
export function logJobsOf(events: JobEvents, instance: string): void {
  logJobs(events, logger, placeOf(instance));
}
