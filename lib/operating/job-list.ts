import { systemClock } from '../core/clock.js';
import type { InspectedJob, JobPage, JobState } from '../core/inspector.js';
import { isUnreadable } from '../core/message.js';
import { checkName } from '../core/names.js';
import { count } from '../core/option-checks.js';
import { show } from '../core/show.js';
import type { Engine } from './engine.js';
import {
  checkedFilter,
  checkedOptions,
  checkState,
  FILTER_FIELDS,
  isOpen,
  matches,
  type CheckedFilter,
  type JobFilter,
} from './job-filter.js';
import { jobView, type JobView, type Redact } from './job-view.js';
import { OperatorTimeoutError } from './operating-errors.js';

/** What `list` takes. */
export interface ListOptions extends JobFilter {
  readonly queue: string;
  readonly state: JobState;
  /** At most so many, up to 1,000. Default 50. */
  readonly limit?: number;
  /** What the list before gave, to go on there. */
  readonly cursor?: string;
}

/** Jobs of a queue in a state. */
export interface JobList {
  /** May be fewer than asked for, or none, though there are others: then there is a cursor. */
  readonly jobs: readonly JobView[];
  /** Goes on with the next; missing: there are no more. */
  readonly cursor?: string;
  /** How many jobs were looked at. */
  readonly scanned: number;
}

const MOST_LISTED = 1_000;
const DEFAULT_LIMIT = 50;
/** How many jobs are looked at in one call. */
const MOST_SCANNED = 10_000;
/** How many are asked for at a time where not all of them match. */
const SCAN_PAGE = 200;

/** Where a list goes on: in the engine's page of this cursor and size, behind the job of this key. */
interface Place {
  readonly page: string | undefined;
  readonly size: number;
  readonly after: string | undefined;
}

/**
 * The jobs that match, page by page, until there are enough, or the call has looked at 10,000 of them, or half of the deadline has
 * passed.
 */
export async function listJobs(engine: Engine, options: ListOptions, redact: Redact | undefined): Promise<JobList> {
  const {
    queue,
    state,
    limit = DEFAULT_LIMIT,
    cursor,
  } = checkedOptions(options, ['queue', 'state', 'limit', 'cursor', ...FILTER_FIELDS], 'list');
  checkName('queue name', queue);
  checkState(state, 'list: state');
  const most = Math.min(count(limit, 'list: limit'), MOST_LISTED);
  const filter = checkedFilter(options, engine.now, 'list');
  const began = systemClock.monotonic();
  const leftMs = (): number => began + engine.deadlineMs - systemClock.monotonic();
  const first = { page: undefined, size: isOpen(filter) ? most : SCAN_PAGE, after: undefined };
  let place: Place = cursor === undefined ? first : placeOf(cursor);
  const jobs: JobView[] = [];
  let scanned = 0;
  for (;;) {
    let page: JobPage;
    try {
      page = await askPage(engine, queue, state, { limit: place.size, cursor: place.page }, Math.max(leftMs(), 1));
    } catch (error) {
      if (scanned > 0 && error instanceof OperatorTimeoutError) return { jobs, cursor: cursorOf(place), scanned };
      throw error;
    }
    for (const job of behind(page.jobs, place.after)) {
      scanned += 1;
      const view = matching(job, filter, redact);
      if (view) jobs.push(view);
      place = { ...place, after: job.key };
      if (jobs.length === most) break;
    }
    const isWhole = place.after === undefined || page.jobs.at(-1)?.key === place.after || page.jobs.length === 0;
    if (isWhole) {
      if (page.cursor === undefined) return { jobs, scanned };
      place = { page: page.cursor, size: place.size, after: undefined };
    }
    if (jobs.length === most || scanned >= MOST_SCANNED || leftMs() < engine.deadlineMs / 2) {
      return { jobs, cursor: cursorOf(place), scanned };
    }
  }
}

/** One page of the engine's. */
export function askPage(
  engine: Engine,
  queue: string,
  state: JobState,
  page: { readonly limit: number; readonly cursor: string | undefined },
  ms?: number,
): Promise<JobPage> {
  const action = `list ${state} jobs`;
  const inspector = engine.inspector(action);
  engine.check(action, inspector.abilities.list[state]);
  return engine.ask(`${action} of queue ${show(queue)}`, inspector.list(queue, state, page), ms);
}

/** A job as it is shown, if the filter means it. */
export function matching(job: InspectedJob, filter: CheckedFilter, redact: Redact | undefined): JobView | undefined {
  // Before the payload is copied and redacted.
  if (filter.name !== undefined && (isUnreadable(job.content) || job.content.name !== filter.name)) return undefined;
  const view = jobView(job, redact);
  return matches(filter, view) ? view : undefined;
}

/** Those behind the job of a key; all, where that is gone. */
function behind(jobs: readonly InspectedJob[], after: string | undefined): readonly InspectedJob[] {
  return after === undefined ? jobs : jobs.slice(jobs.findIndex(({ key }) => key === after) + 1);
}

function cursorOf({ page, size, after }: Place): string {
  return Buffer.from(JSON.stringify([page ?? null, size, after ?? null])).toString('base64url');
}

/** @throws TypeError */
function placeOf(cursor: unknown): Place {
  const refused = new TypeError(`list: cursor: expected what the list before gave, got ${show(cursor)}`);
  if (typeof cursor !== 'string') throw refused;
  try {
    const [page, size, after] = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as unknown[];
    const isText = (one: unknown): one is string | null => one === null || typeof one === 'string';
    if (isText(page) && isText(after)) {
      return { page: page ?? undefined, size: Math.min(count(size, 'size'), MOST_LISTED), after: after ?? undefined };
    }
  } catch {
    throw refused;
  }
  throw refused;
}
