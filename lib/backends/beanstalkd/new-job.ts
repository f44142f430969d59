import { BackendError } from '../../core/backend.js';
import { encodeMessage, type Message } from '../../core/message.js';
import type { NewJob } from './client/commands.js';
import { delayUntil } from './delay.js';

/**
 * The job that a message becomes.
 *
 * @throws BackendError where it is too large
 */
export function jobOf(message: Message, ttr: number, maxBytes: number): NewJob {
  const body = encodeMessage(message);
  checkSize('message', body, maxBytes);
  return { priority: message.priority, delay: delayUntil(message.readyAt), ttr, body };
}

/** @throws BackendError that says how large it is, and how large it may be */
export function checkSize(what: string, body: string, maxBytes: number): void {
  // A character has 3 bytes at most.
  const size = 3 * body.length > maxBytes ? Buffer.byteLength(body) : 0;
  if (size <= maxBytes) return;
  throw new BackendError(`the ${what} has ${size} bytes, and the server takes at most ${maxBytes}`, { passing: false });
}
