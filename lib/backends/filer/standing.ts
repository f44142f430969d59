import type { JobState } from '../../core/inspector.js';
import { DEFAULT_PRIORITY, isUnreadable, type ReceivedMessage, type Unreadable } from '../../core/message.js';
import { isLeftAlone, parseDelayed, parsePending, parseWaiting, type NamedJob } from './file-name.js';
import type { FolderName } from './folders.js';
import { timeOfOrder } from './order.js';

/** Where the jobs of each state are. */
export const FOLDERS_OF: Readonly<Record<JobState, readonly FolderName[]>> = {
  waiting: ['incoming', 'delayed'],
  delayed: ['delayed'],
  active: ['pending'],
  completed: [],
  failed: ['errors'],
  expired: ['expired'],
};

/** A job as its file's place and name tell of it. */
export interface StandingFile {
  readonly folder: FolderName;
  readonly file: string;
  readonly state: JobState;
  /**
   * What sorts it among those of its state, and is its own: upwards in the order of serving or falling due, of others
   * downwards.
   */
  readonly rank: string;
}

/** Of a file of others' name nobody knows the place before its turn: it is shown behind ours of the usual priority. */
const FOREIGN_RANK = `${String(DEFAULT_PRIORITY).padStart(10, '0')},~`;

/** What a file in a folder of a queue stands for; undefined where it is no job's. */
export function standing(folder: FolderName, file: string, now: number): StandingFile | undefined {
  if (isLeftAlone(file)) return undefined;
  switch (folder) {
    case 'incoming':
      return { folder, file, state: 'waiting', rank: parseWaiting(file) ? file : FOREIGN_RANK + file };
    case 'delayed': {
      const found = parseDelayed(file);
      if (!found) return undefined;
      return found.due <= now
        ? { folder, file, state: 'waiting', rank: found.waiting }
        : { folder, file, state: 'delayed', rank: file };
    }
    case 'pending': {
      const claimedAt = parsePending(file)?.claimedAt ?? 0;
      return { folder, file, state: 'active', rank: `${String(claimedAt).padStart(15, '0')} ${file}` };
    }
    case 'errors':
      return { folder, file, state: 'failed', rank: file };
    case 'expired':
      return { folder, file, state: 'expired', rank: file };
    default:
      return undefined;
  }
}

/** Whether one comes before the other in the list of a state. */
export function comesBefore(state: JobState, a: string, b: string): boolean {
  return state === 'waiting' || state === 'delayed' ? a < b : a > b;
}

/** Since when a job that waits may be handled, as its name tells: since its delay is over, or it got its place. */
export function waitsSince({ folder, file }: StandingFile): number | undefined {
  if (folder === 'delayed') return parseDelayed(file)?.due;
  const name = parseWaiting(file);
  return name && timeOfOrder(name.order);
}

/** What the name of a living job's file says of it; undefined of a foreign one. */
export function nameOf(file: string): NamedJob | undefined {
  const waiting = parseDelayed(file)?.waiting ?? file;
  return parsePending(waiting) ?? parseWaiting(waiting);
}

/** The content of a job that is to be handled: after an operator's decision, what it says of a delay counts no more. */
export function undelayed<Content extends ReceivedMessage | Unreadable>(
  content: Content,
  name: NamedJob,
  { folder, file }: Pick<StandingFile, 'folder' | 'file'>,
): Content | ReceivedMessage {
  if (!name.rescheduled || isUnreadable(content)) return content;
  const due = folder === 'delayed' ? parseDelayed(file)?.due : undefined;
  return { ...content, readyAt: due ?? Math.min(timeOfOrder(name.order), Date.now()) };
}
