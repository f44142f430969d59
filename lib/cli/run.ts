import { Command, CommanderError, Option } from 'commander';
import type { Backend } from '../core/backend.js';
import { messageOf, toError } from '../core/errors.js';
import { describeError } from '../core/failure-record.js';
import { chosenBackend } from './chosen-backend.js';
import { EXIT } from './exit-codes.js';
import { exitCodeOf } from './failing.js';
import { openBackend, type Opening } from './opened-backend.js';
import { withoutSecrets } from './secrets.js';
import { OutputClosedError, Terminal } from './terminal.js';

/** What every command takes. */
export interface CommonOptions {
  readonly backend?: string;
  readonly config?: string;
  readonly json?: boolean;
  readonly verbose?: boolean;
}

/** What a command works with. */
export interface Session<Options> {
  readonly options: Options & CommonOptions;
  readonly terminal: Terminal;
  /** The URL of the engine that is meant. @throws UsageError where none is named */
  url(): Promise<string>;
  /** Opens the engine; it is closed when the command has ended. */
  open(opening?: Omit<Opening, 'warn'> & { readonly url?: string }): Promise<Backend>;
}

/** A command: how it is called, how it is explained, and what it does. */
export interface CommandSpec<Options> {
  /** Its name. */
  readonly name: string;
  readonly summary: string;
  /** A line of the shell, and what it does. */
  readonly examples: readonly (readonly [line: string, what: string])[];
  /** Adds what it takes beside that which all take. */
  readonly configure?: (command: Command) => unknown;
  /** @returns its exit code */
  readonly run: (session: Session<Options>, ...args: (string | undefined)[]) => Promise<number>;
}

/** Adds a command to a program, which hears of its exit code. */
export function addCommand<Options>(program: Command, spec: CommandSpec<Options>, ended: (code: number) => void): void {
  const command = program.command(spec.name).description(spec.summary);
  spec.configure?.(command);
  command
    .addOption(
      new Option(
        '-b, --backend <url>',
        'the engine: filer:var/jobs, redis://…, beanstalkd://… (else JOBS_URL, else the configuration)',
      ),
    )
    .addOption(new Option('-c, --config <file>', 'the configuration (default: jobs.yaml, where it is there)'))
    .addOption(new Option('--json', 'answer in JSON'))
    .addOption(new Option('--verbose', 'errors with their stacks'))
    .addHelpText(
      'after',
      `\nExamples:\n${spec.examples.map(([line, what]) => `  $ ${line}\n      ${what}`).join('\n')}`,
    );
  command.action(async (...given: unknown[]) => {
    // A list comes as one of its arguments.
    const args = given.slice(0, -2).flat() as (string | undefined)[];
    ended(await runInSession(spec, command.opts<Options & CommonOptions>(), args));
  });
}

async function runInSession<Options>(
  spec: CommandSpec<Options>,
  options: Options & CommonOptions,
  args: readonly (string | undefined)[],
): Promise<number> {
  let chosen: string | undefined;
  const urls: string[] = [];
  const backends: Backend[] = [];
  const terminal = new Terminal(options.json ?? false, (text) => withoutSecrets(text, urls));
  const session: Session<Options> = {
    options,
    terminal,
    url: async () => (chosen ??= await chosenBackend(options)),
    open: async ({ url, ...opening } = {}) => {
      // Whether jobs are safe there concerns those who store them.
      const warn = (message: string): void => void (opening.makes && terminal.say(`warning: ${message}`));
      const named = url ?? (await session.url());
      urls.push(named);
      const backend = await openBackend(named, { ...opening, warn });
      backends.push(backend);
      return backend;
    },
  };
  try {
    return await spec.run(session, ...args);
  } catch (error) {
    return failed(error, terminal, options.verbose ?? false);
  } finally {
    for (const backend of backends) await backend.close().catch(() => undefined);
  }
}

/** Tells an error in one line, and gives its exit code. */
function failed(thrown: unknown, terminal: Terminal, verbose: boolean): number {
  if (thrown instanceof OutputClosedError) return EXIT.done;
  const error = toError(thrown);
  const message = messageOf(error).split('\n').join(' ');
  terminal.say(`error: ${message}`);
  if (verbose) terminal.say(describeError(error).stack ?? '');
  return exitCodeOf(error);
}

/** The exit code of what commander has refused, or of its help. */
export function codeOfCommander(error: unknown): number {
  if (!(error instanceof CommanderError)) throw error;
  return error.exitCode === 0 ? EXIT.done : EXIT.usage;
}
