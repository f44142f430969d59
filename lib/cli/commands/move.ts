import type { Backend } from '../../core/backend.js';
import { show } from '../../core/show.js';
import { JobsOperator } from '../../operating/jobs-operator.js';
import type { LeftJob, MoveReport } from '../../operating/move-report.js';
import { Move } from '../../operating/moving.js';
import { CliError, EXIT, UsageError } from '../exit-codes.js';
import { interruption } from '../interruption.js';
import { oneLine } from '../plain-text.js';
import { Progress } from '../progress.js';
import type { CommandSpec, Session } from '../run.js';

interface Options {
  readonly from?: string;
  readonly to?: string;
  readonly queue?: readonly string[];
  readonly force?: boolean;
}

export const move: CommandSpec<Options> = {
  name: 'move',
  summary: 'move all jobs of one engine to another, with the workers of both stopped; begun again, it goes on',
  examples: [
    ['nestjs-jobs move --from filer:var/jobs --to redis://10.0.0.7:6379', 'how a team leaves one machine'],
    ['nestjs-jobs move --from redis://10.0.0.7:6379 --to filer:var/jobs --queue mail', 'one queue, and back'],
  ],
  configure: (command) =>
    command
      .option('--from <url>', 'the engine that has the jobs (default: as --backend)')
      .option('--to <url>', 'the engine that is to have them')
      .option('-q, --queue <names...>', 'these queues alone')
      .option('--force', 'though workers seem to be at work: what they handle is left'),
  run: async (session) => {
    const { from: source, to: target } = urlsOf(session.options);
    const from = await session.open(source === undefined ? {} : { url: source });
    const to = await session.open({ url: target, makes: true });
    if (!session.options.force) {
      await refuseWorkers(from, 'source');
      await refuseWorkers(to, 'target');
    }
    return moveAll(session, from, to);
  },
};

function urlsOf({ from, to }: Options): { from: string | undefined; to: string } {
  if (to === undefined) throw new UsageError('move: expected --to <url>');
  if (from === to) throw new UsageError('move: expected two engines, got one');
  return { from, to };
}

async function refuseWorkers(backend: Backend, which: string): Promise<void> {
  if (!backend.records) return;
  const live = (await new JobsOperator(backend).workers()).filter(({ stale }) => !stale);
  if (live.length === 0) return;
  const named = live.map(({ host, pid, queues }) => `${host}:${pid} (${queues.join(', ')})`).join('; ');
  throw new CliError(
    `the workers of the ${which} (${backend.traits.name}) are to be stopped first: ${named}; --force moves what they don't handle`,
    EXIT.undone,
  );
}

async function moveAll(session: Session<Options>, from: Backend, to: Backend): Promise<number> {
  const { options, terminal } = session;
  const progress = new Progress();
  const interrupted = interruption();
  const left: LeftJob[] = [];
  const moving = new Move(from, to, {
    queues: options.queue,
    signal: interrupted.signal,
    onProgress: (done, expected) => progress.update('moved', done, expected),
    onWaiting: (message) => {
      progress.end();
      terminal.say(message);
    },
    onLeft: (job) => {
      if (options.json) left.push(job);
      progress.end();
      terminal.say(`left: ${job.state} job ${show(job.id)} of queue ${job.queue}: ${oneLine(job.why)}`);
    },
  });
  try {
    await moving.run();
  } catch (error) {
    progress.end();
    terminal.say(`moved ${moving.report.total} jobs before it failed; the same command goes on`);
    throw error;
  } finally {
    progress.end();
    interrupted.off();
  }
  return tell(session, moving.report, left);
}

async function tell(
  { options, terminal }: Session<Options>,
  report: MoveReport,
  left: readonly LeftJob[],
): Promise<number> {
  if (options.json) await terminal.printJson({ ...report, leftJobs: left });
  else {
    const byState = Object.entries(report.moved).map(([state, count]) => `${count} ${state}`);
    const there = report.there > 0 ? `, ${report.there} of them begun before` : '';
    await terminal.print(`moved ${report.total} jobs${byState.length > 0 ? ` (${byState.join(', ')}${there})` : ''}`);
    if (report.left > 0) await terminal.print(`left ${report.left} jobs where they are`);
    for (const { queue, state, count, why } of report.groups) {
      await terminal.print(`left ${count ?? 'what there is of'} ${state} jobs of queue ${queue}: ${why}`);
    }
    for (const note of report.notes) terminal.say(note);
    if (!report.complete) terminal.say('broken off; the same command goes on');
  }
  // Those that have ended may stay behind; what is still to be handled may not.
  const isLiving = report.groups.some(({ state }) => state !== 'completed' && state !== 'expired');
  return report.left === 0 && !isLiving && report.complete ? EXIT.done : EXIT.undone;
}
