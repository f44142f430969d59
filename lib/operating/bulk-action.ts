import type { InspectedJob, JobChange, JobState } from '../core/inspector.js';
import { show } from '../core/show.js';
import type { Engine } from './engine.js';
import type { CheckedFilter } from './job-filter.js';
import { askPage, matching } from './job-list.js';
import type { Redact } from './job-view.js';
import { BulkActionError } from './operating-errors.js';

export interface BulkOptions {
  /** Called after each batch. */
  readonly onProgress?: (progress: BulkProgress) => void;
  /** Ends it before its end, with what was done. */
  readonly signal?: AbortSignal;
}

export interface BulkReport {
  /** How many jobs were meant. */
  readonly total: number;
  readonly done: number;
  /** How many had gone on, or were gone, when their turn came; nothing was done with them. */
  readonly changed: number;
  /** Whether all that were meant had their turn: not where the signal has ended it, or the engine shows its first jobs only. */
  readonly complete: boolean;
}

export interface BulkProgress extends Omit<BulkReport, 'complete'> {
  /** How many jobs there may be to go through in all, meant or not; undefined: nobody can tell. */
  readonly expected: number | undefined;
}

/** How many jobs are changed at a time. */
const BATCH = 500;
/** To how many milliseconds an engine knows when it took a job, at worst. */
const COARSE_MS = 1_000;

/** In one sentence: `212 of 230 done, 18 had changed`. */
export function describeReport({ total, done, changed, complete }: BulkReport): string {
  const left = changed === 0 ? '' : `, ${changed} had changed`;
  return `${done} of ${total} done${left}${complete ? '' : '; there may be more'}`;
}

/** Goes through jobs in batches. */
export class BulkAction {
  private total = 0;
  private done = 0;
  private changed = 0;
  private complete = true;
  /** What comes after is none of it: what failed again, or was published meanwhile. */
  private readonly beganAt: number;

  /** @param action in messages: `'retry failed jobs'` */
  constructor(
    private readonly engine: Engine,
    private readonly action: string,
    private readonly change: JobChange,
    private readonly filter: CheckedFilter,
    private readonly redact: Redact | undefined,
    private readonly options: BulkOptions,
  ) {
    this.beganAt = engine.now;
  }

  get report(): BulkReport {
    const { total, done, changed, complete } = this;
    return { total, done, changed, complete };
  }

  /** @throws BulkActionError that tells what was done until then */
  async run(places: readonly (readonly [queue: string, state: JobState])[]): Promise<BulkReport> {
    try {
      const expected = this.options.onProgress ? await this.expected(places) : undefined;
      for (const [queue, state] of places) await this.goThrough(queue, state, expected);
    } catch (error) {
      throw new BulkActionError(this.action, this.report, error);
    }
    return this.report;
  }

  private async goThrough(queue: string, state: JobState, expected: number | undefined): Promise<void> {
    const isHead = this.engine.inspector(this.action).abilities.list[state] === 'head';
    for (let cursor: string | undefined; ;) {
      if (this.options.signal?.aborted) return this.endEarly();
      const page = await askPage(this.engine, queue, state, { limit: BATCH, cursor });
      const done = await this.changeAll(
        queue,
        page.jobs.filter((job) => this.means(job)),
      );
      this.options.onProgress?.({ ...this.report, expected });
      if (isHead) {
        if (page.jobs.length === 0) return;
        // Of what shows its first job only, the next is shown once that is gone.
        if (done === 0) return this.endEarly();
      } else {
        cursor = page.cursor;
        if (cursor === undefined) return;
      }
    }
  }

  private async changeAll(queue: string, jobs: readonly InspectedJob[]): Promise<number> {
    if (jobs.length === 0) return 0;
    const places = jobs.map(({ key, state }) => ({ key, state }));
    const changing = this.engine.inspector(this.action).change(queue, places, this.change);
    const results = await this.engine.ask(`${this.action} of queue ${show(queue)}`, changing);
    const changed = jobs.filter((_, index) => results[index] === 'done');
    if (this.change.kind === 'remove') await this.engine.letGo(changed);
    const done = changed.length;
    this.total += jobs.length;
    this.done += done;
    this.changed += jobs.length - done;
    return done;
  }

  private means(job: InspectedJob): boolean {
    const view = matching(job, this.filter, this.redact);
    if (!view) return false;
    if (view.endedAt) return view.endedAt.getTime() <= this.beganAt;
    if (view.publishedAt && view.publishedAt.getTime() <= this.beganAt) return true;
    if (view.storedAt) return view.storedAt.getTime() - COARSE_MS <= this.beganAt;
    return view.publishedAt === undefined;
  }

  private endEarly(): void {
    this.complete = false;
  }

  private async expected(places: readonly (readonly [queue: string, state: JobState])[]): Promise<number | undefined> {
    const inspector = this.engine.inspector(this.action);
    const counting = places.map(async ([queue, state]) => (await inspector.counts(queue))[state]);
    const counts = await this.engine.ask('count jobs', Promise.all(counting)).catch(() => []);
    return counts.reduce<number | undefined>(
      (sum, count) => (sum === undefined || count === undefined ? undefined : sum + count),
      counts.length < places.length ? undefined : 0,
    );
  }
}
