import { hasReturned, type Delivery } from './deliveries.js';
import { grouped } from './grouped.js';
import { SETTLED_WITHIN_MS, type Deaths } from './deaths.js';
import { isStored, type Publication } from './publications.js';

/** Tries whose jobs were acknowledged and never handled to their end. */
export function lostJobs(
  publications: ReadonlyMap<string, Publication>,
  deliveries: ReadonlyMap<string, readonly Delivery[]>,
): Publication[] {
  const isDone = ({ key }: Publication): boolean => deliveries.get(key)?.some(hasReturned) ?? false;
  const done = new Set([...publications.values()].filter(isDone).map(({ n }) => n));
  return [...publications.values()].filter((one) =>
    isStored(one) ? !isDone(one) : one.acknowledged !== undefined && !done.has(one.n),
  );
}

/** Jobs that were handled though nobody had stored them as they came. */
export function phantoms(
  publications: ReadonlyMap<string, Publication>,
  deliveries: ReadonlyMap<string, readonly Delivery[]>,
): string[] {
  return [...deliveries].flatMap(([key, runs]) => {
    const publication = publications.get(key);
    if (!publication) return [`${key} was never published`];
    const { acknowledged, refused } = publication;
    if (refused && !refused.maybeStored) return [`${key} was surely not stored, and handled all the same`];
    if (acknowledged?.duplicate) return [`${key} was called a duplicate, and handled all the same`];
    if (runs.some(({ sound }) => !sound)) return [`${key} came with another payload or from another queue`];
    if (runs.some(({ id }) => acknowledged?.id !== undefined && id !== acknowledged.id))
      return [`${key} came with another id`];
    return [];
  });
}

/** What publishers met that a kill doesn't explain. */
export function publishingFaults(publications: ReadonlyMap<string, Publication>, deaths: Deaths): string[] {
  return [...publications.values()].flatMap(({ key, by, intendedAt, acknowledged, refused }) => {
    if (refused) {
      return deaths.serverMissed(intendedAt, refused.at) ? [] : [`${key} was refused: ${refused.message}`];
    }
    return acknowledged || deaths.of(by) !== undefined
      ? []
      : [`${key}: the publish of ${by}, which lived on, never ended`];
  });
}

/** Answers about ids that can't have been true. */
export function idFaults(
  publications: ReadonlyMap<string, Publication>,
  deliveries: ReadonlyMap<string, readonly Delivery[]>,
  deaths: Deaths,
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
        ({ intendedAt, doneAt }) =>
          intendedAt <= at &&
          (doneAt + SETTLED_WITHIN_MS >= one.intendedAt || deaths.serverMissed(doneAt, one.intendedAt)),
      );
      const surelyLives = others.find(
        ({ stored, doneAt, acknowledged }) =>
          acknowledged?.id !== undefined &&
          acknowledged.id === one.acknowledged?.id &&
          (stored ?? Infinity) < one.intendedAt &&
          doneAt > at,
      );
      if (duplicate && !mayLive) faults.push(`${one.key} was called a duplicate, but no other lived`);
      if (duplicate === false && surelyLives)
        faults.push(`${one.key} was stored, though ${surelyLives.key} of its id lived`);
    }
  }
  return faults;
}
