import { pause, systemClock } from '../../../core/clock.js';
import type { Client, ReservedJob } from '../client/client.js';
import { mailIn, pendingRecordJob, recordIn, recordJob, type RecordBody } from './record-job.js';

/** A record that is there, and its job. */
export interface Living {
  readonly id: string;
  readonly record: RecordBody;
}

/** How long a swap may be under way before it counts as dead, and how often it is looked for, in milliseconds. */
const SWAP_MS = 1_000;
const LOOK_MS = 2;

/**
 * The rules by which of all jobs in a tube one is the record: the ready one of the lowest id.
 *
 * - Who claims puts his, and has won where it is the first. Else he takes it away, and makes sure that the other was there
 *   until then: if not, somebody may have found his, and was told that it is there. So he tries again.
 * - Who swaps puts his as a delayed job, which is none yet. Who then deletes the old one has won, and kicks his. As long as
 *   there is a delayed job, who finds no record waits.
 * - Who sets puts his, and deletes all that are older.
 */
export class Places {
  /** The record of a tube. Those whose time is over, and what is no record, it deletes. */
  async living(client: Client, tube: string): Promise<Living | undefined> {
    const giveUpAt = systemClock.monotonic() + SWAP_MS;
    for (;;) {
      const [head, pending] = await Promise.all([client.peekIn(tube), client.peekDelayed()]);
      const record = head && livingIn(head);
      if (head && record) return { id: head.id, record };
      if (head) await client.delete(head.id);
      else if (!pending) return undefined;
      else if (systemClock.monotonic() < giveUpAt) await pause(systemClock, LOOK_MS);
      // Who swaps finds out when he kicks it.
      else await client.delete(pending.id);
    }
  }

  /** Puts a record; resolves with the one that was there before, which stays then. */
  async claim(client: Client, tube: string, body: RecordBody): Promise<Living | undefined> {
    for (;;) {
      // Awaited together: where the connection is lost, what nobody awaits would end the process.
      const putting = client.putInto(tube, recordJob(body));
      const [id, ...found] = await Promise.all([putting, client.peekReady(), client.peekDelayed()]);
      let [first, pending] = found;
      while (first && first.id !== id && !livingIn(first)) {
        await client.delete(first.id);
        [first, pending] = await Promise.all([client.peekIn(tube), client.peekDelayed()]);
      }
      if (first?.id === id && !pending) return undefined;
      const record = first && livingIn(first);
      if (pending || !first || !record) {
        await client.delete(id);
        const living = await this.living(client, tube);
        if (living) return living;
        continue;
      }
      // One that was set meanwhile has taken its place.
      if (isOlder(id, first.id)) return { id: first.id, record };
      const [, still] = await Promise.all([client.delete(id), client.peek(first.id)]);
      if (still) return { id: first.id, record };
    }
  }

  /** Puts a record in the place of the one that has the text `from`; false where there is none. */
  async swap(client: Client, tube: string, from: string, body: RecordBody): Promise<boolean> {
    for (;;) {
      const before = await this.living(client, tube);
      if (before?.record.text !== from) return false;
      const id = await client.putInto(tube, pendingRecordJob(body));
      if (!(await client.delete(before.id))) {
        await client.delete(id);
        continue;
      }
      const [kicked, first] = await Promise.all([client.kickJob(id), client.peekIn(tube)]);
      await this.dropErrand(client, before.record);
      // Somebody has set another, or thought us dead.
      if (!kicked) return (await this.claim(client, tube, body)) === undefined;
      // One that was set while we deleted the old one is the newer: it was set after the swap.
      if (first && first.id !== id && recordIn(first)?.set) await client.delete(id);
      return true;
    }
  }

  /**
   * Makes a record of its own that was put the one that is there.
   *
   * @param first the first ready, and the first delayed job after that
   * @returns whether there was any other before
   */
  async prevail(
    client: Client,
    tube: string,
    id: string,
    first: readonly (ReservedJob | undefined)[],
  ): Promise<boolean> {
    const isBefore = (job: ReservedJob | undefined): boolean => job !== undefined && isOlder(job.id, id);
    let older = first.filter(isBefore);
    const any = older.length > 0;
    while (older.length > 0) {
      for (const job of older) {
        const record = job && recordIn(job);
        if (job && (await client.delete(job.id)) && record) await this.dropErrand(client, record);
      }
      older = (await Promise.all([client.peekIn(tube), client.peekDelayed()])).filter(isBefore);
    }
    return any;
  }

  /** Of a record that was removed before its time. */
  async dropErrand(client: Client, { errand, nonce }: RecordBody): Promise<void> {
    if (errand === undefined) return;
    const job = await client.peek(errand);
    const mail = job && mailIn(job);
    // One of this id may be another's by now.
    if (mail && 'nonce' in mail && mail.nonce === nonce) await client.delete(errand);
  }
}

/** Undefined where its time is over, too. */
function livingIn(job: ReservedJob): RecordBody | undefined {
  const record = recordIn(job);
  return record && record.expiresAt > Date.now() ? record : undefined;
}

/** Of two ids of the server's, which count up. */
function isOlder(one: string, other: string): boolean {
  return BigInt(one) < BigInt(other);
}
