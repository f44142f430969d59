import { Command } from 'commander';
import { doctor } from './commands/doctor.js';
import { drain } from './commands/drain.js';
import { events } from './commands/events.js';
import { failures } from './commands/failures.js';
import { ls } from './commands/ls.js';
import { move } from './commands/move.js';
import { pause, resume } from './commands/pausing.js';
import { publish } from './commands/publish.js';
import { retry } from './commands/retry.js';
import { rm } from './commands/rm.js';
import { show } from './commands/show.js';
import { cancel, runNow } from './commands/single-jobs.js';
import { watch } from './commands/watch.js';
import { work } from './commands/work.js';
import { workers } from './commands/workers.js';
import { VERSION } from '../core/version.js';
import { addCommand, codeOfCommander } from './run.js';
import { EXIT } from './exit-codes.js';

/** Runs a command line, and gives the exit code of its process. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  let code: number = EXIT.done;
  const program = new Command('nestjs-jobs')
    .description('Publishes, handles and operates the jobs of nestjs-jobs, on every engine.')
    .version(VERSION, '-V, --version')
    .exitOverride()
    .configureHelp({ sortSubcommands: false })
    .addHelpText('after', EXITS);
  const ended = (its: number): void => void (code = its);
  addCommand(program, publish, ended);
  addCommand(program, work, ended);
  addCommand(program, drain, ended);
  addCommand(program, ls, ended);
  addCommand(program, show, ended);
  addCommand(program, failures, ended);
  addCommand(program, retry, ended);
  addCommand(program, rm, ended);
  addCommand(program, runNow, ended);
  addCommand(program, cancel, ended);
  addCommand(program, pause, ended);
  addCommand(program, resume, ended);
  addCommand(program, workers, ended);
  addCommand(program, watch, ended);
  addCommand(program, events, ended);
  addCommand(program, move, ended);
  addCommand(program, doctor, ended);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    return codeOfCommander(error);
  }
  return code;
}

const EXITS = `
Exit codes: 0 done; 1 something was not done (not found, changed meanwhile, refused, or a job failed); 2 the command line
or the configuration is wrong; 3 the engine can't be reached, or failed; 4 this engine can't do that; 130 left at once.`;
