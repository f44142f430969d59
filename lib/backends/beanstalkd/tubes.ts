import { checkTube } from './client/arguments.js';

/** Behind the name of a queue; `;` is in no queue's name, so that no queue's tube can be another's. */
const FAILED = ';failed';

/** The tube of a queue's jobs. */
export function tubeOf(prefix: string, queue: string): string {
  return checkTube(prefix + queue);
}

/** The queue whose jobs a tube has; undefined where it has something else, or is of another prefix. */
export function queueOf(prefix: string, tube: string): string | undefined {
  const queue = tube.startsWith(prefix) ? tube.slice(prefix.length) : '';
  return queue === '' || queue.includes(';') ? undefined : queue;
}

/** The tube of the notes about the jobs that are buried in a tube. */
export function notesTubeOf(tube: string): string {
  return checkTube(tube + FAILED);
}

/** The longest prefix, so that a queue of 100 characters has its tubes. */
export const LONGEST_PREFIX = 93;
