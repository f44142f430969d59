import { systemClock } from '../core/clock.js';
import type { InspectedJob } from '../core/inspector.js';
import { isUnreadable } from '../core/message.js';
import { checkName } from '../core/names.js';
import { count } from '../core/option-checks.js';
import type { Engine } from './engine.js';
import { errorPattern } from './error-pattern.js';
import { checkedFilter, checkedOptions, type JobFilter, type Moment } from './job-filter.js';
import { askPage, matching } from './job-list.js';
import type { JobView, Redact } from './job-view.js';

/** What `failures` takes. */
export interface FailuresOptions extends Pick<JobFilter, 'name' | 'text'> {
  /** Default: all queues. */
  readonly queue?: string;
  readonly since?: Moment;
  /** How many failed jobs are looked at, at most. Default 3,000. */
  readonly limit?: number;
}

/** Failed jobs that have failed alike: of one name, by an error of one name, with messages that differ in details only. */
export interface FailureGroup {
  /** The job's name; undefined: jobs that can't be read. */
  readonly name: string | undefined;
  /** The error's name. */
  readonly error: string | undefined;
  /** Its message, what differs from job to job being left out: `no such mailbox: <text>`. */
  readonly message: string;
  readonly count: number;
  readonly queues: readonly string[];
  /** When the first of them failed, and the last; undefined: nobody can tell. */
  readonly firstAt: Date | undefined;
  readonly lastAt: Date | undefined;
  /** A few of them, the first that were seen. */
  readonly ids: readonly string[];
}

export interface Failures {
  /** The largest first. */
  readonly groups: readonly FailureGroup[];
  /** How many failed jobs were looked at. */
  readonly scanned: number;
  /** Whether these are all. */
  readonly complete: boolean;
}

const DEFAULT_LIMIT = 3_000;
/** How many jobs are asked for at a time: few, until it is known how much of them fits into memory. */
const FIRST_PAGE = 100;
const LARGEST_PAGE = 3_000;
const PAGE_BYTES = 16_777_216;
const SAMPLE = 20;
const MOST_GROUPS = 1_000;
const IDS_SHOWN = 5;

interface Group extends FailureGroup {
  count: number;
  firstAt: Date | undefined;
  lastAt: Date | undefined;
  readonly queues: string[];
  readonly ids: string[];
}

/** Groups what has failed; within the deadline, so that of very many some only are looked at. */
export async function groupedFailures(
  engine: Engine,
  options: FailuresOptions,
  redact: Redact | undefined,
): Promise<Failures> {
  const checked = checkedOptions(options, ['queue', 'name', 'text', 'since', 'limit'], 'failures');
  const { queue, limit = DEFAULT_LIMIT } = checked;
  if (queue !== undefined) checkName('queue name', queue);
  const most = count(limit, 'failures: limit');
  const filter = checkedFilter(options, engine.now, 'failures');
  const inspector = engine.inspector('list failed jobs');
  engine.check('list failed jobs', inspector.abilities.list.failed);
  const endAt = systemClock.monotonic() + engine.deadlineMs;
  const queues = queue === undefined ? await engine.ask('tell its queues', inspector.queues()) : [queue];
  const groups = new Map<string, Group>();
  let scanned = 0;
  let size = FIRST_PAGE;
  let complete = inspector.abilities.list.failed === 'all';
  for (const name of queues) {
    let cursor: string | undefined;
    do {
      const leftMs = endAt - systemClock.monotonic();
      const isLate = scanned > 0 && leftMs < engine.deadlineMs / 4;
      if (scanned >= most || isLate) return told(groups, scanned, false);
      const asked = { limit: Math.min(size, most - scanned), cursor };
      const page = await askPage(engine, name, 'failed', asked, Math.max(leftMs, 1));
      for (const job of page.jobs) {
        scanned += 1;
        const view = matching(job, filter, redact);
        if (view && !addTo(groups, view)) complete = false;
      }
      size = pageAfter(page.jobs) ?? size;
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
  return told(groups, scanned, complete);
}

/** How many jobs to ask for, by how large those before were; undefined: there were none. */
function pageAfter(jobs: readonly InspectedJob[]): number | undefined {
  const sample = jobs.filter((_, index) => index % Math.ceil(jobs.length / SAMPLE) === 0);
  if (sample.length === 0) return undefined;
  const bytes = sample.reduce((sum, { content }) => sum + sizeOf(content), 0) / sample.length;
  return Math.min(Math.max(Math.floor(PAGE_BYTES / bytes), 1), LARGEST_PAGE);
}

function sizeOf(content: InspectedJob['content']): number {
  return isUnreadable(content) ? content.bytes.length + 1 : JSON.stringify(content.payload).length;
}

/** False where there are too many groups for another. */
function addTo(groups: Map<string, Group>, job: JobView): boolean {
  const last = job.failures.at(-1);
  const error = last?.error.name;
  const message = errorPattern(last?.error.message ?? job.reason ?? job.unreadable ?? '');
  const key = JSON.stringify([job.name, error, message]);
  let group = groups.get(key);
  if (!group) {
    if (groups.size >= MOST_GROUPS) return false;
    group = { name: job.name, error, message, count: 0, queues: [], firstAt: undefined, lastAt: undefined, ids: [] };
    groups.set(key, group);
  }
  group.count += 1;
  if (!group.queues.includes(job.queue)) group.queues.push(job.queue);
  if (group.ids.length < IDS_SHOWN) group.ids.push(job.id);
  const at = job.endedAt ?? (last && new Date(last.at));
  if (at && !(group.firstAt && group.firstAt <= at)) group.firstAt = at;
  if (at && !(group.lastAt && group.lastAt >= at)) group.lastAt = at;
  return true;
}

function told(groups: ReadonlyMap<string, Group>, scanned: number, complete: boolean): Failures {
  return { groups: [...groups.values()].sort((a, b) => b.count - a.count), scanned, complete };
}
