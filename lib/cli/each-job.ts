import type { ActionResult } from '../operating/one-job.js';
import type { JobsOperator } from '../operating/jobs-operator.js';
import { messageOf } from '../core/errors.js';
import { EXIT } from './exit-codes.js';
import { exitCodeOf } from './failing.js';
import { operatorOf, queueOf } from './operated.js';
import type { Session } from './run.js';

interface Options {
  readonly queue?: string;
}

/** What is done with jobs that are named. */
export interface JobAction {
  /** `retried`. */
  readonly done: string;
  act(operator: JobsOperator, queue: string, id: string): Promise<ActionResult>;
}

/** Does the same with each job of a list, and tells what became of each; one that can't be done keeps none of the others. */
export async function eachJob(session: Session<Options>, ids: readonly string[], action: JobAction): Promise<number> {
  const { options, terminal } = session;
  const operator = await operatorOf(session);
  let code: number = EXIT.done;
  const results: { id: string; queue?: string; result: string; error?: string }[] = [];
  for (const id of ids) {
    let queue = options.queue;
    try {
      queue = await queueOf(operator, id, queue);
      const result = await action.act(operator, queue, id);
      if (result !== 'done') code = EXIT.undone;
      results.push({ id, queue, result });
      const told = result === 'done' ? action.done : 'not done: it has changed meanwhile';
      if (!options.json) await terminal.print(`${id} in queue ${queue}: ${told}`);
    } catch (error) {
      code = exitCodeOf(error);
      results.push({ id, ...(queue === undefined ? {} : { queue }), result: 'refused', error: messageOf(error) });
      // What the engine can't do, or is not there to do, the next can't have either.
      if (code !== EXIT.undone) {
        if (options.json) await terminal.printJson({ jobs: results });
        throw error;
      }
      if (!options.json) terminal.say(`error: ${messageOf(error)}`);
    }
  }
  if (options.json) await terminal.printJson({ jobs: results });
  return code;
}
