import { BackendError } from '../core/backend.js';
import { PublishError } from '../core/publish-error.js';
import { BulkActionError, OperatorTimeoutError, UnsupportedActionError } from '../operating/operating-errors.js';
import { CliError, EXIT } from './exit-codes.js';

/** The exit code of a command that an error has ended. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CliError) return error.exitCode;
  if (error instanceof UnsupportedActionError) return EXIT.unable;
  if (error instanceof BulkActionError) return exitCodeOf(error.cause);
  if (isOfEngine(error)) return EXIT.engine;
  // What the core and the operator refuse of what was typed.
  return error instanceof TypeError ? EXIT.usage : EXIT.undone;
}

/** Whether an error is the engine's. */
export function isOfEngine(error: unknown): boolean {
  if (error instanceof BackendError || error instanceof OperatorTimeoutError) return true;
  return error instanceof PublishError && error.tried;
}
