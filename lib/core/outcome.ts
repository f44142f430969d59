import { backoffMs, DEFAULT_BACKOFF, type BackoffPlan } from './backoff.js';
import type { Settlement } from './backend.js';
import type { Duration } from './duration.js';
import type { DropReason, HandedBackReason } from './events.js';
import { isError } from './causes.js';
import { JobTimeoutError, markOf, messageOf, toError, type ErrorRules } from './errors.js';
import { addFailure, type FailureRecord } from './failure-record.js';
import { forwardOf, isForward, type Forward } from './forward.js';
import type { DefinedJob } from './definition-mark.js';
import type { Draft } from './publish-options.js';
import type { PublishedJob } from './published-job.js';
import { toJson } from './payload.js';
import type { Checked } from './schema-check.js';
import { show } from './show.js';
import { LAST_MOMENT } from './time.js';

/** How a delivery came to its end. */
export type Ending =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'threw'; readonly thrown: unknown }
  | { readonly kind: 'timedOut'; readonly timeoutMs: number }
  /** The payload or the result is not as its schema expects. */
  | { readonly kind: 'refused'; readonly what: Checked; readonly error: Error }
  /** A schema threw, so that nobody knows. */
  | { readonly kind: 'unchecked'; readonly error: Error }
  /** The grace of the application's closing is over, or it closes before the handler was called. */
  | { readonly kind: 'shutDown' }
  /** Its queue was paused before its handler was called. */
  | { readonly kind: 'paused' }
  /** An operator has cancelled it. */
  | { readonly kind: 'cancelled'; readonly error: Error }
  /** No handler here has the job's name. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'unreadable'; readonly reason: string }
  /** It was handed out before its time. */
  | { readonly kind: 'early'; readonly readyAt: number }
  /** Its expiration has passed. */
  | { readonly kind: 'late'; readonly expiresAt: number }
  /** The rate of its queue or its handler is used up until then. */
  | { readonly kind: 'limited'; readonly at: number }
  /** Another was published in its place. */
  | { readonly kind: 'superseded'; readonly reason: DropReason }
  /** All its attempts are used up, though none of them ended: its workers died. */
  | { readonly kind: 'spent' };

/** What becomes of a job. Times are milliseconds since 1970. */
export type Outcome =
  | {
      readonly kind: 'completed';
      readonly result: unknown;
      /** It goes on as this job. */
      readonly next?: Forward;
      /** The next job, once it is stored in another queue. */
      readonly forwarded?: PublishedJob;
      /** The next job, which takes its place in the same queue. */
      readonly replacement?: Draft;
    }
  | { readonly kind: 'retried'; readonly at: number; readonly error: Error; readonly warning?: string }
  | { readonly kind: 'blocked'; readonly at: number; readonly error: Error }
  | { readonly kind: 'handedBack'; readonly at: number; readonly reason: HandedBackReason }
  | { readonly kind: 'failed'; readonly reason: string; readonly error: Error }
  | { readonly kind: 'expired'; readonly reason: string; readonly error?: Error }
  /** It is gone, and was not handled. */
  | { readonly kind: 'dropped'; readonly reason: DropReason };

/** What `conclude` has to know of the job and of the rules in force. */
export interface Case {
  readonly name: string;
  readonly queue: string;
  readonly attempt: number;
  readonly maxAttempts: number;
  readonly publishedAt: number;
  readonly expiresAt?: number;
  readonly backoff: BackoffPlan | ((attempt: number) => Duration);
  /** The job that it goes on as when its handler returns anything but a `forward(…)`. */
  readonly forwardTo?: string | DefinedJob | undefined;
  readonly errors?: ErrorRules;
  readonly blockedForMs: number;
  readonly unknownJobGraceMs: number;
  /** Now, in milliseconds since 1970. */
  readonly now: number;
  /** 0 up to 1. */
  readonly random: number;
}

const BLOCKED_RETRY_MS = 30_000;
/** Between these, a job without a handler waits as long as it is old. */
const UNKNOWN_RETRY_MS = [1_000, 30_000] as const;

/** Decides what becomes of a job: the table of the README's section "What becomes of a job", row by row. Pure. */
export function conclude(job: Case, ending: Ending): Outcome {
  switch (ending.kind) {
    case 'returned':
      return afterReturn(job, ending.value);
    case 'threw':
      return isError(ending.thrown) ? afterThrow(job, ending.thrown) : retry(job, toError(ending.thrown));
    case 'timedOut':
      return retry(job, new JobTimeoutError(ending.timeoutMs));
    case 'refused':
      return { kind: 'failed', reason: `the ${ending.what} is ${ending.error.message}`, error: ending.error };
    case 'unchecked':
      return afterSchemaThrew(job, ending.error);
    case 'shutDown':
      return { kind: 'handedBack', at: job.now, reason: 'shutdown' };
    case 'paused':
      return { kind: 'handedBack', at: job.now, reason: 'paused' };
    case 'cancelled':
      return { kind: 'failed', reason: ending.error.message, error: ending.error };
    case 'unknown':
      return withoutHandler(job);
    case 'unreadable':
      return failure(`the message can't be read: ${ending.reason}`);
    case 'early':
      return { kind: 'handedBack', at: ending.readyAt, reason: 'early' };
    case 'limited':
      return { kind: 'handedBack', at: ending.at, reason: 'limited' };
    case 'late':
      return { kind: 'expired', reason: `it was to be handled before ${new Date(ending.expiresAt).toISOString()}` };
    case 'superseded':
      return { kind: 'dropped', reason: ending.reason };
    case 'spent':
      return failure(`all ${job.maxAttempts} attempts are used up: the workers that ran it died or lost it`);
  }
}

