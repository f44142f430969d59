import { show as shown } from '../../core/show.js';
import { EXIT } from '../exit-codes.js';
import { printJob } from '../job-text.js';
import { operatorOf } from '../operated.js';
import type { CommandSpec } from '../run.js';

interface Options {
  readonly queue?: string;
}

export const show: CommandSpec<Options> = {
  name: 'show',
  summary: 'all that is known of a job: payload, times, attempts, errors',
  examples: [
    ['nestjs-jobs show 0198f2c4-7d1e-7a52-9c3b-2f1d5a6b7c8d', 'in whatever queue it is'],
    ['nestjs-jobs show order-17 --queue mail --json', 'as JSON'],
  ],
  configure: (command) => command.argument('<id>').option('-q, --queue <name>', 'the queue'),
  run: async (session, id = '') => {
    const { options, terminal } = session;
    const operator = await operatorOf(session);
    const jobs = await operator.get(id, options.queue === undefined ? {} : { queue: options.queue });
    if (options.json) await terminal.printJson({ jobs });
    else for (const job of jobs) await printJob(terminal, job);
    if (jobs.length > 0) return EXIT.done;
    terminal.say(
      `there is no job with id ${shown(id)}${options.queue === undefined ? '' : ` in queue ${options.queue}`}`,
    );
    return EXIT.undone;
  },
};
