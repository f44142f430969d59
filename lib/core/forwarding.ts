import type { Clock } from './clock.js';
import { messageOf, toError } from './errors.js';
import { nextName, type Forward } from './forward.js';
import type { Outcome } from './outcome.js';
import { PublishError } from './publish-error.js';
import type { Publisher } from './publisher.js';
import type { MiddlewareRun } from './run-middleware.js';

type Completed = Extract<Outcome, { kind: 'completed' }>;

/**
 * Stores the job that a run goes on as, before the run is settled; in the run's own queue it takes its place when that is
 * settled. While that queue is full it waits, and with it one of the places of this run's queue. What can't go on fails: it
 * would not later either.
 *
 * @param signal aborts when nothing is waited for any more; then the job is handed back
 * @throws PublishError where the engine fails
 */
export async function forwarded(
  run: MiddlewareRun,
  outcome: Completed,
  next: Forward,
  publisher: Publisher | undefined,
  clock: Clock,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    if (!publisher) throw new PublishError('this consumer was given no publisher');
    const draft = await publisher.draftNext(run.message, run.ref.queue, next);
    if (draft.queue === run.ref.queue) return { ...outcome, replacement: draft };
    return { ...outcome, forwarded: await publisher.publishDraft(draft, { signal }) };
  } catch (thrown) {
    // What the engine has to do with may pass.
    if (thrown instanceof PublishError && thrown.tried) throw thrown;
    if (signal.aborted) return { kind: 'handedBack', at: clock.now(), reason: 'shutdown' };
    const error = toError(thrown);
    return { kind: 'failed', reason: `it can't go on as job "${nextName(next)}": ${messageOf(error)}`, error };
  }
}
