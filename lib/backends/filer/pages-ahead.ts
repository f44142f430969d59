import type { JobState } from '../../core/inspector.js';
import type { StandingFile } from './standing.js';

/** So many pages more than asked for are found at once, and at most so many jobs. */
const PAGES = 30;
const JOBS = 10_000;

/** How long what was found is good for another page, in milliseconds. */
const KEPT_MS = 30_000;

/** Jobs in their order. */
export interface Found {
  readonly files: readonly StandingFile[];
  /** Whether no others come behind them. */
  readonly areAll: boolean;
  /** When the names were read, by `performance.now()`. */
  readonly at: number;
}

/**
 * The jobs that come behind a page, so that not all names of a folder are read again for the next. Of jobs that were set
 * aside alone: the others go their way by themselves.
 */
export class PagesAhead {
  private kept: (Found & { readonly state: JobState; readonly cursor: string }) | undefined;

  /** How many jobs to look for, for a page of so many. */
  wanted(state: JobState, limit: number): number {
    // One more than asked for tells whether there is another page.
    return limit + 1 + (isSetAside(state) ? Math.min(PAGES * limit, JOBS) : 0);
  }

  /** The jobs behind another: as many as a page has, and one, if there are; undefined where it isn't known. */
  behind(state: JobState, cursor: string | undefined, limit: number): Found | undefined {
    const { kept } = this;
    if (kept?.state !== state || kept.cursor !== cursor || performance.now() - kept.at > KEPT_MS) return undefined;
    return kept.areAll || kept.files.length > limit ? kept : undefined;
  }

  /** Keeps what comes behind the page that these begin with. */
  keep(state: JobState, limit: number, { files, areAll, at }: Found): void {
    const last = isSetAside(state) && files.length > limit ? files[limit - 1] : undefined;
    this.kept = last && { state, cursor: last.rank, files: files.slice(limit), areAll, at };
  }
}

function isSetAside(state: JobState): boolean {
  return state === 'failed' || state === 'expired';
}
