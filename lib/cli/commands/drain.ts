import type { Command } from 'commander';
import { drain as drainQueues, type DrainedJobs } from '../../core/drain.js';
import { EXIT } from '../exit-codes.js';
import { interruption } from '../interruption.js';
import { positiveDuration } from '../number-options.js';
import type { CommandSpec, Session } from '../run.js';
import { startApplication } from '../worker/application.js';
import { workLog } from '../worker/log.js';
import { killAll } from '../worker/process-group.js';
import { configOf, startWorker } from './work.js';

interface Options {
  readonly idle: string;
}

const DEFAULT_IDLE = '2s';

export const drain: CommandSpec<Options> = {
  name: 'drain',
  summary: 'handle what is due by a configuration, and end; 1 where a job failed or it was interrupted',
  examples: [
    ['nestjs-jobs drain -c jobs.yaml', 'for cron'],
    ['nestjs-jobs drain -c jobs.yaml --idle 10s', 'and what comes within ten seconds'],
  ],
  configure: (command: Command) =>
    command.option('--idle <duration>', 'for how long nothing due has to come', DEFAULT_IDLE),
  run: async (session) => {
    const idleMs = positiveDuration(session.options.idle, '--idle');
    const config = await configOf(session);
    const reporter = workLog(session.terminal, session.options.verbose ?? false);
    const interrupted = interruption(
      () => reporter.log('finishing the running jobs; once more to leave at once'),
      killAll,
    );
    const { signal } = interrupted;
    try {
      if (config.app) {
        const application = await startApplication(config);
        signal.addEventListener('abort', () => void application.close(), { once: true });
        const drained = await application.drain(session.options.idle);
        await application.close();
        return await tell(session, drained);
      }
      const { worker } = await startWorker(session, config, reporter);
      const stop = (): void => void worker.stop();
      signal.addEventListener('abort', stop, { once: true });
      if (signal.aborted) stop();
      const drained = worker.consumer.stopped.aborted
        ? undefined
        : await drainQueues(worker.consumer, worker.plans, idleMs);
      await worker.stop();
      return drained ? await tell(session, drained) : EXIT.undone;
    } finally {
      interrupted.off();
    }
  },
};

async function tell({ options, terminal }: Session<Options>, drained: DrainedJobs): Promise<number> {
  const { interrupted, paused, ...counts } = drained;
  if (options.json) await terminal.printJson({ event: 'drained', ...counts, interrupted, paused });
  else {
    const ends = Object.entries(counts).filter(([, count]) => count > 0);
    await terminal.print(ends.map(([end, count]) => `${count} ${end}`).join(', ') || 'nothing was due');
    for (const queue of paused) terminal.say(`queue ${queue} is paused: its jobs were left`);
    if (interrupted) terminal.say('interrupted before all that was due was handled');
  }
  return counts.failed > 0 || interrupted ? EXIT.undone : EXIT.done;
}
