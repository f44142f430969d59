import { pause, systemClock } from './clock.js';
import type { Consumer } from './consumer.js';
import type { JobRef } from './job.js';
import type { Outcome } from './outcome.js';
import type { QueuePlan } from './queue-loop.js';

/** How many runs came to which end. */
export type RunCounts = Readonly<Record<Outcome['kind'] | 'leaseLost', number>>;

/** What a drain has done. A job that was tried twice meanwhile counts twice. */
export interface DrainedJobs extends RunCounts {
  /** Whether the application was closed before all that was due was handled. */
  readonly interrupted: boolean;
  /** The queues that an operator has paused, so that their jobs were left. */
  readonly paused: readonly string[];
}

/** Counts runs by their end, and tells since when nothing has come of them. */
export class Tally {
  readonly counts = {
    completed: 0,
    retried: 0,
    blocked: 0,
    handedBack: 0,
    failed: 0,
    expired: 0,
    dropped: 0,
    leaseLost: 0,
  } satisfies RunCounts;
  private readonly putBack = new Set<string>();

  /**
   * Whether the run has brought something forward. A job that is put back at no cost does so once: one that is blocked
   * for a second, again and again, would keep a drain from its end for days.
   */
  count(job: JobRef, outcome: Outcome | undefined): boolean {
    this.counts[outcome?.kind ?? 'leaseLost'] += 1;
    if (outcome?.kind !== 'blocked' && outcome?.kind !== 'handedBack') return true;
    const known = this.putBack.has(job.id);
    this.putBack.add(job.id);
    return !known;
  }
}

/**
 * Handles what is due in these queues, and what their handlers publish to them meanwhile, until nothing has come for
 * `idleMs` and all is settled. While the engine fails it waits, for then nobody knows what is due. By the system's
 * clock, for another one may stand still meanwhile.
 */
export async function drain(consumer: Consumer, plans: readonly QueuePlan[], idleMs: number): Promise<DrainedJobs> {
  const tally = new Tally();
  let quietSince = systemClock.monotonic();
  let wake = (): void => undefined;
  const wakeUp = (): void => wake();
  const reading = consumer.open(plans, (job, outcome) => {
    if (tally.count(job, outcome)) quietSince = systemClock.monotonic();
    wakeUp();
  });
  consumer.stopped.addEventListener('abort', wakeUp, { once: true });
  let paused: readonly string[] = [];
  try {
    await consumer.ready();
    for (;;) {
      if (reading.failing) quietSince = systemClock.monotonic();
      const leftMs = quietSince + idleMs - systemClock.monotonic();
      // Also when it is stopped: what runs then belongs to what this drain has done, whoever else reads the queue.
      if (reading.busy) await new Promise<void>((resolve) => (wake = resolve));
      else if (consumer.stopped.aborted || reading.isPaused) break;
      else if (leftMs > 0) await pause(systemClock, leftMs, consumer.stopped);
      else break;
    }
  } finally {
    paused = reading.paused;
    await reading.end();
    consumer.stopped.removeEventListener('abort', wakeUp);
  }
  return { ...tally.counts, interrupted: consumer.stopped.aborted, paused };
}
