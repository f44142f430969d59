import type { ReservedJob } from '../client/client.js';
import { jobOfNote } from '../notes.js';

/** How long the ids of notes are good for another page, in milliseconds. */
const KEPT_MS = 30_000;

/** How many notes are looked through first, or so many pages; and how many times as many where that doesn't do. */
const FIRST_LOOK = 2_000;
const FIRST_PAGES = 2;
const GROWTH = 4;

/** The notes about one job: a worker that died on the way may have left one before. */
export interface Entry {
  readonly first: bigint;
  latest: string;
}

/** The first notes of a tube at some time, the oldest first, by the job that they are about. */
export interface Overview {
  readonly tube: string;
  /** How many notes were looked through; whether these were all. */
  readonly size: number;
  readonly isWhole: boolean;
  readonly entries: readonly Entry[];
  readonly known: (job: string) => boolean;
  readonly at: number;
}

/** Reads so many notes of a tube; resolves with whether these were all. */
export type ReadNotes = (tube: string, most: number, begin: () => (note: ReservedJob) => void) => Promise<boolean>;

/** Which notes come behind one. What was looked through is kept for the next page. */
export class NoteOverviews {
  private kept: Overview | undefined;

  constructor(private readonly read: ReadNotes) {}

  /** So many entries behind a place, and one more, if there are. */
  async entriesBehind(tube: string, last: bigint, limit: number): Promise<Overview & { readonly from: number }> {
    const { kept } = this;
    const isFresh = kept?.tube === tube && performance.now() - kept.at < KEPT_MS;
    let overview = isFresh ? kept : await this.lookThrough(tube, Math.max(FIRST_LOOK, FIRST_PAGES * limit));
    for (;;) {
      const from = placeBehind(overview.entries, last);
      if (overview.isWhole || overview.entries.length > from + limit) return { ...overview, from };
      overview = await this.lookThrough(tube, GROWTH * overview.size);
    }
  }

  private async lookThrough(tube: string, size: number): Promise<Overview> {
    let entries = new Map<string, Entry>();
    const isWhole = await this.read(tube, size, () => {
      const begun = (entries = new Map<string, Entry>());
      return ({ id, body }) => {
        const job = jobOfNote(body);
        const entry = job === undefined ? undefined : begun.get(job);
        if (entry) entry.latest = id;
        else if (job !== undefined) begun.set(job, { first: BigInt(id), latest: id });
      };
    });
    const known = (job: string): boolean => entries.has(job);
    const at = performance.now();
    return (this.kept = { tube, size, isWhole, entries: [...entries.values()], known, at });
  }

  forget(): void {
    this.kept = undefined;
  }
}

/** Where those begin that come behind one. */
function placeBehind(entries: readonly Entry[], last: bigint): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((entries[middle]?.first ?? 0n) > last) high = middle;
    else low = middle + 1;
  }
  return low;
}
