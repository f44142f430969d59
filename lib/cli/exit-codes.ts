/** How a command ends; scripts may rely on these. */
export const EXIT = {
  done: 0,
  /** Something was not done: not found, changed meanwhile, refused, or a job failed. */
  undone: 1,
  /** The command line or the configuration is wrong; nothing was begun. */
  usage: 2,
  /** The engine can't be reached, or failed. */
  engine: 3,
  /** This engine can't do that, and never will. */
  unable: 4,
  /** Left at once, by a second Ctrl-C. */
  interrupted: 130,
} as const;

/** What a user can understand without a stack: told in one line, with its exit code. */
export class CliError extends Error {
  override readonly name: string = 'CliError';

  constructor(
    message: string,
    readonly exitCode: number,
    options: { readonly cause?: unknown } = {},
  ) {
    super(message, options);
  }
}

/** The command line or the configuration is wrong. */
export class UsageError extends CliError {
  override readonly name = 'UsageError';

  constructor(message: string, options: { readonly cause?: unknown } = {}) {
    super(message, EXIT.usage, options);
  }
}
