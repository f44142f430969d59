import type { FailureRecord } from '../core/failure-record.js';
import { withoutOurs } from '../core/handled-job.js';
import type { InspectedJob, JobState } from '../core/inspector.js';
import { isUnreadable } from '../core/message.js';
import { textOf } from '../core/message-decoding.js';

/**
 * What is shown in the place of a payload: without what nobody is to see. One that throws hides the payload.
 *
 * @param payload a copy of its own
 */
export type Redact = (payload: unknown, job: { readonly name?: string | undefined; readonly queue: string }) => unknown;

/** A job as operators see it. What the engine doesn't know is undefined. As JSON, its times are ISO 8601. */
export interface JobView {
  readonly id: string;
  /** The engine's own name of it, unique in its queue. */
  readonly key: string;
  readonly queue: string;
  readonly state: JobState;
  /** Undefined: it can't be read. */
  readonly name: string | undefined;
  /** As `redact` leaves it; the text of one that can't be read. */
  readonly payload: unknown;
  /** Why it can't be read. */
  readonly unreadable: string | undefined;
  readonly priority: number | undefined;
  /** How many attempts have begun since its last fresh start. */
  readonly attempts: number;
  /** Of its own; undefined: its handler decides. */
  readonly maxAttempts: number | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly publishedAt: Date | undefined;
  readonly storedAt: Date | undefined;
  readonly readyAt: Date | undefined;
  readonly expiresAt: Date | undefined;
  readonly leaseEndsAt: Date | undefined;
  /** When it completed, failed or expired. */
  readonly endedAt: Date | undefined;
  /** Why it failed or expired. */
  readonly reason: string | undefined;
  /** Of its attempts that failed, as far as they are kept, the first first. */
  readonly failures: readonly FailureRecord[];
  /** Who handles it. */
  readonly worker: string | undefined;
  /** The latest of what its handler has said of how far it is, where it keeps its result; by `get` only. */
  readonly progress?: unknown;
  /** What its handler has logged, likewise. */
  readonly log?: readonly string[];
}

/** The longest text of an unreadable job that is shown, in characters. */
const LONGEST_TEXT = 10_000;

export function jobView(job: InspectedJob, redact: Redact | undefined): JobView {
  const { content, queue } = job;
  const message = isUnreadable(content) ? undefined : content;
  return {
    id: content.id,
    key: job.key,
    queue,
    state: job.state,
    name: message?.name,
    payload: shown(message ? message.payload : textOfUnreadable(content), { name: message?.name, queue }, redact),
    unreadable: isUnreadable(content) ? content.unreadable : undefined,
    priority: message?.priority,
    attempts: job.attempts,
    maxAttempts: message?.maxAttempts,
    headers: message ? withoutOurs(message.headers) : {},
    publishedAt: dateOf(message?.publishedAt),
    storedAt: dateOf(job.storedAt),
    readyAt: dateOf(job.readyAt),
    expiresAt: dateOf(message?.expiresAt),
    leaseEndsAt: dateOf(job.leaseEndsAt),
    endedAt: dateOf(job.endedAt),
    reason: job.reason,
    failures: job.failures,
    worker: job.worker,
  };
}

function shown(
  payload: unknown,
  job: { readonly name: string | undefined; readonly queue: string },
  redact: Redact | undefined,
): unknown {
  if (!redact) return payload;
  try {
    return redact(structuredClone(payload), job);
  } catch {
    return '(hidden, for redact has failed)';
  }
}

function textOfUnreadable(content: InspectedJob['content']): string | undefined {
  if (!isUnreadable(content)) return undefined;
  return (textOf(content.bytes) ?? Buffer.from(content.bytes).toString('latin1')).slice(0, LONGEST_TEXT);
}

function dateOf(ms: number | undefined): Date | undefined {
  return ms === undefined || !Number.isFinite(ms) ? undefined : new Date(ms);
}
