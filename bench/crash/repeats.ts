import { SETTLED_WITHIN_MS, type Deaths } from './deaths.js';
import { hasReturned, type Delivery } from './deliveries.js';
import { partsOf } from './ledger.js';

/**
 * Handlings beyond the one that a job needs, by the kill that each comes after: of its worker while it ran, of its worker
 * between the handler's return and the settlement, of the server at any time of these, or of publisher or server while
 * the publish was in doubt.
 */
export interface Repeats {
  readonly cut: number;
  readonly unsettled: number;
  readonly server: number;
  readonly republished: number;
}

export function repeatsOf(deliveries: ReadonlyMap<string, readonly Delivery[]>, deaths: Deaths): Repeats {
  const repeated = [...deliveries.values()].flatMap((runs) => runs.slice(0, -1));
  const count = (isOfKind: (run: Delivery) => boolean): number => repeated.filter(isOfKind).length;
  const diedSoon = ({ by, endedAt = Infinity }: Delivery): boolean =>
    (deaths.of(by) ?? Infinity) - endedAt <= SETTLED_WITHIN_MS;
  return {
    cut: count(({ end }) => end === undefined),
    unsettled: count((run) => hasReturned(run) && diedSoon(run)),
    server: count((run) => run.end === 'leaves' || (hasReturned(run) && !diedSoon(run))),
    republished: republished(deliveries),
  };
}

/** How many tries of the same job by the same publisher were handled beyond one. */
function republished(deliveries: ReadonlyMap<string, readonly Delivery[]>): number {
  const done = [...deliveries].filter(([, some]) => some.some(hasReturned)).map(([key]) => partsOf(key));
  const jobs = new Set(done.map(({ n, slot }) => `${n}.${slot}`));
  return done.length - jobs.size;
}
