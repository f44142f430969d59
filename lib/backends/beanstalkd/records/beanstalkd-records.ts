import { randomUUID } from 'node:crypto';
import type { Records, StoredRecord } from '../../../core/records.js';
import type { Client, ReservedJob } from '../client/client.js';
import { checkSize } from '../new-job.js';
import { fault } from '../fault.js';
import type { Server } from '../server.js';
import { CommandLine } from './command-line.js';
import { Errands } from './errands.js';
import { Mailbox } from './mailbox.js';
import { Notifying } from './notifying.js';
import { errandJob, letterIn, recordIn, recordJob, type RecordBody } from './record-job.js';
import { placeOf, RecordTubes } from './record-tubes.js';
import { Watching } from './watching.js';

/** How often one looks whether an older record goes away, which takes its owner a round trip. */
const MOST_LOOKS = 100;

/** A record that is there, and its job. */
interface Living {
  readonly id: string;
  readonly record: RecordBody;
}

/**
 * Records as jobs that nobody reserves, each key's in a tube of its own. The first job of a tube, that of the lowest id, is
 * the record: so who puts one and finds it first has won, and who sets one deletes all before it.
 */
export class BeanstalkdRecords implements Records {
  private readonly line: CommandLine;
  private readonly tubes: RecordTubes;
  private readonly watching: Watching;
  private readonly mailbox: Mailbox;
  private readonly notifying: Notifying;

  constructor(
    private readonly server: Server,
    prefix: string,
  ) {
    const name = randomUUID();
    this.line = new CommandLine(server);
    this.tubes = new RecordTubes(prefix);
    this.notifying = new Notifying(this.tubes);
    this.watching = new Watching(this.line, this.tubes, name, () => this.mailbox.reset('a note was lost'));
    const errands = new Errands(this.line, this.tubes);
    this.mailbox = new Mailbox({
      server,
      tubes: this.tubes,
      name,
      told: (place) => void this.watching.told(place),
      reached: () => this.watching.sayAgain(),
      run: (errand) => errands.run(errand),
    });
  }

  /** Takes part in clearing away what is over, where there is any. */
  async clearAway(client: Client): Promise<void> {
    const stats = await client.statsTube(this.tubes.errands);
    const jobs = ['current-jobs-ready', 'current-jobs-delayed', 'current-jobs-reserved'];
    if (stats && jobs.some((kind) => stats.number(kind) > 0)) this.mailbox.start();
  }

  async set(key: string, text: string, ttlMs: number): Promise<void> {
    const place = placeOf(key);
    const tube = this.tubes.record(place);
    const body = this.bodyOf(key, text, ttlMs);
    const job = recordJob(body);
    await this.line.use(async (client) => {
      this.mailbox.start();
      const [, id, head, note] = await Promise.all([
        client.putInto(this.tubes.errands, errandJob({ record: place, nonce: body.nonce }, ttlMs)),
        client.putInto(tube, job),
        client.peekReady(),
        this.notifying.look(client, place),
      ]);
      const cleared = await this.deleteOlder(client, tube, id, head);
      // Who has begun to watch meanwhile may have found what was deleted since.
      await this.notifying.notify(
        client,
        place,
        id,
        cleared ? await this.notifying.look(client, place) : note,
        cleared,
      );
    });
  }

  async claim(key: string, text: string, ttlMs: number): Promise<StoredRecord | undefined> {
    const place = placeOf(key);
    const tube = this.tubes.record(place);
    const body = this.bodyOf(key, text, ttlMs);
    return this.line.use(async (client) => {
      const before = await this.living(client, tube);
      if (before) return told(before);
      this.mailbox.start();
      const errand = await client.putInto(this.tubes.errands, errandJob({ record: place, nonce: body.nonce }, ttlMs));
      const claimed = { ...body, errand };
      const winner = await this.contend(client, tube, claimed);
      if (winner) await this.dropErrand(client, claimed);
      return winner && told(winner);
    });
  }

  async swap(key: string, from: string, to: string, ttlMs: number): Promise<boolean> {
    const place = placeOf(key);
    const tube = this.tubes.record(place);
    const body = this.bodyOf(key, to, ttlMs);
    return this.line.use(async (client) => {
      const before = await this.living(client, tube);
      if (before?.record.text !== from) return false;
      this.mailbox.start();
      const errand = await client.putInto(this.tubes.errands, errandJob({ record: place, nonce: body.nonce }, ttlMs));
      const swapped = { ...body, errand };
      // First ours, so that no moment finds the key free; then who deletes the one before it has swapped it.
      const id = await client.putInto(tube, recordJob(swapped));
      if ((await client.delete(before.id)) && (await this.comesFirst(client, tube, id))) {
        await this.dropErrand(client, before.record);
        await this.notifying.notify(client, place, id, await this.notifying.look(client, place), true);
        return true;
      }
      await client.delete(id);
      await this.dropErrand(client, swapped);
      return false;
    });
  }

