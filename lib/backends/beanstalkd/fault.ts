import { BackendError } from '../../core/backend.js';
import { messageOf } from '../../core/errors.js';
import { nameOf, type Address } from './client/connect.js';
import { CommandRefused, ConnectionLost, ProtocolFault } from './client/errors.js';

/** What of a publish was stored before it failed. */
interface Stored {
  readonly stored: number;
  readonly maybeStored: boolean;
}

/** An error as the core takes it: which server, what happened, and whether it may pass. */
export function fault(address: Address, error: unknown, stored?: Stored): BackendError {
  if (error instanceof BackendError) return error;
  return new BackendError(`the server at ${nameOf(address)}: ${messageOf(error)}`, {
    passing: isPassing(error),
    ...stored,
    cause: error,
  });
}

/** What the system says of a connection passes: the server may be started yet. A mistake of ours does not. */
function isPassing(error: unknown): boolean {
  if (error instanceof CommandRefused || error instanceof ConnectionLost || error instanceof ProtocolFault) {
    return error.passing;
  }
  return !(error instanceof RangeError || error instanceof TypeError);
}
