import { systemClock } from '../../core/clock.js';
import { checkEventName, JOB_EVENT_NAMES } from '../../core/events.js';
import type { WorkerEvent } from '../../core/worker-events.js';
import { EXIT } from '../exit-codes.js';
import { eventLine } from '../event-text.js';
import { interruption } from '../interruption.js';
import { positiveDuration } from '../number-options.js';
import { operatorOf } from '../operated.js';
import type { CommandSpec } from '../run.js';

interface Options {
  readonly queue?: string;
  readonly name?: string;
  readonly for?: string;
}

export const events: CommandSpec<Options> = {
  name: 'events',
  summary: 'what happens to jobs in all processes that handle them, as it happens, until Ctrl-C',
  examples: [
    ['nestjs-jobs events', `all of ${JOB_EVENT_NAMES.join(', ')}`],
    ['nestjs-jobs events failed expired --queue mail', 'some, of one queue'],
    ['nestjs-jobs events completed --for 10s --json', 'a JSON object a line, for ten seconds'],
  ],
  configure: (command) =>
    command
      .argument('[names...]')
      .option('-q, --queue <name>', 'of jobs of one queue')
      .option('--name <name>', 'of jobs of this name')
      .option('--for <duration>', 'so long'),
  run: async (session, ...given) => {
    const { options, terminal } = session;
    const named = given.filter((name) => name !== undefined).map(checkEventName);
    const names = named.length > 0 ? named : JOB_EVENT_NAMES;
    const endMs = options.for === undefined ? undefined : positiveDuration(options.for, '--for');
    const operator = await operatorOf(session);
    const ending = new AbortController();
    const interrupted = interruption(() => ending.abort());
    const cancelEnd = systemClock.after(endMs ?? Infinity, () => ending.abort());
    try {
      const stream = await operator.follow(names, { signal: ending.signal });
      terminal.say(`following ${named.length > 0 ? names.join(', ') : 'all events'} of all processes; Ctrl-C ends`);
      for await (const event of stream) {
        if (!isMeant(event, options)) continue;
        if (options.json) await terminal.printJson(event);
        else await terminal.print(eventLine(event, terminal));
      }
    } finally {
      cancelEnd();
      await operator.close();
      interrupted.off();
    }
    return EXIT.done;
  },
};

function isMeant({ job }: WorkerEvent, { queue, name }: Options): boolean {
  return (queue === undefined || job.queue === queue) && (name === undefined || job.name === name);
}