  async get(key: string): Promise<StoredRecord | undefined> {
    const living = await this.line.use((client) => this.living(client, this.tubes.record(placeOf(key))));
    return living && told(living);
  }

  async delete(key: string, text?: string): Promise<boolean> {
    const tube = this.tubes.record(placeOf(key));
    return this.line.use(async (client) => {
      for (;;) {
        const living = await this.living(client, tube);
        if (!living || (text !== undefined && living.record.text !== text)) return false;
        // Else somebody else has: perhaps by setting another.
        if (!(await client.delete(living.id))) continue;
        await this.dropErrand(client, living.record);
        return true;
      }
    });
  }

  async watch(key: string, listener: () => void): Promise<() => void> {
    try {
      return await this.watching.watch(placeOf(key), listener, () => this.mailbox.ready());
    } catch (error) {
      throw fault(this.server.address, error);
    }
  }

  async close(): Promise<void> {
    await this.watching.close();
    await this.mailbox.close();
    await this.line.close();
  }

  /** Puts a record; resolves with the one that was there before, which stays then. */
  private async contend(client: Client, tube: string, body: RecordBody): Promise<Living | undefined> {
    for (;;) {
      const [id, first] = await Promise.all([client.putInto(tube, recordJob(body)), client.peekReady()]);
      if (first?.id === id) return undefined;
      const head = await this.living(client, tube, first, id);
      if (head?.id === id) return undefined;
      // Else somebody has deleted it.
      if (!head) continue;
      // One that was set meanwhile has taken its place.
      if (isOlder(id, head.id)) return head;
      const [, still] = await Promise.all([client.delete(id), client.peek(head.id)]);
      // As long as the older one was there, nobody can have found ours. Else somebody may have, and was told that we won.
      if (still) return head;
    }
  }

  /** Whether a job is the first of its tube, once those that claim in vain have deleted theirs. */
  private async comesFirst(client: Client, tube: string, id: string): Promise<boolean> {
    for (let looks = 0; looks < MOST_LOOKS; looks++) {
      const head = await client.peekIn(tube);
      if (!head || !isOlder(head.id, id)) return head?.id === id;
    }
    return false;
  }

  /**
   * The record of a tube. Those whose time is over, and what is no record, it deletes.
   *
   * @param first the first job, where that was looked up before
   * @param own the id of one that is there, however short its time
   */
  private async living(client: Client, tube: string, first?: ReservedJob, own?: string): Promise<Living | undefined> {
    for (let head = first ?? (await client.peekIn(tube)); head; head = await client.peekIn(tube)) {
      const record = recordIn(head);
      if (record && (head.id === own || record.expiresAt > Date.now())) return { id: head.id, record };
      await client.delete(head.id);
    }
    return undefined;
  }

  /** Whether there were any. */
  private async deleteOlder(
    client: Client,
    tube: string,
    id: string,
    first: ReservedJob | undefined,
  ): Promise<boolean> {
    let any = false;
    for (let head = first; head && isOlder(head.id, id); head = await client.peekIn(tube)) {
      any = true;
      const record = recordIn(head);
      if ((await client.delete(head.id)) && record) await this.dropErrand(client, record);
    }
    return any;
  }

  /** Of a record that was removed before its time. */
  private async dropErrand(client: Client, { errand, nonce }: RecordBody): Promise<void> {
    if (errand === undefined) return;
    const job = await client.peek(errand);
    const letter = job && letterIn(job);
    // One of this id may be another's by now.
    if (letter && 'nonce' in letter && letter.nonce === nonce) await client.delete(errand);
  }

  private bodyOf(key: string, text: string, ttlMs: number): RecordBody {
    const expiresAt = Math.min(Date.now() + Math.max(ttlMs, 1), Number.MAX_SAFE_INTEGER);
    const body = { key, text, expiresAt, nonce: randomUUID() };
    // With room for its errand.
    checkSize('record', JSON.stringify({ ...body, errand: '18446744073709551615' }), this.server.maxBytes);
    return body;
  }
}

function told({ record: { text, expiresAt } }: Living): StoredRecord {
  return { text, expiresAt };
}

/** Of two ids of the server's, which count up. */
function isOlder(one: string, other: string): boolean {
  return BigInt(one) < BigInt(other);
}