function failure(reason: string): Outcome {
  const error = new Error(reason);
  error.name = 'JobNotHandledError';
  error.stack = undefined;
  return { kind: 'failed', reason, error };
}

function afterReturn(job: Case, value: unknown): Outcome {
  if (isForward(value)) return { kind: 'completed', result: value.payload, next: value };
  if (job.forwardTo) return { kind: 'completed', result: value, next: forwardOf(job.forwardTo, value, {}) };
  try {
    if (value !== undefined) toJson(value, 'result');
    return { kind: 'completed', result: value };
  } catch (thrown) {
    const error = toError(thrown);
    return { kind: 'failed', reason: `the handler's result can't be kept: ${error.message}`, error };
  }
}

function afterThrow(job: Case, error: Error): Outcome {
  const mark = markOf(error, job.errors);
  switch (mark?.kind) {
    case 'fatal':
      return { kind: 'failed', reason: mark.reason ?? 'a fatal error', error };
    case 'blocked':
      return block(job, error, mark.retryInMs ?? BLOCKED_RETRY_MS);
    default:
      return retry(job, error, mark?.retryInMs);
  }
}

/** A schema that throws would throw again, unless its error says otherwise: it may have asked a server. */
function afterSchemaThrew(job: Case, error: Error): Outcome {
  if (markOf(error, job.errors)) return afterThrow(job, error);
  return { kind: 'failed', reason: error.message, error };
}

function retry(job: Case, error: Error, retryInMs?: number): Outcome {
  if (job.attempt >= job.maxAttempts) {
    const all = job.maxAttempts === 1 ? 'its only attempt has' : `all ${job.maxAttempts} attempts have`;
    return { kind: 'failed', reason: `${all} failed`, error };
  }
  const { waitMs, warning } = retryInMs === undefined ? waitFor(job) : { waitMs: retryInMs, warning: undefined };
  const at = later(job, waitMs);
  if (job.expiresAt !== undefined && at > job.expiresAt) {
    return { kind: 'expired', reason: 'its next attempt would start after its expiration', error };
  }
  return { kind: 'retried', at, error, ...(warning ? { warning } : {}) };
}

function waitFor(job: Case): { waitMs: number; warning?: string } {
  try {
    return { waitMs: backoffMs(job.backoff, job.attempt, job.random) };
  } catch (thrown) {
    return {
      waitMs: backoffMs(DEFAULT_BACKOFF, job.attempt, job.random),
      warning: `the backoff function of job ${show(job.name)} failed, so the default is used: ${messageOf(thrown)}`,
    };
  }
}

function block(job: Case, error: Error, retryInMs: number): Outcome {
  const until = job.publishedAt + job.blockedForMs;
  const at = Math.min(later(job, retryInMs), until);
  if (job.now >= until) return { kind: 'failed', reason: `it was blocked for ${job.now - job.publishedAt} ms`, error };
  if (job.expiresAt !== undefined && at > job.expiresAt) {
    return { kind: 'expired', reason: 'it would still be blocked at its expiration', error };
  }
  return { kind: 'blocked', at, error };
}

/** So many milliseconds from now, as a moment that every engine can keep. */
function later(job: Case, ms: number): number {
  return Math.min(Math.ceil(job.now + ms), LAST_MOMENT);
}

function withoutHandler(job: Case): Outcome {
  const age = job.now - job.publishedAt;
  const left = job.unknownJobGraceMs - age;
  if (left <= 0) return failure(`no handler is named ${show(job.name)} among those that read queue ${show(job.queue)}`);
  const [least, most] = UNKNOWN_RETRY_MS;
  return { kind: 'handedBack', at: job.now + Math.min(Math.max(age, least), most, left), reason: 'unknown' };
}

/** What the engine is told of an outcome. */
export function settlementOf(
  outcome: Outcome,
  failures: readonly FailureRecord[],
  record: (error: Error) => FailureRecord,
): Settlement {
  switch (outcome.kind) {
    case 'completed':
      return outcome.replacement ? { kind: 'replaced', message: outcome.replacement.message } : { kind: 'completed' };
    case 'dropped':
      return { kind: 'completed' };
    case 'retried':
      return {
        kind: 'again',
        at: outcome.at,
        countsAttempt: true,
        failures: addFailure(failures, record(outcome.error)),
      };
    case 'blocked':
    case 'handedBack':
      return { kind: 'again', at: outcome.at, countsAttempt: false, failures };
    case 'failed':
      return { kind: 'failed', reason: outcome.reason, failures: addFailure(failures, record(outcome.error)) };
    case 'expired':
      return {
        kind: 'expired',
        reason: outcome.reason,
        failures: outcome.error ? addFailure(failures, record(outcome.error)) : failures,
      };
  }
}
