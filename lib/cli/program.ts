import { Command } from 'commander';
import { VERSION } from '../core/version.js';
import { EXIT } from './exit-codes.js';
import { addCommand, codeOfCommander, type CommandSpec } from './run.js';

type Ended = (code: number) => void;
type Add = (program: Command, ended: Ended) => void;

/** The commands in the order in which they are listed, each loaded where it is called: most need little of what there is. */
const COMMANDS: ReadonlyMap<string, () => Promise<Add>> = new Map([
  ['publish', async () => adding((await import('./commands/publish.js')).publish)],
  ['work', async () => adding((await import('./commands/work.js')).work)],
  ['drain', async () => adding((await import('./commands/drain.js')).drain)],
  ['ls', async () => adding((await import('./commands/ls.js')).ls)],
  ['show', async () => adding((await import('./commands/show.js')).show)],
  ['failures', async () => adding((await import('./commands/failures.js')).failures)],
  ['retry', async () => adding((await import('./commands/retry.js')).retry)],
  ['rm', async () => adding((await import('./commands/rm.js')).rm)],
  ['run-now', async () => adding((await import('./commands/single-jobs.js')).runNow)],
  ['cancel', async () => adding((await import('./commands/single-jobs.js')).cancel)],
  ['pause', async () => adding((await import('./commands/pausing.js')).pause)],
  ['resume', async () => adding((await import('./commands/pausing.js')).resume)],
  ['workers', async () => adding((await import('./commands/workers.js')).workers)],
  ['watch', async () => adding((await import('./commands/watch.js')).watch)],
  ['events', async () => adding((await import('./commands/events.js')).events)],
  ['move', async () => adding((await import('./commands/move.js')).move)],
  ['doctor', async () => adding((await import('./commands/doctor.js')).doctor)],
]);

/** Runs a command line, and gives the exit code of its process. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  let code: number = EXIT.done;
  const program = new Command('nestjs-jobs')
    .description('Publishes, handles and operates the jobs of nestjs-jobs, on every engine.')
    .version(VERSION, '-V, --version')
    .exitOverride()
    .configureHelp({ sortSubcommands: false })
    .addHelpText('after', EXITS);
  for (const add of await commandsFor(args)) add(program, (its) => void (code = its));
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    return codeOfCommander(error);
  }
  return code;
}

/** What a command line may mean: the command that it names first, else any of them, for the help or a suggestion. */
async function commandsFor([first = '']: readonly string[]): Promise<readonly Add[]> {
  const named = COMMANDS.get(first);
  if (named) return [await named()];
  const isVersion = first === '--version' || first === '-V';
  return Promise.all(isVersion ? [] : [...COMMANDS.values()].map((load) => load()));
}

function adding<Options>(spec: CommandSpec<Options>): Add {
  return (program, ended) => addCommand(program, spec, ended);
}

const EXITS = `
Exit codes: 0 done; 1 something was not done (not found, changed meanwhile, refused, or a job failed); 2 the command line
or the configuration is wrong; 3 the engine can't be reached, or failed; 4 this engine can't do that; 130 left at once.`;
