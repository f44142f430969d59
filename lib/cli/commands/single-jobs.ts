import { eachJob, type JobAction } from '../each-job.js';
import type { CommandSpec } from '../run.js';

interface Options {
  readonly queue?: string;
}

function ofJobs(name: string, summary: string, example: string, action: JobAction): CommandSpec<Options> {
  return {
    name,
    summary,
    examples: [[`nestjs-jobs ${name} 0198f2c4-7d1e-7a52-9c3b-2f1d5a6b7c8d`, example]],
    configure: (command) => command.argument('<ids...>').option('-q, --queue <name>', 'the queue'),
    run: (session, ...ids) =>
      eachJob(
        session,
        ids.filter((id) => id !== undefined),
        action,
      ),
  };
}

export const runNow = ofJobs('run-now', 'let delayed jobs wait no longer', 'handled as soon as a worker is free', {
  done: 'due now',
  act: (operator, queue, id) => operator.runNow(queue, id),
});

export const cancel = ofJobs(
  'cancel',
  'end running jobs, in whichever process they run: their signals abort, and they have failed',
  'whichever process handles it',
  { done: 'cancelled', act: (operator, queue, id) => operator.cancel(queue, id) },
);
