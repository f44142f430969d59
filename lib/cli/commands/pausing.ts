import type { JobsOperator } from '../../operating/jobs-operator.js';
import { EXIT } from '../exit-codes.js';
import { operatorOf } from '../operated.js';
import type { CommandSpec } from '../run.js';

interface Pausing {
  readonly name: 'pause' | 'resume';
  readonly summary: string;
  readonly example: string;
  readonly done: string;
  readonly before: string;
  readonly act: (operator: JobsOperator, queue: string) => Promise<boolean>;
}

function ofQueues({ name, summary, example, done, before, act }: Pausing): CommandSpec<object> {
  return {
    name,
    summary,
    examples: [[`nestjs-jobs ${name} mail`, example]],
    configure: (command) => command.argument('<queues...>'),
    run: async (session, ...names) => {
      const { options, terminal } = session;
      const operator = await operatorOf(session);
      const queues = [];
      for (const queue of names.filter((one) => one !== undefined)) {
        const changed = await act(operator, queue);
        queues.push({ queue, changed });
        if (!options.json) await terminal.print(`queue ${queue}: ${changed ? done : before}`);
      }
      if (options.json) await terminal.printJson({ queues });
      return EXIT.done;
    },
  };
}

export const pause = ofQueues({
  name: 'pause',
  summary: 'have all processes take no more jobs of queues, until they are resumed; what runs is finished',
  example: 'within 100 ms, over the fleet and across restarts',
  done: 'paused',
  before: 'was paused already',
  act: (operator, queue) => operator.pause(queue),
});

export const resume = ofQueues({
  name: 'resume',
  summary: 'let all processes take jobs of queues again',
  example: 'goes on at once',
  done: 'resumed',
  before: 'was not paused',
  act: (operator, queue) => operator.resume(queue),
});
