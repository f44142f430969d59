import type { StoredState, StoreResult } from '../../../core/inspector.js';
import { BackendError } from '../../../core/backend.js';
import { DEFAULT_PRIORITY, isUnreadable } from '../../../core/message.js';
import { contentFrom, startOf } from '../../../core/stood.js';
import { LARGEST } from '../client/arguments.js';
import type { Client } from '../client/client.js';
import type { NewJob } from '../client/commands.js';
import { delayToBury } from '../counting.js';
import { delayUntil } from '../delay.js';
import { checkSize, jobOf } from '../new-job.js';
import { noteJob, type Note } from '../notes.js';
import type { Server } from '../server.js';
import { notesTubeOf } from '../tubes.js';
import { putDelivered } from './putting.js';

/** How many jobs are stored together. */
const AT_A_TIME = 200;

/** Stores jobs in a tube as they stood elsewhere. Whether one of an id is there already, nobody can tell. */
export class Storing {
  constructor(
    private readonly server: Server,
    private readonly ttr: number,
  ) {}

  async store(client: Client, tube: string, jobs: readonly StoredState[]): Promise<readonly StoreResult[]> {
    const results: StoreResult[] = [];
    for (let from = 0; from < jobs.length; from += AT_A_TIME) {
      const some = jobs.slice(from, from + AT_A_TIME);
      // Each puts before it waits for anything, so that their order is kept.
      results.push(...(await Promise.all(some.map((job) => this.storeOne(client, tube, job)))));
    }
    return results;
  }

  private async storeOne(client: Client, tube: string, stood: StoredState): Promise<StoreResult> {
    const job = this.jobOf(stood, Date.now());
    if ('refused' in job) return job;
    if (stood.state === 'failed') return this.storeFailed(client, tube, job, stood);
    await putDelivered(client, tube, job, isUnreadable(stood.content) ? stood.attempts : 0);
    return 'stored';
  }

  private jobOf(stood: StoredState, now: number): NewJob | { readonly refused: string } {
    const content = stood.state === 'failed' ? stood.content : contentFrom(stood, now);
    try {
      if (isUnreadable(content)) {
        checkSize('message', Buffer.from(content.bytes).toString('latin1'), this.server.maxBytes);
        return {
          priority: DEFAULT_PRIORITY,
          delay: delayUntil(startOf(stood, now)),
          ttr: this.ttr,
          body: content.bytes,
        };
      }
      const used = stood.state === 'failed' ? content.attemptsUsed : stood.attempts;
      const job = jobOf({ ...content, attemptsUsed: used }, this.ttr, this.server.maxBytes);
      return { ...job, delay: delayUntil(startOf(stood, now)) };
    } catch (error) {
      if (error instanceof BackendError) return { refused: error.message };
      throw error;
    }
  }

  /**
   * Buries it with its note, as if it had failed here. On its way nobody can have it: should this process die, it stays
   * delayed for ever rather than to run. What comes after the put and the note goes in one write.
   */
  private async storeFailed(client: Client, tube: string, job: NewJob, stood: StoredState): Promise<StoreResult> {
    const id = await client.putInto(tube, { ...job, delay: LARGEST });
    const about = noteOf(id, stood);
    const note = await client.putInto(notesTubeOf(tube, about.id), noteJob(about, this.server.maxBytes));
    const delay = delayToBury({ attempt: 1, deliveries: 1, restarted: false });
    const [, , , buried] = await Promise.all([
      client.reserveJob(id),
      client.release(id, job.priority, delay),
      client.reserveJob(id),
      client.bury(id, job.priority),
    ]);
    if (buried) return 'stored';
    await client.delete(note);
    return { refused: 'it was taken before it could be buried' };
  }
}

function noteOf(job: string, { content, endedAt, reason = '', attempts, failures }: StoredState): Note {
  return {
    job,
    // As it is read from the stored bytes.
    id: isUnreadable(content) ? job : content.id,
    name: isUnreadable(content) ? undefined : content.name,
    state: 'failed',
    reason,
    at: new Date(endedAt ?? Date.now()).toISOString(),
    attempts,
    failures,
  };
}
