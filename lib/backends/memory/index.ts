import type { BackendDescription } from '../../core/backend.js';
import { systemClock, type Clock } from '../../core/clock.js';
import { durationMs, type Duration } from '../../core/duration.js';
import { MemoryBackend, MemoryStore } from './memory.backend.js';

export { VirtualClock } from './virtual-clock.js';
export type { Clock } from '../../core/clock.js';

export interface MemoryOptions {
  /** How long a job stays leased to a worker that doesn't renew. Default 30 s. */
  readonly lease?: Duration;
  /** The time by which delays fall due and leases lapse. Default: the system's. */
  readonly clock?: Clock;
}

/**
 * Jobs in the memory of this process, for tests and trials: kept as long as what this returns is referenced. Applications
 * that are given the same share them.
 *
 * @throws TypeError where `lease` is no duration above 0
 */
export function memory(options: MemoryOptions = {}): BackendDescription {
  const clock = options.clock ?? systemClock;
  const store = new MemoryStore(clock, leaseMs(options.lease ?? '30s'));
  return { name: 'memory', clock, open: ({ worker }) => Promise.resolve(new MemoryBackend(store, worker)) };
}

function leaseMs(lease: Duration): number {
  const ms = durationMs(lease, 'memory: lease');
  if (ms > 0) return ms;
  throw new TypeError('memory: lease: expected more than 0');
}
