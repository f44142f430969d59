import { messageOf } from '../core/errors.js';
import { parseTime } from '../core/time.js';
import type { Moment } from '../operating/job-filter.js';
import { JobsOperator } from '../operating/jobs-operator.js';
import { JobNotFoundError } from '../operating/operating-errors.js';
import { CliError, EXIT, UsageError } from './exit-codes.js';
import type { Session } from './run.js';

/** What a command line may wait for: nobody is kept from their work meanwhile. */
const DEADLINE = '10s';

/** Who operates the engine that is meant. */
export async function operatorOf(session: Session<unknown>): Promise<JobsOperator> {
  const warn = (message: string): void => session.terminal.say(`warning: ${message}`);
  return new JobsOperator(await session.open(), { deadline: DEADLINE, warn });
}

/** The queue of a job: the one that is named, else the one that has it. @throws CliError where none has it, or several have */
export async function queueOf(operator: JobsOperator, id: string, named: string | undefined): Promise<string> {
  if (named !== undefined) return named;
  const queues = [...new Set((await operator.get(id)).map((job) => job.queue))];
  const [queue, another] = queues;
  if (queue === undefined) throw new CliError(messageOf(new JobNotFoundError('any', id)), EXIT.undone);
  if (another === undefined) return queue;
  throw new UsageError(`job ${id}: expected --queue, for it is in ${queues.join(', ')}`);
}

/** `2h` for so long ago, or a moment. */
export function momentOf(text: string | undefined): Moment | undefined {
  const at = parseTime(text);
  return at === undefined ? text : new Date(at);
}
