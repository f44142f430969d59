import { BackendError } from '../../core/backend.js';
import { messageOf } from '../../core/errors.js';

/** What Redis answers while it can't serve, but may again without anyone changing a setting or a program. */
const PASSING =
  /^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|OOM|MISCONF|NOREPLICAS|UNBLOCKED|NOSCRIPT|EXECABORT)\b/;

/** Whether Redis itself has refused a command, so that it surely was not carried out. */
export function isReply(error: unknown): boolean {
  return (error as { name?: unknown } | undefined)?.name === 'ReplyError';
}

/** A failed operation as the contract has it. */
export function faultOf(cause: unknown, where: string): BackendError {
  if (cause instanceof BackendError) return cause;
  // The whole script and the job's data, which no log should be given.
  if (typeof cause === 'object' && cause !== null) Reflect.deleteProperty(cause, 'command');
  const passing = !isReply(cause) || PASSING.test(messageOf(cause));
  return new BackendError(`Redis at ${where}: ${explain(cause)}`, { passing, cause });
}

/** What ioredis says of a connection speaks of settings that nobody has made. */
function explain(cause: unknown): string {
  const message = messageOf(cause);
  if (/max retries per request|Connection is closed/.test(message)) return 'the connection broke';
  if (wasNeverSent(cause)) return 'there is no connection';
  return isReply(cause) ? message : `no answer: ${message}`;
}

/** Whether ioredis has refused a command, for there is no connection. */
export function wasNeverSent(error: unknown): boolean {
  return messageOf(error).includes('enableOfflineQueue');
}
