import { createHash } from 'node:crypto';
import type { InspectedJob, JobState } from '../../../core/inspector.js';
import { isUnreadable, type ReceivedMessage, type Unreadable } from '../../../core/message.js';
import { decodeMessage } from '../../../core/message-decoding.js';
import type { Client, ReservedJob } from '../client/client.js';
import type { Stats } from '../client/stats.js';
import { attemptsBegun } from '../counting.js';
import type { Note } from '../notes.js';
import { textOfPlace } from './place.js';

/** The server's words for where a job stands. */
const STATES: Readonly<Record<string, JobState>> = {
  ready: 'waiting',
  delayed: 'delayed',
  reserved: 'active',
  buried: 'failed',
};

/** A job of the server's, looked at without taking it. */
export interface LookedAt {
  readonly id: string;
  readonly body: Buffer;
  readonly tube: string;
  readonly state: JobState;
  readonly stats: Stats;
  readonly content: ReceivedMessage | Unreadable;
  /** What tells it from another that has got its id since: the server begins again at 1 when it starts empty. */
  readonly digest: string;
}

/** Undefined where there is no such job. */
export async function lookAt(client: Client, id: string): Promise<LookedAt | undefined> {
  const [job, stats] = await Promise.all([client.peek(id), client.statsJob(id)]);
  return job && stats && lookedAt(job, stats);
}

/** The next job of a tube in a state. It may have gone on since it was found: then the one after it. */
export async function headOf(
  client: Client,
  tube: string,
  state: 'waiting' | 'delayed' | 'failed',
): Promise<LookedAt | undefined> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const used = client.use(tube);
    const peeked =
      state === 'waiting' ? client.peekReady() : state === 'delayed' ? client.peekDelayed() : client.peekBuried();
    // A tube that is in use is there, though it has no jobs.
    const [job] = await Promise.all([peeked, used, client.use('default')]);
    if (!job) return undefined;
    const found = await lookAt(client, job.id);
    if (found?.state === state && found.tube === tube) return found;
  }
  return undefined;
}

/** How often the head of a busy tube is looked for. */
const MOST_TRIES = 5;

function lookedAt({ id, body }: ReservedJob, stats: Stats): LookedAt {
  const digest = createHash('sha256').update(body).digest('base64url').slice(0, 22);
  const content = decodeMessage(body, id);
  const [state, tube] = [STATES[stats.text('state') ?? ''] ?? 'active', stats.text('tube') ?? ''];
  return { id, body, tube, state, stats, content, digest };
}

/** A job as it is shown, with the note about it where it has one. */
export function shown(queue: string, job: LookedAt, note?: { readonly id: string; readonly note: Note }): InspectedJob {
  const { id, state, stats, content, digest } = job;
  const now = Date.now();
  const readyAt = state === 'delayed' ? now + stats.number('time-left') * 1_000 : startIn(content, now);
  const endedAt = note && Date.parse(note.note.at);
  return {
    queue,
    key: textOfPlace({ id, digest, note: note?.id }),
    state,
    content,
    attempts: note?.note.attempts ?? attemptsOf(job),
    storedAt: now - stats.number('age') * 1_000,
    readyAt: state === 'failed' ? undefined : readyAt,
    endedAt: Number.isNaN(endedAt) ? undefined : endedAt,
    reason: note?.note.reason,
    failures: note?.note.failures ?? [],
  };
}

export function attemptsOf({ stats, content }: LookedAt): number {
  return attemptsBegun(stats, isUnreadable(content) ? 0 : content.attemptsUsed);
}

/** When a job that waits could be handled, as its message says. */
function startIn(content: ReceivedMessage | Unreadable, now: number): number | undefined {
  if (isUnreadable(content) || content.readyAt === undefined) return undefined;
  return Math.min(content.readyAt, now);
}
