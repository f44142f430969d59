import type { JobEventName } from '../core/events.js';
import type { WorkerEvent } from '../core/worker-events.js';
import { cutTo, lengthText, oneLine } from './plain-text.js';
import type { Style, Terminal } from './terminal.js';

const LONGEST_EVENT = 10;
const LONGEST_DETAIL = 200;

const STYLES: Readonly<Partial<Record<JobEventName, Style>>> = {
  completed: 'green',
  retried: 'yellow',
  expired: 'yellow',
  dropped: 'yellow',
  leaseLost: 'yellow',
  failed: 'red',
};

/** An event on one line: when, what, which job, where, and what else there is to say. */
export function eventLine(event: WorkerEvent, terminal: Terminal): string {
  const { happenedAt, job, worker } = event;
  const kind = event.event.padEnd(LONGEST_EVENT);
  const style = STYLES[event.event];
  const place = `${cutTo(job.name ?? '(unreadable)', 100)} ${cutTo(job.id, 60)} ${job.queue} ${worker.host}:${worker.pid}`;
  const told = [place, ...detailsOf(event)].map((text) => oneLine(cutTo(text, LONGEST_DETAIL * 2)));
  return `${happenedAt.toISOString()} ${style ? terminal.style(style, kind) : kind} ${told.join('  ')}`;
}

function detailsOf(event: WorkerEvent): string[] {
  switch (event.event) {
    case 'published':
      return [event.duplicate ? 'duplicate' : '', event.readyAt ? `due ${event.readyAt.toISOString()}` : ''].filter(
        Boolean,
      );
    case 'started':
      return [`attempt ${event.job.attempt} of ${event.job.maxAttempts}`];
    case 'progress':
      return [cutTo(JSON.stringify(event.value) ?? '(long)', LONGEST_DETAIL)];
    case 'log':
      return [cutTo(event.line, LONGEST_DETAIL)];
    case 'completed':
      return [lengthText(event.durationMs)];
    case 'retried':
    case 'blocked':
      return [lengthText(event.durationMs), `again ${event.at.toISOString()}`, errorText(event.error)];
    case 'handedBack':
      return [event.reason, `again ${event.at.toISOString()}`];
    case 'failed':
      return [lengthText(event.durationMs), cutTo(event.reason, LONGEST_DETAIL), errorText(event.error)];
    case 'expired':
      return [cutTo(event.reason, LONGEST_DETAIL), ...(event.error ? [errorText(event.error)] : [])];
    case 'dropped':
      return [event.reason];
    case 'leaseLost':
      return [];
  }
}

function errorText({ name, message }: { readonly name: string; readonly message: string }): string {
  return cutTo(`${name}: ${message}`, LONGEST_DETAIL);
}
