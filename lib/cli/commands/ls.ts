import { JOB_STATES, type JobState } from '../../core/inspector.js';
import type { JobView } from '../../operating/job-view.js';
import type { JobsOperator } from '../../operating/jobs-operator.js';
import { checkState } from '../../operating/job-filter.js';
import { EXIT, UsageError } from '../exit-codes.js';
import { filterOf, isFiltered, withFilter, type FilterOptions } from '../filter-options.js';
import { printJobs } from '../job-text.js';
import { operatorOf } from '../operated.js';
import { queueLines } from '../queue-text.js';
import type { CommandSpec, Session } from '../run.js';
import { wholeNumber } from '../number-options.js';

interface Options extends FilterOptions {
  readonly state?: string;
  readonly limit: string;
  readonly cursor?: string;
}

/** What is shown where no state is named: what may still be handled, or has to be seen to. */
const USUAL: readonly JobState[] = ['active', 'waiting', 'delayed', 'failed'];

export const ls: CommandSpec<Options> = {
  name: 'ls',
  summary: 'the queues and their counts, or the jobs of a queue',
  examples: [
    ['nestjs-jobs ls', 'all queues; * is our own count of 48 hours, - what this engine can’t tell'],
    ['nestjs-jobs ls mail', 'its jobs: those that run, wait, are delayed, and have failed'],
    ['nestjs-jobs ls mail --state failed --text "no such mailbox" --since 2h', 'and those alone'],
    ['nestjs-jobs ls --state failed --json | jq -r .jobs[].id', 'ids for a script'],
  ],
  configure: (command) =>
    withFilter(command)
      .argument('[queue]')
      .option('-s, --state <state>', JOB_STATES.join(', '))
      .option('-n, --limit <number>', 'at most so many', '50')
      .option('--cursor <cursor>', 'with a queue and a state: goes on where the list before ended'),
  run: async (session, queue) => {
    const { options } = session;
    const limit = wholeNumber(options.limit, '--limit', 1);
    if (options.state !== undefined) checkState(options.state, '--state');
    if (options.cursor !== undefined && (queue === undefined || options.state === undefined)) {
      throw new UsageError('--cursor: expected a queue and --state beside it');
    }
    const operator = await operatorOf(session);
    if (queue === undefined && options.state === undefined && !isFiltered(options)) return queues(session, operator);
    return jobs(session, operator, queue, limit);
  },
};

async function queues({ terminal, options }: Session<Options>, operator: JobsOperator): Promise<number> {
  const views = await operator.queues();
  if (options.json) await terminal.printJson({ queues: views });
  else {
    const [head = '', ...lines] = queueLines(views, terminal.columns);
    await terminal.print(terminal.style('bold', head));
    for (const line of lines) await terminal.print(line);
  }
  for (const { name, error } of views) if (error) terminal.say(`queue ${name} can't be told: ${error}`);
  return views.some(({ error }) => error) ? EXIT.undone : EXIT.done;
}

async function jobs(
  session: Session<Options>,
  operator: JobsOperator,
  queue: string | undefined,
  limit: number,
): Promise<number> {
  const { options, terminal } = session;
  const names = queue === undefined ? (await operator.queues()).map((one) => one.name) : [queue];
  const states =
    options.state === undefined ? USUAL.filter((state) => canList(operator, state)) : [options.state as JobState];
  const found: JobView[] = [];
  let cursor: string | undefined;
  let isMore = false;
  for (const name of names) {
    for (const state of states) {
      // More is looked for where others may follow, for none of a page may match.
      cursor = options.cursor;
      do {
        if (found.length >= limit) break;
        const left = Math.min(limit - found.length, 1_000);
        const list = await operator.list({
          queue: name,
          state,
          limit: left,
          ...filterOf(options),
          ...(cursor ? { cursor } : {}),
        });
        found.push(...list.jobs);
        cursor = list.cursor;
      } while (cursor !== undefined);
      isMore ||= cursor !== undefined;
    }
  }
  const goesOn = names.length === 1 && states.length === 1 ? cursor : undefined;
  if (options.json) await terminal.printJson({ jobs: found, more: isMore || found.length >= limit, cursor: goesOn });
  else {
    await printJobs(terminal, found, Date.now());
    if (goesOn) terminal.say(`more: --cursor ${goesOn}`);
    else if (found.length >= limit) terminal.say(`the first ${limit}; more by --limit`);
  }
  for (const state of options.state === undefined ? USUAL : []) {
    if (!canList(operator, state)) terminal.say(`${state} jobs are not listed: ${whyNot(operator, state)}`);
  }
  return EXIT.done;
}

function canList({ abilities }: JobsOperator, state: JobState): boolean {
  return 'list' in abilities && typeof abilities.list[state] === 'string';
}

function whyNot({ abilities }: JobsOperator, state: JobState): string {
  if (!('list' in abilities)) return abilities.cannot;
  const ability = abilities.list[state];
  return typeof ability === 'string' ? '' : ability.cannot;
}
