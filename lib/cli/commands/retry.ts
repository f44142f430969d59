import { eachJob } from '../each-job.js';
import { UsageError } from '../exit-codes.js';
import { filterOf, isFiltered, withFilter } from '../filter-options.js';
import { manyJobs, tellMeant, type ManyOptions } from '../many-jobs.js';
import { operatorOf } from '../operated.js';
import type { CommandSpec } from '../run.js';

interface Options extends ManyOptions {
  readonly all?: boolean;
}

export const retry: CommandSpec<Options> = {
  name: 'retry',
  summary: 'let failed jobs wait again, with fresh attempts',
  examples: [
    ['nestjs-jobs retry 0198f2c4-7d1e-7a52-9c3b-2f1d5a6b7c8d', 'this one'],
    ['nestjs-jobs retry --all --name send_email --text MailboxBusy --dry-run', 'how many would be retried'],
    ['nestjs-jobs retry --all --queue mail', 'all failed jobs of a queue; safe to repeat'],
  ],
  configure: (command) =>
    withFilter(command)
      .argument('[ids...]')
      .option('-q, --queue <name>', 'the queue')
      .option('--all', 'all failed jobs that the other options mean')
      .option('--dry-run', 'with --all: tell how many, and do nothing'),
  run: async (session, ...ids) => {
    const { options } = session;
    const named = ids.filter((id) => id !== undefined);
    if (!options.all) {
      if (named.length === 0) throw new UsageError('retry: expected ids, or --all');
      if (isFiltered(options) || options.dryRun) throw new UsageError('retry: expected --all beside these options');
      return eachJob(session, named, { done: 'retried', act: (operator, queue, id) => operator.retry(queue, id) });
    }
    if (named.length > 0) throw new UsageError('retry: expected either ids or --all, got both');
    const operator = await operatorOf(session);
    if (options.dryRun) return tellMeant(session, operator, 'failed');
    const filter = { ...filterOf(options), ...(options.queue === undefined ? {} : { queue: options.queue }) };
    return manyJobs(session, 'retrying', (bulk) => operator.retryAll(filter, bulk));
  },
};
