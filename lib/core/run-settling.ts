import type { ConsumerContext } from './consumer-context.js';
import { describeError, type FailureRecord } from './failure-record.js';
import type { JobRef } from './job.js';
import type { Leased } from './lease-keeper.js';
import { settlementOf, type Outcome } from './outcome.js';

/** A run as far as its settlement is concerned. */
interface Settled extends Leased {
  readonly ref: JobRef;
}

/**
 * Tells the engine what became of a run, again and again while it fails, until the lease is over. False where the lease
 * was lost.
 *
 * @param durationMs how long the handler ran
 */
export async function settle(
  run: Settled,
  outcome: Outcome,
  durationMs: number,
  { backend, clock, leases, outage, settling, worker }: ConsumerContext,
): Promise<boolean> {
  const record = (error: Error): FailureRecord => ({
    at: new Date(clock.now()).toISOString(),
    worker,
    attempt: run.ref.attempt,
    durationMs: Math.round(durationMs),
    error: describeError(error),
  });
  const settlement = settlementOf(outcome, run.delivery.failures, record);
  for (let failures = 0; !leases.lapsed(run) && !settling.aborted; failures++) {
    try {
      const settled = await backend.settle(run.delivery, settlement);
      outage.passed(run);
      return settled;
    } catch (error) {
      outage.failed(run, error);
      await outage.wait(failures, settling);
    }
  }
  outage.gaveUp(run);
  return false;
}
