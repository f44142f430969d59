import type { JobView } from '../operating/job-view.js';
import { cutTo, lengthText, oneLine, severalLines } from './plain-text.js';
import { table } from './table.js';
import type { Terminal } from './terminal.js';

const COLUMNS = [
  { title: 'ID' },
  { title: 'NAME' },
  { title: 'QUEUE' },
  { title: 'STATE' },
  { title: 'PRIORITY', right: true },
  { title: 'ATTEMPTS', right: true },
  { title: 'AGE', right: true },
  { title: 'PAYLOAD OR REASON' },
];
const LONGEST_CELL = 200;

/** Jobs, a line each. */
export async function printJobs(terminal: Terminal, jobs: readonly JobView[], now: number): Promise<void> {
  const rows = jobs.map((job) => [
    cutTo(job.id, 60),
    job.name ?? '(unreadable)',
    job.queue,
    job.state,
    String(job.priority ?? '-'),
    String(job.attempts),
    ageOf(job, now),
    cutTo(reasonOf(job) ?? JSON.stringify(job.payload) ?? '', LONGEST_CELL),
  ]);
  const [head = '', ...lines] = table(COLUMNS, rows, terminal.columns);
  await terminal.print(terminal.style('bold', head));
  for (const line of lines) await terminal.print(line);
}

/** Why a job failed, and its last error. */
export function reasonOf({ reason, unreadable, failures, state }: JobView): string | undefined {
  if (state !== 'failed' && state !== 'expired') return unreadable;
  const error = failures.at(-1)?.error;
  const told = [reason ?? unreadable, error && `${error.name}: ${error.message}`];
  return told.filter(Boolean).join(': ') || undefined;
}

/** Since when it stands as it does; of a delayed one, until when. */
function ageOf({ state, readyAt, endedAt, publishedAt, storedAt }: JobView, now: number): string {
  if (state === 'delayed' && readyAt) return `in ${lengthText(readyAt.getTime() - now)}`;
  const since = endedAt ?? publishedAt ?? storedAt;
  return since ? lengthText(now - since.getTime()) : '-';
}

/** All that is known of a job. */
export async function printJob(terminal: Terminal, job: JobView): Promise<void> {
  const { payload, failures, headers, log, progress } = job;
  await terminal.print(terminal.style('bold', oneLine(`${job.name ?? '(unreadable)'} ${job.id}`)));
  const facts: [string, string | number | Date | undefined][] = [
    ['queue', job.queue],
    ['state', job.state],
    ['reason', job.reason],
    ['unreadable', job.unreadable],
    ['priority', job.priority],
    ['attempts', job.maxAttempts === undefined ? job.attempts : `${job.attempts} of ${job.maxAttempts}`],
    ['published', job.publishedAt],
    ['stored', job.storedAt],
    ['not before', job.readyAt],
    ['not after', job.expiresAt],
    ['lease ends', job.leaseEndsAt],
    ['ended', job.endedAt],
    ['worker', job.worker],
    ['headers', Object.keys(headers).length > 0 ? JSON.stringify(headers) : undefined],
    ['progress', progress === undefined ? undefined : JSON.stringify(progress)],
  ];
  for (const [title, value] of facts) {
    if (value === undefined) continue;
    const text = value instanceof Date ? value.toISOString() : String(value);
    await terminal.print(`  ${title.padEnd(11)} ${oneLine(text)}`);
  }
  await terminal.print(
    `  payload     ${severalLines(JSON.stringify(payload, undefined, 2) ?? '').replaceAll('\n', '\n  ')}`,
  );
  for (const failure of failures) {
    const { at, attempt, worker, durationMs, error } = failure;
    const head = `  attempt ${attempt} failed at ${at} after ${lengthText(durationMs)}, by ${worker}`;
    await terminal.print(terminal.style('red', oneLine(head)));
    await terminal.print(
      `    ${severalLines(error.stack ?? `${error.name}: ${error.message}`).replaceAll('\n', '\n    ')}`,
    );
  }
  for (const line of log ?? []) await terminal.print(`  log         ${oneLine(line)}`);
}
