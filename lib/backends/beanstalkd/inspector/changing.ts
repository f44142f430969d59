import type { ChangeResult, JobChange, JobPlace } from '../../../core/inspector.js';
import { encodeMessage, isUnreadable, type ReceivedMessage } from '../../../core/message.js';
import { LAST_MOMENT } from '../../../core/time.js';
import type { Client } from '../client/client.js';
import type { NewJob } from '../client/commands.js';
import { delayUntil } from '../delay.js';
import { checkSize } from '../new-job.js';
import type { Server } from '../server.js';
import { attemptsOf, lookAt, type LookedAt } from './looked-at.js';
import { placeIn } from './place.js';
import { putDelivered } from './putting.js';

/** How many jobs are changed together. */
const AT_A_TIME = 200;

/** Changes jobs of a tube, each looked at before, by commands of one connection: an id means nothing on another. */
export class Changing {
  constructor(private readonly server: Server) {}

  async change(
    client: Client,
    tube: string,
    places: readonly JobPlace[],
    change: JobChange,
  ): Promise<readonly ChangeResult[]> {
    const results: ChangeResult[] = [];
    for (let from = 0; from < places.length; from += AT_A_TIME) {
      const some = places.slice(from, from + AT_A_TIME);
      results.push(...(await Promise.all(some.map((place) => this.changeOne(client, tube, place, change)))));
    }
    return results;
  }

  private async changeOne(
    client: Client,
    tube: string,
    { key, state }: JobPlace,
    change: JobChange,
  ): Promise<ChangeResult> {
    const place = placeIn(key);
    if (!place || !isFor(change, state)) return 'changed';
    const job = await lookAt(client, place.id);
    if (job?.state !== state || job.tube !== tube || job.digest !== place.digest) return 'changed';
    const done = change.kind === 'remove' ? await client.delete(job.id) : await this.putAgain(client, job, change);
    if (done && place.note !== undefined) await client.delete(place.note);
    return done ? 'done' : 'changed';
  }

  /**
   * Takes the job, puts it as it is to be, behind its equals, and deletes the old one. Should this process die on the way,
   * the old one waits, and may be there beside the new.
   */
  private async putAgain(
    client: Client,
    job: LookedAt,
    change: Exclude<JobChange, { readonly kind: 'remove' }>,
  ): Promise<boolean> {
    const { id, tube, stats } = job;
    const attempts = change.kind === 'retry' ? 0 : attemptsOf(job);
    const readyAt =
      change.kind === 'reschedule' && change.at > Date.now() ? Math.min(change.at, LAST_MOMENT) : undefined;
    const [priority, ttr] = [stats.number('pri'), stats.number('ttr')];
    const body = this.bodyOf(job, attempts, readyAt);
    if (!(await client.reserveJob(id))) return false;
    try {
      const next: NewJob = { priority, ttr, delay: delayUntil(readyAt), body };
      await putDelivered(client, tube, next, isUnreadable(job.content) ? attempts : 0);
    } catch (error) {
      await giveBack(client, job);
      throw error;
    }
    return client.delete(id);
  }

  /** As it came, where it says all that it has to. */
  private bodyOf(
    { id, body, content, stats }: LookedAt,
    attempts: number,
    readyAt: number | undefined,
  ): Buffer | string {
    if (isUnreadable(content)) return body;
    const isLate = content.readyAt !== undefined && content.readyAt > Date.now();
    if (content.id !== id && content.attemptsUsed === attempts && !isLate && readyAt === undefined) return body;
    const publishedAt = content.publishedAt ?? Date.now() - stats.number('age') * 1_000;
    const next = textOf({ ...content, publishedAt, attemptsUsed: attempts, readyAt });
    checkSize('message', next, this.server.maxBytes);
    return next;
  }
}

function textOf({ payload, ...envelope }: ReceivedMessage): string {
  return encodeMessage({ ...envelope, body: JSON.stringify(payload) });
}

/** As near to what it was as can be. */
async function giveBack(client: Client, { id, state, stats }: LookedAt): Promise<void> {
  const priority = stats.number('pri');
  if (state === 'failed') await client.bury(id, priority);
  else await client.release(id, priority, state === 'delayed' ? Math.max(stats.number('time-left'), 1) : 0);
}

function isFor({ kind }: JobChange, state: JobPlace['state']): boolean {
  if (kind === 'retry') return state === 'failed';
  return state === 'waiting' || state === 'delayed' || (kind === 'remove' && state === 'failed');
}
