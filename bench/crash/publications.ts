import { partsOf, type Incarnation } from './ledger.js';

/** One try of one publisher to publish one job. Times are milliseconds since 1970. */
export interface Publication {
  readonly key: string;
  /** The job's number. */
  readonly n: number;
  /** The incarnation that tried. */
  readonly by: string;
  readonly intendedAt: number;
  /** When its publish resolved, with which id, and whether it was told that a job of this id lives. */
  readonly acknowledged:
    { readonly at: number; readonly id?: string | undefined; readonly duplicate?: boolean | undefined } | undefined;
  /** When and why its publish was rejected, and whether it was told that the job may be stored all the same. */
  readonly refused: { readonly at: number; readonly maybeStored: boolean; readonly message: string } | undefined;
}

/** Every try by its key. */
export function publicationsOf(ledgers: readonly Incarnation[]): Map<string, Publication> {
  const found = new Map<string, Publication>();
  for (const { name, entries } of ledgers) {
    for (const entry of entries) {
      if (entry.what === 'intends') {
        const { key, at } = entry;
        const { n } = partsOf(key);
        found.set(key, { key, n, by: name, intendedAt: at, acknowledged: undefined, refused: undefined });
      } else if (entry.what === 'acknowledged' || entry.what === 'refused') {
        const before = found.get(entry.key);
        if (!before) throw new Error(`${name} tells of ${entry.key}, which it did not intend`);
        if (entry.what === 'refused') found.set(entry.key, { ...before, refused: entry });
        else found.set(entry.key, { ...before, acknowledged: entry });
      }
    }
  }
  return found;
}

/** Whether it was surely stored as a job of its own. */
export function isStored({ acknowledged }: Publication): boolean {
  return acknowledged !== undefined && !acknowledged.duplicate;
}

/** Whether nobody knows: its publisher was killed meanwhile, or was told that it may be stored. */
export function isInDoubt({ acknowledged, refused }: Publication): boolean {
  return !acknowledged && (refused?.maybeStored ?? true);
}
