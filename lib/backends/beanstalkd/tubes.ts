import { createHash } from 'node:crypto';
import { checkTube } from './client/arguments.js';

/** Behind the name of a queue; `;` is in no queue's name, so that no queue's tube can be another's. */
const FAILED = ';failed';

/**
 * Over so many tubes the notes of a queue are spread by the jobs' ids, so that one is found among fewer. No more, for the
 * server looks through all its tubes at each command.
 */
const NOTES_TUBES = 8;

/** The tube of a queue's jobs. */
export function tubeOf(prefix: string, queue: string): string {
  return checkTube(prefix + queue);
}

/** The queue whose jobs a tube has; undefined where it has something else, or is of another prefix. */
export function queueOf(prefix: string, tube: string): string | undefined {
  const queue = tube.startsWith(prefix) ? tube.slice(prefix.length) : '';
  return queue === '' || queue.includes(';') ? undefined : queue;
}

/** The tube of the note about a job with this id that is buried in a tube. */
export function notesTubeOf(tube: string, id: string): string {
  // As JSON, which keeps halves of surrogate pairs apart.
  const [byte = 0] = createHash('sha256').update(JSON.stringify(id)).digest();
  return checkTube(`${tube}${FAILED}${byte % NOTES_TUBES}`);
}

/** The tubes of the notes about the jobs that are buried in a tube; with an id, about those with that id. */
export function notesTubesOf(tube: string, id?: string): readonly string[] {
  const spread = Array.from({ length: NOTES_TUBES }, (_, n) => `${tube}${FAILED}${n}`);
  // All were in one tube once.
  return [...(id === undefined ? spread : [notesTubeOf(tube, id)]), `${tube}${FAILED}`].map(checkTube);
}

/** The longest prefix, so that a queue of 100 characters has its tubes. */
export const LONGEST_PREFIX = 92;
