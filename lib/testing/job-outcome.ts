import type { Outcome } from '../core/outcome.js';

/** What became of a run, and when the job would run next. */
export type JobOutcome<Result = unknown> =
  | { readonly kind: 'completed'; readonly result: Result }
  | { readonly kind: 'retried'; readonly error: Error; readonly at: Date; readonly inMs: number }
  | { readonly kind: 'blocked'; readonly error: Error; readonly at: Date; readonly inMs: number }
  | { readonly kind: 'handedBack'; readonly reason: string; readonly at: Date; readonly inMs: number }
  | { readonly kind: 'failed'; readonly reason: string; readonly error: Error }
  | { readonly kind: 'expired'; readonly reason: string; readonly error: Error | undefined }
  | { readonly kind: 'dropped'; readonly reason: string };

/** @param now milliseconds since 1970 */
export function jobOutcome(outcome: Outcome, now: number): JobOutcome {
  switch (outcome.kind) {
    case 'completed':
      return { kind: 'completed', result: outcome.result };
    case 'retried':
    case 'blocked':
      return { kind: outcome.kind, error: outcome.error, at: new Date(outcome.at), inMs: outcome.at - now };
    case 'handedBack':
      return { kind: 'handedBack', reason: outcome.reason, at: new Date(outcome.at), inMs: outcome.at - now };
    case 'failed':
      return { kind: 'failed', reason: outcome.reason, error: outcome.error };
    case 'dropped':
      return { kind: 'dropped', reason: outcome.reason };
    case 'expired':
      return { kind: 'expired', reason: outcome.reason, error: outcome.error };
  }
}
