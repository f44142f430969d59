import type { ConsumerContext } from './consumer-context.js';
import { describeError, type FailureRecord } from './failure-record.js';
import { forwarded } from './forwarding.js';
import type { LazyAbort } from './lazy-abort.js';
import { settlementOf, type Outcome } from './outcome.js';
import type { MiddlewareHost } from './run-starting.js';

/**
 * Lets the middleware of a run store what goes along with its outcome, then tells the engine what became of it: again
 * and again while that fails, until the lease is over. Gives what the engine was told; undefined where the lease was
 * lost.
 *
 * @param durationMs how long the handler ran
 * @param waiting aborts when nothing that goes along is waited for any more; undefined where nothing does
 */
export async function settle(
  run: MiddlewareHost,
  concluded: Outcome,
  durationMs: number,
  waiting: LazyAbort | undefined,
  context: ConsumerContext,
): Promise<Outcome | undefined> {
  const { backend, clock, leases, outage, settling, worker } = context;
  const record = (error: Error): FailureRecord => ({
    at: new Date(clock.now()).toISOString(),
    worker,
    attempt: run.ref.attempt,
    durationMs: Math.round(durationMs),
    error: describeError(error),
  });
  let gone = concluded;
  for (let failures = 0; !leases.lapsed(run) && !settling.aborted; failures++) {
    try {
      // Once only: an engine that finds no duplicates would store the next job again.
      if (waiting && gone.kind === 'completed' && gone.next && !gone.forwarded) {
        gone = await forwarded(run, gone, gone.next, context, waiting.signal);
      }
      const outcome = waiting ? await accompanied(run, gone) : gone;
      if (leases.lapsed(run)) break;
      const settled = await backend.settle(run.delivery, settlementOf(outcome, run.delivery.failures, record));
      outage.passed(run);
      return settled ? outcome : undefined;
    } catch (error) {
      outage.failed(run, error);
      await outage.wait(failures, settling);
    }
  }
  outage.gaveUp(run);
  return undefined;
}

async function accompanied(run: MiddlewareHost, concluded: Outcome): Promise<Outcome> {
  let outcome = concluded;
  for (const each of run.middleware) outcome = (await each.settling?.(run, outcome)) ?? outcome;
  return outcome;
}
