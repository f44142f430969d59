import { hasReturned, type Delivery } from './deliveries.js';
import { grouped } from './grouped.js';
import { isStored, type Publication } from './publications.js';

/** When each incarnation was killed; of those that were not, nothing. */
export type Deaths = ReadonlyMap<string, number>;

/** What the settlement of a job that has returned may take, on a machine that does much else. */
const SETTLED_WITHIN_MS = 2_000;

/** Jobs that were acknowledged and never handled to their end. */
export function lostJobs(
  publications: ReadonlyMap<string, Publication>,
  deliveries: ReadonlyMap<string, readonly Delivery[]>,
): string[] {
  const isDone = ({ key }: Publication): boolean => deliveries.get(key)?.some(hasReturned) ?? false;
  const done = new Set([...publications.values()].filter(isDone).map(({ n }) => n));
  return [...publications.values()]
    .filter((one) => (isStored(one) ? !isDone(one) : one.acknowledged !== undefined && !done.has(one.n)))
    .map(({ key, by }) => `${key}, acknowledged to ${by}, was never done`);
}

/** Jobs that were handled though nobody had stored them as they came. */
export function phantoms(
  publications: ReadonlyMap<string, Publication>,
  deliveries: ReadonlyMap<string, readonly Delivery[]>,
): string[] {
  return [...deliveries].flatMap(([key, runs]) => {
    const publication = publications.get(key);
    if (!publication) return [`${key} was never published`];
    const { acknowledged } = publication;
    if (acknowledged?.duplicate) return [`${key} was called a duplicate, and handled all the same`];
    if (runs.some(({ sound }) => !sound)) return [`${key} came with another payload or from another queue`];
    if (runs.some(({ id }) => acknowledged && id !== acknowledged.id)) return [`${key} came with another id`];
    return [];
  });
}

/** What publishers met that a kill doesn't explain. */
export function publishingFaults(publications: ReadonlyMap<string, Publication>, deaths: Deaths): string[] {
  return [...publications.values()].flatMap(({ key, by, acknowledged, refused }) => {
    if (refused !== undefined) return [`${key} was refused: ${refused}`];
    return acknowledged || deaths.has(by) ? [] : [`${key}: the publish of ${by}, which lived on, never ended`];
  });
}

/** Answers about ids that can't have been true. */
export function idFaults(
  publications: ReadonlyMap<string, Publication>,
  deliveries: ReadonlyMap<string, readonly Delivery[]>,
): string[] {
  const lives = [...publications.values()].map((publication) => {
    const runs = deliveries.get(publication.key) ?? [];
    const stored = isStored(publication) ? publication.acknowledged?.at : runs[0]?.startedAt;
    return { ...publication, stored, doneAt: runs.findLast(hasReturned)?.endedAt ?? Infinity };
  });
  const faults: string[] = [];
  for (const [, same] of grouped(lives, ({ n }) => n)) {
    if (same.length < 2) continue;
    for (const one of same) {
      if (!one.acknowledged) continue;
      const { at, duplicate } = one.acknowledged;
      const others = same.filter(({ key }) => key !== one.key);
      const mayLive = others.some(
        ({ intendedAt, doneAt }) => intendedAt <= at && doneAt + SETTLED_WITHIN_MS >= one.intendedAt,
      );
      const surelyLives = others.find(
        ({ stored, doneAt, acknowledged }) =>
          acknowledged?.id === one.acknowledged?.id && (stored ?? Infinity) < one.intendedAt && doneAt > at,
      );
      if (duplicate && !mayLive) faults.push(`${one.key} was called a duplicate, but no other lived`);
      if (!duplicate && surelyLives) faults.push(`${one.key} was stored, though ${surelyLives.key} of its id lived`);
    }
  }
  return faults;
}

/**
 * What is wrong with the deliveries of one key: each but the last has to have failed or been blocked as planned, or its
 * worker was killed before the next began; and the last has to have returned.
 */
export function deliveryFaults(key: string, runs: readonly Delivery[], deaths: Deaths): string[] {
  const faults = runs.slice(1).flatMap((next, index) => {
    const fault = succession(runs[index], next, deaths);
    return fault ? [`${key} in ${next.by}, attempt ${next.attempt}: ${fault}`] : [];
  });
  const last = runs.at(-1);
  if (last && !hasReturned(last)) faults.push(`${key} was begun by ${last.by} and never done`);
  return faults;
}

function succession(before: Delivery, next: Delivery, deaths: Deaths): string | undefined {
  const { end, endedAt = Infinity, by, attempt } = before;
  const death = deaths.get(by);
  // A blocked one gets its attempt back, unless its worker died before it could give it.
  if (end === 'blocks' ? next.attempt < attempt : next.attempt <= attempt) return `its attempt was ${attempt} before`;
  if (end === 'fails' || end === 'blocks') return next.startedAt < endedAt ? `${by} had it still` : undefined;
  if (death === undefined) return `${by} had it, ${end ? 'did it' : 'left it open'} and was never killed`;
  if (next.startedAt < death) return `${by} had it, and was killed ${death - next.startedAt} ms later`;
  if (death - endedAt > SETTLED_WITHIN_MS) return `${by} had done it ${death - endedAt} ms before it was killed`;
  return undefined;
}
