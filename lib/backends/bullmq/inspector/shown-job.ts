import type { FailureRecord } from '../../../core/failure-record.js';
import type { InspectedJob, JobState } from '../../../core/inspector.js';
import { isUnreadable, type ReceivedMessage, type Unreadable } from '../../../core/message.js';
import {
  ATTEMPTS_FIELD,
  contentOf,
  failuresIn,
  FAILURES_FIELD,
  READY_FIELD,
  REASON_FIELD,
  UNCOUNTED_FIELD,
  type JobHash,
} from '../stored-job.js';
import { SCORES_A_MS } from './standing.js';

/** What of a job's hash is shown: neither what it returned nor what it logged. */
export const SHOWN_FIELDS: readonly string[] = [
  'name',
  'data',
  'opts',
  'timestamp',
  'priority',
  'delay',
  'processedOn',
  'finishedOn',
  'ats',
  'atm',
  'pb',
  'failedReason',
  'stacktrace',
  FAILURES_FIELD,
  UNCOUNTED_FIELD,
  READY_FIELD,
  ATTEMPTS_FIELD,
  REASON_FIELD,
];

/** What a script tells of a job: its id, its score where it has one, its fields, and how long its lease lasts. */
export type Row = readonly [id: string, score: string | null, fields: readonly (string | null)[], leaseMs?: number];

/** A job as Redis has it. */
export interface Found {
  readonly queue: string;
  readonly state: JobState;
  readonly row: Row;
  /** When Redis was asked, in milliseconds since 1970. */
  readonly at: number;
}

export function shownJob({ queue, state, row, at }: Found): InspectedJob {
  const [key, score, fields, leaseMs = -1] = row;
  const hash: JobHash = Object.fromEntries(SHOWN_FIELDS.map((name, place) => [name, fields[place] ?? undefined]));
  const content = contentOf(hash, key);
  const isActive = state === 'active';
  const hasEnded = state === 'completed' || state === 'failed' || state === 'expired';
  const wasPutAside = state === 'failed' || state === 'expired';
  return {
    queue,
    key,
    state,
    content,
    attempts: attemptsOf(hash, content, wasPutAside),
    storedAt: numberIn(hash['timestamp']),
    readyAt: isActive || hasEnded ? undefined : readyAt(hash, content, state === 'delayed' ? score : null),
    leaseEndsAt: isActive && leaseMs >= 0 ? at + leaseMs : undefined,
    worker: isActive ? hash['pb'] : undefined,
    endedAt: hasEnded ? numberIn(hash['finishedOn']) : undefined,
    reason: wasPutAside ? (hash[REASON_FIELD] ?? hash['failedReason']) : undefined,
    failures: failures(hash),
  };
}

function attemptsOf(hash: JobHash, content: ReceivedMessage | Unreadable, wasPutAside: boolean): number {
  const kept = wasPutAside ? (numberIn(hash[ATTEMPTS_FIELD]) ?? failuresIn(hash).at(-1)?.attempt) : undefined;
  if (kept !== undefined) return kept;
  const started = numberIn(hash['ats']) ?? 0;
  const uncounted = numberIn(hash[UNCOUNTED_FIELD]) ?? (isUnreadable(content) ? 0 : -content.attemptsUsed);
  // As with those that are handed out: a tool may have set BullMQ's count back.
  return started >= uncounted ? started - uncounted : started;
}

function readyAt(
  hash: JobHash,
  content: ReceivedMessage | Unreadable,
  delayedScore: string | null,
): number | undefined {
  if (delayedScore !== null) return Math.floor(Number(delayedScore) / SCORES_A_MS);
  return numberIn(hash[READY_FIELD]) ?? (isUnreadable(content) ? undefined : content.readyAt);
}

/** Ours; else the last one as a plain worker of BullMQ's tells it. */
function failures(hash: JobHash): readonly FailureRecord[] {
  const finishedOn = numberIn(hash['finishedOn']);
  const isOurs = hash[FAILURES_FIELD] !== undefined || hash[ATTEMPTS_FIELD] !== undefined;
  if (isOurs || hash['failedReason'] === undefined || finishedOn === undefined) return failuresIn(hash);
  const stack = lastIn(hash['stacktrace']);
  return [
    {
      at: new Date(finishedOn).toISOString(),
      worker: hash['pb'] ?? '',
      attempt: numberIn(hash['atm']) ?? 1,
      durationMs: Math.max(finishedOn - (numberIn(hash['processedOn']) ?? finishedOn), 0),
      error: { name: 'Error', message: hash['failedReason'], ...(stack === undefined ? {} : { stack }) },
    },
  ];
}

function lastIn(list: string | undefined): string | undefined {
  try {
    const all: unknown = JSON.parse(list ?? '[]');
    const last: unknown = Array.isArray(all) ? all.at(-1) : undefined;
    return typeof last === 'string' ? last : undefined;
  } catch {
    return undefined;
  }
}

/** The greatest time that a date can have, in milliseconds. */
const LATEST = 8.64e15;

/** Others may have written anything. */
function numberIn(text: string | undefined): number | undefined {
  const number = text === undefined || text === '' ? NaN : Number(text);
  return Math.abs(number) <= LATEST ? number : undefined;
}
