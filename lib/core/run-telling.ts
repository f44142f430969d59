import type { ConsumerContext } from './consumer-context.js';
import type { PublishedJob } from './published-job.js';
import type { JobRef } from './job.js';
import type { Outcome } from './outcome.js';

/** Tells the listeners what became of a run; there is no outcome where its lease was lost. */
export function tell(
  job: JobRef,
  outcome: Outcome | undefined,
  durationMs: number,
  { events, publisher, reporter, sayUnknown }: ConsumerContext,
): void {
  switch (outcome?.kind) {
    case undefined:
      return events.emit('leaseLost', { job });
    case 'completed':
      if (outcome.replacement) publisher?.tellStored(outcome.replacement);
      if (outcome.forwarded?.duplicate) reporter.warn(dropped(job, outcome.forwarded));
      return events.emit('completed', { job, result: outcome.result, durationMs });
    case 'retried':
      if (outcome.warning) reporter.warn(outcome.warning);
      return events.emit('retried', { job, error: outcome.error, at: new Date(outcome.at), durationMs });
    case 'blocked':
      return events.emit('blocked', { job, error: outcome.error, at: new Date(outcome.at), durationMs });
    case 'handedBack':
      if (outcome.reason === 'unknown') sayUnknown(job);
      return events.emit('handedBack', { job, at: new Date(outcome.at), reason: outcome.reason });
    case 'failed':
      return events.emit('failed', { job, error: outcome.error, reason: outcome.reason, durationMs });
    case 'dropped':
      return events.emit('dropped', { job, reason: outcome.reason });
    case 'expired':
      return events.emit('expired', { job, error: outcome.error, reason: outcome.reason });
  }
}

function dropped({ id, name }: JobRef, next: PublishedJob): string {
  return (
    `job "${name}" ${id} went on as job "${next.name}" in queue "${next.queue}", where one of its id was already: ` +
    'that one stays as it is'
  );
}
