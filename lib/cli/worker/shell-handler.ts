import { FatalError, BlockedError, TransientError, toError } from '../../core/errors.js';
import type { Job } from '../../core/job.js';
import { BoundedText } from './bounded-text.js';
import { runCommand, type RunEnd } from './process-group.js';
import { argumentsFor, type CommandTemplate } from './shell-arguments.js';

/** What an exit code means. */
export type ExitMeaning = 'done' | 'transient' | 'blocked' | 'fatal';

/** A command that handles jobs. */
export interface ShellCommand {
  /** The program as it is configured. */
  readonly called: string;
  readonly command: CommandTemplate;
  readonly directory: string;
  readonly environment: Readonly<Record<string, string>>;
  /** By the exit code; `others` for those that are not named. */
  readonly exits: { readonly byCode: ReadonlyMap<number, ExitMeaning>; readonly others: ExitMeaning };
  readonly killAfterMs: number;
}

/** What a command's job gives. */
export interface ShellResult {
  /** What it printed, line by line. */
  readonly files: readonly string[];
  /** It printed more than is kept. */
  readonly cut?: true;
}

/** How much of what it prints is kept: names of files; the end of what it says when it fails. */
const STDOUT_BYTES = 65_536;
const STDERR_BYTES = 4_096;

/** What can't be started for a reason that may pass: the program is being replaced, or the host is short of something. */
const NO_START_PASSES = new Set(['ENOENT', 'EACCES', 'ETXTBSY', 'EAGAIN', 'EMFILE', 'ENFILE', 'ENOMEM']);

/**
 * Runs a command for a job: the payload on its stdin as JSON, the files that it names on stdout as the result, and the end
 * of its stderr as the reason where it fails.
 *
 * @throws FatalError, TransientError or BlockedError, by its exit code
 */
export async function runShell(shell: ShellCommand, payload: unknown, job: Job): Promise<ShellResult> {
  const { called, command, directory, exits, killAfterMs } = shell;
  const args = argumentsFor(command, job);
  const stdout = new BoundedText(STDOUT_BYTES, 'start');
  const stderr = new BoundedText(STDERR_BYTES, 'end');
  const environment = {
    ...process.env,
    ...shell.environment,
    JOB_ID: withoutNul(job.id),
    JOB_NAME: withoutNul(job.name),
    JOB_QUEUE: job.queue,
    JOB_ATTEMPT: String(job.attempt),
  };
  let end: RunEnd;
  try {
    end = await runCommand({
      program: command.program,
      args,
      directory,
      environment,
      input: JSON.stringify(payload),
      signal: job.signal,
      killAfterMs,
      onStdout: (chunk) => stdout.add(chunk),
      onStderr: (chunk) => stderr.add(chunk),
    });
  } catch (thrown) {
    throw notStarted(called, thrown);
  }
  if (job.signal.aborted) throw toError(job.signal.reason);
  const meaning = end.code === null ? 'transient' : (exits.byCode.get(end.code) ?? exits.others);
  if (meaning === 'done') return resultOf(stdout);
  throw errorOf(meaning, reasonOf(called, end, stderr.text));
}

function resultOf(stdout: BoundedText): ShellResult {
  const lines = stdout.text.split('\n').map((line) => line.replace(/\r$/, ''));
  // A name that is cut is none.
  const whole = stdout.isCut ? lines.slice(0, -1) : lines;
  return { files: whole.filter((line) => line !== ''), ...(stdout.isCut ? { cut: true } : {}) };
}

function reasonOf(program: string, { code, signal }: RunEnd, stderr: string): string {
  const how = signal ? `was killed by ${signal}` : `ended with exit code ${code}`;
  const said = stderr.trim();
  return `${program} ${how}${said ? `: ${said}` : ''}`;
}

function errorOf(meaning: Exclude<ExitMeaning, 'done'>, message: string): Error {
  const error = { transient: TransientError, blocked: BlockedError, fatal: FatalError }[meaning];
  return withoutStack(new error(message));
}

function notStarted(program: string, thrown: unknown): Error {
  const error = toError(thrown) as NodeJS.ErrnoException;
  const message = `${program} can't be started: ${error.message}`;
  return NO_START_PASSES.has(error.code ?? '') ? new TransientError(message) : new FatalError(message);
}

/** Where in this package it was thrown says nothing of a command. */
function withoutStack(error: Error): Error {
  error.stack = `${error.name}: ${error.message}`;
  return error;
}

function withoutNul(text: string): string {
  return text.replaceAll('\0', '');
}
