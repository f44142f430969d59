import type { Backend } from './backend.js';
import { pause, systemClock } from './clock.js';
import type { ConsumerContext } from './consumer-context.js';
import { messageOf, toError } from './errors.js';
import { nextName, type Forward } from './forward.js';
import type { Inspector, JobState } from './inspector.js';
import { isUnreadable } from './message.js';
import type { Outcome } from './outcome.js';
import { PublishError } from './publish-error.js';
import type { Draft } from './publish-options.js';
import type { PublishedJob } from './published-job.js';
import type { Publisher } from './publisher.js';
import type { MiddlewareRun } from './run-middleware.js';

type Completed = Extract<Outcome, { kind: 'completed' }>;

/** The pauses in which an earlier job of the chain may be settled, in milliseconds: growing. */
const FIRST_PAUSE_MS = 1;
const LONGEST_PAUSE_MS = 1_000;

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
  { backend, clock, publisher }: ConsumerContext,
  signal: AbortSignal,
): Promise<Outcome> {
  try {
    if (!publisher) throw new PublishError('this consumer was given no publisher');
    const draft = await publisher.draftNext(run.message, run.ref.queue, next);
    if (draft.queue === run.ref.queue) return { ...outcome, replacement: draft };
    return { ...outcome, forwarded: await published(run, draft, publisher, backend, signal) };
  } catch (thrown) {
    // What the engine has to do with may pass.
    if (thrown instanceof PublishError && thrown.tried) throw thrown;
    if (signal.aborted) return { kind: 'handedBack', at: clock.now(), reason: 'shutdown' };
    const error = toError(thrown);
    return { kind: 'failed', reason: `it can't go on as job "${nextName(next)}": ${messageOf(error)}`, error };
  }
}

/**
 * In a chain that comes back to a queue, an earlier job of the same id may still be there: it is settled only after the
 * one that is run now was stored, and perhaps by another process. So the next is published again until that is gone; at
 * most for two leases, after which a dead worker's is lost, and one that runs on is no job that is being settled.
 */
async function published(
  run: MiddlewareRun,
  draft: Draft,
  publisher: Publisher,
  { inspector, traits }: Backend,
  signal: AbortSignal,
): Promise<PublishedJob> {
  // By the system's clock, for another one may stand still while that job is settled.
  const until = systemClock.monotonic() + 2 * traits.leaseMs;
  for (let ms = FIRST_PAUSE_MS; ; ms = Math.min(2 * ms, LONGEST_PAUSE_MS)) {
    const job = await publisher.publishDraft(draft, { signal });
    if (!job.duplicate || !inspector || systemClock.monotonic() > until) return job;
    if (!(await isFreeSoon(run, draft, inspector))) return job;
    await pause(systemClock, ms, signal);
    signal.throwIfAborted();
  }
}

const LIVING: ReadonlySet<JobState> = new Set(['waiting', 'delayed', 'active', 'failed']);

/** Whether nobody has the id of the next job any more, or one before the run; not so what an earlier attempt of the run has stored. */
async function isFreeSoon(
  { message }: MiddlewareRun,
  { queue, message: { id, name } }: Draft,
  inspector: Inspector,
): Promise<boolean> {
  // Where it can't be told, the other stays as it is.
  const found = await inspector.get(queue, id).catch(() => undefined);
  const living = found?.filter(({ state }) => LIVING.has(state));
  return (
    living?.every(({ state, content }) => {
      if (state !== 'active' || isUnreadable(content)) return false;
      return content.name !== name || (content.publishedAt ?? 0) < (message.publishedAt ?? 0);
    }) ?? false
  );
}
