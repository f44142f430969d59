import { deliveriesOf, hasReturned, type Delivery } from './deliveries.js';
import { deliveryFaults, idFaults, lostJobs, phantoms, publishingFaults, type Deaths } from './faults.js';
import { partsOf, type Incarnation } from './ledger.js';
import { isStored, publicationsOf } from './publications.js';
import { rescuesOf, type Rescue } from './rescues.js';
import type { Kill } from './troupe.js';

/** What a run has shown. */
export interface Verdict {
  readonly kills: { readonly publishers: number; readonly workers: number };
  /** Tries of publishers: those that were acknowledged, called duplicates, or in doubt when their publisher died. */
  readonly acknowledged: number;
  readonly duplicates: number;
  readonly inDoubt: number;
  /** Tries that were handled to their end. */
  readonly handled: number;
  /** Calls of handlers that failed or were blocked as planned. */
  readonly retried: number;
  /**
   * Handlings beyond the one that a job needs, each after exactly one kill: of its worker while it ran, of its worker
   * between the handler's return and the settlement, or of its publisher while the publish was in doubt.
   */
  readonly repeats: { readonly cut: number; readonly unsettled: number; readonly republished: number };
  /** The quickest first. */
  readonly rescues: readonly Rescue[];
  /** Acknowledged, and never done. There must be none. */
  readonly lost: readonly string[];
  /** Done, though nobody had published it so. There must be none. */
  readonly phantoms: readonly string[];
  /** Whatever else no kill explains. There must be none. */
  readonly faults: readonly string[];
}

/** Judges a run by what its processes have written down. */
export function judge(ledgers: readonly Incarnation[], kills: readonly Kill[]): Verdict {
  const deaths: Deaths = new Map(kills.map(({ name, at }) => [name, at]));
  const publications = publicationsOf(ledgers);
  const deliveries = deliveriesOf(ledgers);
  const tries = [...publications.values()];
  const runs = [...deliveries.values()];
  return {
    kills: {
      publishers: kills.filter(({ name }) => name.startsWith('publisher')).length,
      workers: kills.filter(({ name }) => name.startsWith('worker')).length,
    },
    acknowledged: tries.filter(isStored).length,
    duplicates: tries.filter(({ acknowledged }) => acknowledged?.duplicate).length,
    inDoubt: tries.filter(({ acknowledged }) => !acknowledged).length,
    handled: runs.filter((some) => some.some(hasReturned)).length,
    retried: runs.flat().filter(({ end }) => end === 'fails' || end === 'blocks').length,
    repeats: {
      cut: repeated(runs, (run) => run.end === undefined),
      unsettled: repeated(runs, hasReturned),
      republished: republished(deliveries),
    },
    rescues: rescuesOf(ledgers, deliveries, deaths),
    lost: lostJobs(publications, deliveries),
    phantoms: phantoms(publications, deliveries),
    faults: [
      ...publishingFaults(publications, deaths),
      ...idFaults(publications, deliveries),
      ...[...deliveries].flatMap(([key, some]) => deliveryFaults(key, some, deaths)),
    ],
  };
}

/** How many deliveries of a kind were followed by another of the same key. */
function repeated(runs: readonly (readonly Delivery[])[], kind: (run: Delivery) => boolean): number {
  return runs.reduce((sum, some) => sum + some.slice(0, -1).filter(kind).length, 0);
}

/** How many tries of the same job by the same publisher were handled beyond one. */
function republished(deliveries: ReadonlyMap<string, readonly Delivery[]>): number {
  const done = [...deliveries].filter(([, some]) => some.some(hasReturned)).map(([key]) => partsOf(key));
  const jobs = new Set(done.map(({ n, slot }) => `${n}.${slot}`));
  return done.length - jobs.size;
}
