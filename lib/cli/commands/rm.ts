import { JOB_STATES } from '../../core/inspector.js';
import { checkState } from '../../operating/job-filter.js';
import { confirmed } from '../confirmation.js';
import { eachJob } from '../each-job.js';
import { EXIT, UsageError } from '../exit-codes.js';
import { filterOf, isFiltered, withFilter } from '../filter-options.js';
import { countMeant, manyJobs, tellMeant, type ManyOptions } from '../many-jobs.js';
import { operatorOf } from '../operated.js';
import type { CommandSpec } from '../run.js';

interface Options extends ManyOptions {
  readonly all?: boolean;
  readonly state?: string;
  readonly yes?: boolean;
}

export const rm: CommandSpec<Options> = {
  name: 'rm',
  summary: 'remove jobs; one that a worker handles is left to it',
  examples: [
    ['nestjs-jobs rm order-17 order-18 --queue mail', 'these'],
    ['nestjs-jobs rm --all --state failed --name send_email --dry-run', 'how many would go'],
    ['nestjs-jobs rm --all --state failed --since 7d --yes', 'without a question'],
  ],
  configure: (command) =>
    withFilter(command)
      .argument('[ids...]')
      .option('-q, --queue <name>', 'the queue')
      .option('--all', 'all jobs that the other options mean')
      .option(
        '-s, --state <state>',
        `of which state: ${JOB_STATES.filter((state) => state !== 'active').join(', ')} (with --all: default failed)`,
      )
      .option('--dry-run', 'with --all: tell how many, and do nothing')
      .option('-y, --yes', 'with --all: ask nothing'),
  run: async (session, ...ids) => {
    const { options } = session;
    const named = ids.filter((id) => id !== undefined);
    const { state } = options;
    if (state !== undefined) checkState(state, '--state');
    if (!options.all) {
      if (named.length === 0) throw new UsageError('rm: expected ids, or --all');
      if (isFiltered(options) || options.dryRun) throw new UsageError('rm: expected --all beside these options');
      const of = state === undefined ? {} : { state };
      return eachJob(session, named, { done: 'removed', act: (operator, queue, id) => operator.remove(queue, id, of) });
    }
    if (named.length > 0) throw new UsageError('rm: expected either ids or --all, got both');
    const operator = await operatorOf(session);
    if (options.dryRun) return tellMeant(session, operator, state ?? 'failed');
    const { queue } = options;
    const filter = {
      state: state ?? 'failed',
      ...filterOf(options),
      ...(queue === undefined ? {} : { queue }),
    } as const;
    if (!options.yes) {
      const counts = process.stdin.isTTY ? Object.values(await countMeant(operator, options, filter.state)) : [];
      const many = process.stdin.isTTY ? counts.reduce((sum, count) => sum + count, 0) : 'all';
      const where = queue === undefined ? 'of all queues' : `of queue ${queue}`;
      if (!(await confirmed(`Remove ${many} ${filter.state} jobs ${where}?`, false))) return EXIT.undone;
    }
    return manyJobs(session, 'removing', (bulk) => operator.removeAll(filter, bulk));
  },
};
