import type { Backend } from '../core/backend.js';
import { systemClock } from '../core/clock.js';
import { show } from '../core/show.js';
import type { Engine } from './engine.js';

interface Listeners {
  readonly onWaiting?: (message: string) => void;
  readonly signal?: AbortSignal;
}

/** For how long a reserve may look for jobs whose workers have died. */
const LOOK_MS = 2_000;
const AT_A_TIME = 100;
/** What comes beside two leases. */
const SPARE_MS = 5_000;

/**
 * Lets jobs of dead workers come back: an engine hands them out again once their leases have lapsed, and each is put back
 * at once, at no cost.
 *
 * @returns 0: none was active; otherwise whether any came back before two leases had passed
 */
export async function handBackAll(
  backend: Backend,
  engine: Engine,
  queue: string,
  { onWaiting, signal }: Listeners,
): Promise<0 | 'came back' | 'none came back'> {
  const { leaseMs } = backend.traits;
  const inspector = engine.inspector('count jobs');
  const endAt = systemClock.monotonic() + 2 * leaseMs + SPARE_MS;
  const countActive = async (): Promise<number> =>
    (await engine.ask('count jobs', inspector.counts(queue))).active ?? 0;
  const before = await countActive();
  if (before === 0) return 0;
  onWaiting?.(`${before} jobs of queue ${show(queue)} are active; their leases last up to ${leaseMs / 1000} s`);
  for (;;) {
    const look = AbortSignal.any([AbortSignal.timeout(LOOK_MS), ...(signal ? [signal] : [])]);
    const deliveries = await backend.reserve(queue, AT_A_TIME, look);
    const at = engine.now;
    for (const delivery of deliveries) {
      await backend.settle(delivery, { kind: 'again', at, countsAttempt: false, failures: delivery.failures });
    }
    // What was handed out may have waited all the time.
    if ((await countActive()) < before) return 'came back';
    if (signal?.aborted || systemClock.monotonic() > endAt) return 'none came back';
  }
}
