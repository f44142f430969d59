import { JOB_STATES } from '../core/inspector.js';
import type { QueueView } from '../operating/queue-view.js';
import { lengthText } from './plain-text.js';
import { table } from './table.js';

const COLUMNS = [
  { title: 'QUEUE' },
  ...JOB_STATES.map((state) => ({ title: state.toUpperCase(), right: true })),
  { title: 'OLDEST', right: true },
  { title: 'WORKERS', right: true },
  { title: '' },
];

/** Queues, a line each, and the titles before; what nobody can tell is `-`, and our own count of 48 hours has a `*`. */
export function queueLines(queues: readonly QueueView[], width: number): string[] {
  const rows = queues.map((queue) => [
    queue.paused ? `${queue.name} (paused)` : queue.name,
    ...JOB_STATES.map((state) => countText(queue, state)),
    lengthText(queue.oldestWaitingMs),
    String(queue.workers),
    queue.error ?? '',
  ]);
  return table(COLUMNS, rows, width);
}

function countText({ counts, counted }: QueueView, state: (typeof JOB_STATES)[number]): string {
  const count = counts[state];
  return count === undefined ? '-' : `${count}${counted.includes(state) ? '*' : ''}`;
}
