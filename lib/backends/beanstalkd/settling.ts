import type { Settlement } from '../../core/backend.js';
import { systemClock } from '../../core/clock.js';
import { encodeMessage, isUnreadable, type Message } from '../../core/message.js';
import { decodeMessage } from '../../core/message-decoding.js';
import type { NewJob } from './client/commands.js';
import { CommandRefused } from './client/errors.js';
import { delayToBury } from './counting.js';
import { delayUntil } from './delay.js';
import type { HeldJob } from './held-job.js';
import { jobOf } from './new-job.js';
import { noteJob, noteOf } from './notes.js';
import type { Server } from './server.js';
import { notesTubeOf } from './tubes.js';

export interface SettlingSetup {
  readonly server: Server;
  /** The ttr of jobs that are put again, in seconds. */
  readonly ttr: number;
  readonly warn: (message: string) => void;
}

type Of<Kind extends Settlement['kind']> = Extract<Settlement, { readonly kind: Kind }>;

/** While a job is delayed by so many seconds, nobody else can have it. */
const SHORT_DELAY_S = 1;

/**
 * Ends deliveries. Only `delete` and `kick-job` do their work for whoever asks, so they are sent only while this lane
 * surely holds the job, or has just released it.
 */
export class Settling {
  constructor(private readonly setup: SettlingSetup) {}

  /** Resolves with false where the lane holds the job no more. */
  async settle(job: HeldJob, tube: string, settlement: Settlement): Promise<boolean> {
    if (job.closing && !isDelete(settlement)) job.stay();
    switch (settlement.kind) {
      case 'completed':
      case 'expired':
        return job.delete();
      case 'failed':
        return this.bury(job, tube, settlement);
      case 'again':
        return settlement.countsAttempt
          ? this.retry(job, tube, settlement.at)
          : this.giveBack(job, tube, settlement.at);
      case 'replaced':
        return this.replace(job, tube, settlement.message);
    }
  }

  /** Puts a job back at no cost. */
  async giveBack(job: HeldJob, tube: string, at: number): Promise<boolean> {
    if (delayUntil(at) > 0 || job.count.restarted) {
      return this.putAgain(job, tube, at, job.count.attempt - 1);
    }
    const { id, priority, lane } = job;
    const before = systemClock.monotonic();
    if (!(await lane.client.release(id, priority, SHORT_DELAY_S))) return false;
    // Once the delay is over, somebody may have it, and put it off himself.
    if (systemClock.monotonic() - before < SHORT_DELAY_S * 1000) await lane.client.kickJob(id);
    return true;
  }

  /** Puts a job back, and its delivery counts. */
  private retry(job: HeldJob, tube: string, at: number): Promise<boolean> {
    if (job.count.restarted) return this.putAgain(job, tube, at, job.count.attempt);
    return job.lane.client.release(job.id, job.priority, delayUntil(at));
  }

  /**
   * Puts a job again with its attempts in its header, and then deletes it. Should this process die in between, it is
   * there twice. What is no message has no header, and so the delivery counts.
   */
  private async putAgain(job: HeldJob, tube: string, at: number, attemptsUsed: number): Promise<boolean> {
    const body = this.bodyWith(job, attemptsUsed);
    if (body === undefined) return job.lane.client.release(job.id, job.priority, delayUntil(at));
    return this.giveWay(job, tube, { priority: job.priority, delay: delayUntil(at), ttr: this.setup.ttr, body });
  }

  /** Should this process die on the way, both are there. */
  private replace(job: HeldJob, tube: string, message: Message): Promise<boolean> {
    return this.giveWay(job, tube, jobOf(message, this.setup.ttr, this.setup.server.maxBytes));
  }

  /** Puts another job, and then deletes this one; the other, where the lane holds this one no more. */
  private async giveWay(job: HeldJob, tube: string, other: NewJob): Promise<boolean> {
    const { client } = job.lane;
    if (!(await job.extend())) return false;
    const id = await client.putInto(tube, other);
    if (await client.delete(job.id)) return true;
    await client.delete(id);
    return false;
  }

  /** The message with that many attempts, read anew: its handler may have changed the payload. */
  private bodyWith(job: HeldJob, attemptsUsed: number): string | undefined {
    const content = decodeMessage(job.body, job.id);
    if (isUnreadable(content)) return undefined;
    const publishedAt = content.publishedAt ?? job.storedAt;
    const body = encodeMessage({ ...content, publishedAt, attemptsUsed, body: JSON.stringify(content.payload) });
    return Buffer.byteLength(body) <= this.setup.server.maxBytes ? body : undefined;
  }

  /**
   * Buries a job where it is, after a note with the reason: a note without its job can be told, a job without its note
   * can't be explained. On its way it is delayed, never ready, with the count of its deliveries.
   */
  private async bury(job: HeldJob, tube: string, settlement: Of<'failed'>): Promise<boolean> {
    const { client } = job.lane;
    const { id, priority } = job;
    if (!(await job.extend())) return false;
    const note = await this.putNote(job, tube, settlement);
    if (await client.release(id, priority, delayToBury(job.count))) {
      const [, buried] = await Promise.all([client.reserveJob(id), client.bury(id, priority)]);
      if (buried) return true;
    }
    if (note !== undefined) await client.delete(note);
    return false;
  }

  private async putNote(job: HeldJob, tube: string, settlement: Of<'failed'>): Promise<string | undefined> {
    const { client } = job.lane;
    const { server, warn } = this.setup;
    try {
      const note = noteJob(noteOf(job, settlement), server.maxBytes);
      return await client.putInto(notesTubeOf(tube, job.content.id), note);
    } catch (error) {
      if (!(error instanceof CommandRefused && error.word === 'DRAINING')) throw error;
      // That may last for ever; a failed job must not run again and again meanwhile.
      warn(`beanstalkd takes no notes while it drains: the job ${id(job)} of tube "${tube}" is buried without one`);
      return undefined;
    }
  }
}

function isDelete({ kind }: Settlement): boolean {
  return kind === 'completed' || kind === 'expired';
}

function id({ content }: HeldJob): string {
  return JSON.stringify(content.id);
}
