import type { JobState } from '../core/inspector.js';
import { describeReport, type BulkOptions, type BulkReport } from '../operating/bulk-action.js';
import type { JobsOperator } from '../operating/jobs-operator.js';
import { EXIT } from './exit-codes.js';
import { filterOf, type FilterOptions } from './filter-options.js';
import { interruption } from './interruption.js';
import { Progress } from './progress.js';
import type { Session } from './run.js';

/** Which jobs a bulk action means, as it is typed. */
export interface ManyOptions extends FilterOptions {
  readonly queue?: string;
  readonly dryRun?: boolean;
}

/** Tells how many jobs would be meant, by their queues; changes nothing. */
export async function tellMeant(
  session: Session<ManyOptions>,
  operator: JobsOperator,
  state: JobState,
): Promise<number> {
  const { options, terminal } = session;
  const meant = await countMeant(operator, options, state);
  const total = Object.values(meant).reduce((sum, count) => sum + count, 0);
  if (options.json) await terminal.printJson({ dryRun: true, total, queues: meant });
  else {
    for (const [queue, count] of Object.entries(meant)) await terminal.print(`${count} ${state} of queue ${queue}`);
    await terminal.print(`${total} in all; nothing was done`);
  }
  return EXIT.done;
}

/** How many jobs are meant, by the queues that have any. */
export async function countMeant(
  operator: JobsOperator,
  options: ManyOptions,
  state: JobState,
): Promise<Readonly<Record<string, number>>> {
  const queues = options.queue === undefined ? (await operator.queues()).map(({ name }) => name) : [options.queue];
  const counts: Record<string, number> = {};
  for (const queue of queues) {
    let count = 0;
    let cursor: string | undefined;
    do {
      const page = { queue, state, limit: 1_000, ...filterOf(options), ...(cursor === undefined ? {} : { cursor }) };
      const list = await operator.list(page);
      count += list.jobs.length;
      cursor = list.cursor;
    } while (cursor !== undefined);
    if (count > 0) counts[queue] = count;
  }
  return counts;
}

/** Does something with many jobs, shows how far it is, and says what became of it. A Ctrl-C ends it after its batch. */
export async function manyJobs(
  session: Session<ManyOptions>,
  what: string,
  act: (options: BulkOptions) => Promise<BulkReport>,
): Promise<number> {
  const { options, terminal } = session;
  const progress = new Progress();
  const interrupted = interruption();
  let report: BulkReport;
  try {
    report = await act({
      signal: interrupted.signal,
      onProgress: ({ total, expected }) => progress.update(what, total, expected),
    });
  } finally {
    progress.end();
    interrupted.off();
  }
  if (options.json) await terminal.printJson(report);
  else await terminal.print(describeReport(report));
  return report.done === report.total && report.complete ? EXIT.done : EXIT.undone;
}
