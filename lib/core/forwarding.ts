import { messageOf, toError } from './errors.js';
import { nextName, type Forward } from './forward.js';
import type { Outcome } from './outcome.js';
import { PublishError, type Publisher } from './publisher.js';
import type { MiddlewareRun } from './run-middleware.js';

type Completed = Extract<Outcome, { kind: 'completed' }>;

/**
 * Stores the job that a run goes on as, before the run is settled; in the run's own queue it takes its place when that is
 * settled. What can't go on fails: it would not later either.
 *
 * @throws PublishError where the engine fails
 */
export async function forwarded(
  run: MiddlewareRun,
  outcome: Completed,
  next: Forward,
  publisher: Publisher | undefined,
): Promise<Outcome> {
  try {
    if (!publisher) throw new PublishError('this consumer was given no publisher');
    const draft = await publisher.draftNext(run.message, run.ref.queue, next);
    if (draft.queue === run.ref.queue) return { ...outcome, replacement: draft };
    return { ...outcome, forwarded: await publisher.publishDraft(draft) };
  } catch (thrown) {
    // What the engine has to do with may pass.
    if (thrown instanceof PublishError && thrown.tried) throw thrown;
    const error = toError(thrown);
    return { kind: 'failed', reason: `it can't go on as job "${nextName(next)}": ${messageOf(error)}`, error };
  }
}
