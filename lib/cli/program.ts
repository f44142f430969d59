import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { drain } from './commands/drain.js';
import { publish } from './commands/publish.js';
import { work } from './commands/work.js';
import { addCommand, codeOfCommander } from './run.js';
import { EXIT } from './exit-codes.js';

/** Runs a command line, and gives the exit code of its process. */
export async function runCommandLine(args: readonly string[]): Promise<number> {
  let code: number = EXIT.done;
  const program = new Command('nestjs-jobs')
    .description('Publishes, handles and operates the jobs of nestjs-jobs, on every engine.')
    .version(version(), '-V, --version')
    .exitOverride()
    .configureHelp({ sortSubcommands: false })
    .addHelpText('after', EXITS);
  const ended = (its: number): void => void (code = its);
  addCommand(program, publish, ended);
  addCommand(program, work, ended);
  addCommand(program, drain, ended);
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

function version(): string {
  const file = new URL('../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
