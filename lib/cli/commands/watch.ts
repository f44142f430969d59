import { pause, systemClock } from '../../core/clock.js';
import { messageOf } from '../../core/errors.js';
import type { JobsOperator } from '../../operating/jobs-operator.js';
import type { QueueView } from '../../operating/queue-view.js';
import { EXIT } from '../exit-codes.js';
import { interruption } from '../interruption.js';
import { positiveDuration } from '../number-options.js';
import { operatorOf } from '../operated.js';
import { queueLines } from '../queue-text.js';
import type { CommandSpec, Session } from '../run.js';

interface Options {
  readonly interval: string;
}

/** Moves to the beginning of the screen, clears behind each line, and below the last. */
const HOME = '\u001B[H';
const CLEAR_LINE = '\u001B[K\n';
const CLEAR_BELOW = '\u001B[J';
/** A screen of its own without a cursor, and back to what was there before. */
const ENTER = '\u001B[?1049h\u001B[?25l';
const LEAVE = '\u001B[?25h\u001B[?1049l';

export const watch: CommandSpec<Options> = {
  name: 'watch',
  summary:
    'the queues and their counts, live until Ctrl-C; where it is no terminal, a block each time something has changed',
  examples: [
    ['nestjs-jobs watch', 'all queues, every second'],
    ['nestjs-jobs watch mail --interval 5s', 'one queue'],
    ['nestjs-jobs watch --json', 'a line of JSON each time'],
  ],
  configure: (command) =>
    command.argument('[queues...]').option('-i, --interval <duration>', 'how often they are asked', '1s'),
  run: async (session, ...names) => {
    const intervalMs = positiveDuration(session.options.interval, '--interval');
    const queues = names.filter((name) => name !== undefined);
    const operator = await operatorOf(session);
    const { terminal } = session;
    const { signal } = interruption();
    const isLive = terminal.isInteractive;
    if (isLive) await terminal.write(ENTER);
    try {
      for (let before = ''; !signal.aborted; await pause(systemClock, intervalMs, signal)) {
        const seen = await look(operator, queues);
        before = isLive ? await redraw(session, seen) : await tell(session, seen, before);
      }
    } finally {
      if (isLive) await terminal.write(LEAVE).catch(() => undefined);
    }
    return EXIT.done;
  },
};

/** What was seen; an engine that fails is told, and asked again. */
interface Seen {
  readonly views: readonly QueueView[];
  readonly error: string | undefined;
}

async function look(operator: JobsOperator, queues: readonly string[]): Promise<Seen> {
  try {
    const all = queues.length === 0 ? operator.queues() : Promise.all(queues.map((name) => operator.queue(name)));
    return { views: await all, error: undefined };
  } catch (error) {
    if (error instanceof TypeError) throw error;
    return { views: [], error: messageOf(error) };
  }
}

async function redraw({ terminal }: Session<Options>, { views, error }: Seen): Promise<string> {
  const [head = '', ...lines] = queueLines(views, terminal.columns);
  const shown = [
    terminal.style('dim', `${new Date().toISOString()}  Ctrl-C ends`),
    terminal.style('bold', head),
    ...lines.map((line, at) => (views[at]?.paused ? terminal.style('yellow', line) : line)),
    ...(error === undefined ? [] : [terminal.style('red', error)]),
  ];
  const rows = process.stdout.rows || 24;
  const fitting = shown.slice(0, Math.max(rows - 1, 1));
  await terminal.write(HOME + fitting.map((line) => line + CLEAR_LINE).join('') + CLEAR_BELOW);
  return '';
}

async function tell({ terminal, options }: Session<Options>, { views, error }: Seen, before: string): Promise<string> {
  if (error !== undefined) terminal.say(`error: ${error}`);
  else if (options.json) await terminal.printJson({ at: new Date(), queues: views });
  // Ages grow all the time, which is no news.
  const news = queueLines(
    views.map((view) => ({ ...view, oldestWaitingMs: undefined })),
    Infinity,
  ).join('\n');
  if (options.json || error !== undefined || news === before) return before;
  await terminal.print(new Date().toISOString());
  for (const line of queueLines(views, Infinity)) await terminal.print(line);
  return news;
}
