import { deliveriesOf, hasReturned } from './deliveries.js';
import { Deaths, type Outage } from './deaths.js';
import { deliveryFaults } from './delivery-faults.js';
import type { Destroyed } from './engines/binlog-witness.js';
import type { EngineRules } from './engines/engine.js';
import { idFaults, lostJobs, phantoms, publishingFaults } from './faults.js';
import type { Incarnation } from './ledger.js';
import { isInDoubt, isStored, publicationsOf } from './publications.js';
import { repeatsOf, type Repeats } from './repeats.js';
import { rescuesOf, type Rescue } from './rescues.js';
import type { Kill } from './troupe.js';

/** What a run has shown. */
export interface Verdict {
  readonly kills: { readonly publishers: number; readonly workers: number; readonly servers: number };
  /** Tries of publishers: acknowledged, called duplicates, surely not stored, or nobody knows. */
  readonly acknowledged: number;
  readonly duplicates: number;
  readonly refused: number;
  readonly inDoubt: number;
  /** Tries that were handled to their end. */
  readonly handled: number;
  /** Calls of handlers that failed or were blocked as planned. */
  readonly retried: number;
  readonly repeats: Repeats;
  /** The quickest first. */
  readonly rescues: readonly Rescue[];
  /** Never done, for the engine itself has destroyed them. */
  readonly destroyed: readonly Destroyed[];
  /** Acknowledged, and never done for any other reason. There must be none. */
  readonly lost: readonly string[];
  /** Done, though nobody had published it so. There must be none. */
  readonly phantoms: readonly string[];
  /** Whatever else no kill explains. There must be none. */
  readonly faults: readonly string[];
}

/** All that was killed in a run, and what the engine itself has destroyed meanwhile. */
export interface Killed {
  readonly kills: readonly Kill[];
  readonly outages: readonly Outage[];
  readonly destroyed: readonly Destroyed[];
}

/** Judges a run by what its processes have written down. */
export function judge(
  ledgers: readonly Incarnation[],
  { kills, outages, destroyed }: Killed,
  rules: EngineRules,
): Verdict {
  const deaths = new Deaths(new Map(kills.map(({ name, at }) => [name, at])), outages);
  const publications = publicationsOf(ledgers);
  const deliveries = deliveriesOf(ledgers);
  const tries = [...publications.values()];
  const runs = [...deliveries.values()];
  const undone = destroyed.filter(({ key }) => !deliveries.get(key)?.some(hasReturned));
  const explained = new Set(undone.map(({ key }) => key));
  return {
    kills: {
      publishers: kills.filter(({ name }) => name.startsWith('publisher')).length,
      workers: kills.filter(({ name }) => name.startsWith('worker')).length,
      servers: outages.length,
    },
    acknowledged: tries.filter(isStored).length,
    duplicates: tries.filter(({ acknowledged }) => acknowledged?.duplicate).length,
    refused: tries.filter(({ refused }) => refused && !refused.maybeStored).length,
    inDoubt: tries.filter(isInDoubt).length,
    handled: runs.filter((some) => some.some(hasReturned)).length,
    retried: runs.flat().filter(({ end }) => end === 'fails' || end === 'blocks').length,
    repeats: repeatsOf(deliveries, deaths),
    rescues: rescuesOf(ledgers, deliveries, deaths),
    destroyed: undone,
    lost: lostJobs(publications, deliveries)
      .filter(({ key }) => !explained.has(key))
      .map(({ key, by }) => `${key}, acknowledged to ${by}, was never done`),
    phantoms: phantoms(publications, deliveries),
    faults: [
      ...publishingFaults(publications, deaths),
      ...idFaults(publications, deliveries, deaths),
      ...[...deliveries].flatMap(([key, some]) => deliveryFaults(key, some, deaths, rules, explained.has(key))),
    ],
  };
}
