import { randomUUID } from 'node:crypto';
import type { Records, StoredRecord } from '../../../core/records.js';
import type { Client } from '../client/client.js';
import { checkSize } from '../new-job.js';
import { fault } from '../fault.js';
import type { Server } from '../server.js';
import { CommandLine } from '../command-line.js';
import { BeanstalkdLetters, type Holder } from './beanstalkd-letters.js';
import { Errands } from './errands.js';
import { Mailbox } from './mailbox.js';
import { Notifying } from './notifying.js';
import { errandJob, expiryOf, recordJob, type RecordBody } from './record-job.js';
import { Places, type Living } from './places.js';
import { placeOf, RecordTubes } from './record-tubes.js';
import { Watching } from './watching.js';

/** What records are opened with. */
export interface RecordsSettings {
  readonly prefix: string;
  /** Whether they take part in clearing away what is over, once they have stored anything. Default: yes. */
  readonly clearsAway?: boolean;
  /** The job of a delivery, where this process holds it. */
  readonly holderOf: (receipt: string) => Holder | undefined;
}

/**
 * Records as jobs that nobody reserves, each key's in a tube of its own, where {@link Places} tells which counts. Of each an
 * errand is left, by which any process clears it away when its time is over.
 */
export class BeanstalkdRecords implements Records {
  readonly letters: BeanstalkdLetters;
  private readonly line: CommandLine;
  /** In use is mostly one inbox. */
  private readonly post: CommandLine;
  private readonly tubes: RecordTubes;
  private readonly watching: Watching;
  private readonly mailbox: Mailbox;
  private readonly notifying: Notifying;
  private readonly places = new Places();
  private readonly clearsAway: boolean;

  constructor(
    private readonly server: Server,
    { prefix, clearsAway = true, holderOf }: RecordsSettings,
  ) {
    this.clearsAway = clearsAway;
    const name = randomUUID();
    this.line = new CommandLine(server);
    this.post = new CommandLine(server);
    this.tubes = new RecordTubes(prefix);
    this.notifying = new Notifying(this.tubes);
    this.watching = new Watching(this.line, this.tubes, name, () => this.mailbox.reset('a note was lost'));
    const errands = new Errands(this.line, this.tubes);
    this.mailbox = new Mailbox({
      server,
      tubes: this.tubes,
      name,
      told: (place) => void this.watching.told(place),
      delivered: (letter) => this.letters.deliver(letter),
      reached: () => this.watching.sayAgain(),
      run: (errand) => errands.run(errand),
    });
    this.letters = new BeanstalkdLetters({
      line: this.post,
      tubes: this.tubes,
      name,
      maxBytes: server.maxBytes,
      isReachable: () => this.mailbox.isReady && this.watching.isReachable,
      reach: () => this.watching.reach(() => this.mailbox.ready()),
      set: (key, text, ttlMs) => this.set(key, text, ttlMs),
      serve: () => this.mailbox.start(),
      holderOf,
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
    const job = recordJob({ ...body, set: true });
    await this.line.use(async (client) => {
      this.takePart();
      const [, id, ready, pending, note] = await Promise.all([
        client.putInto(this.tubes.errands, errandJob({ record: place, nonce: body.nonce }, ttlMs)),
        client.putInto(tube, job),
        client.peekReady(),
        client.peekDelayed(),
        this.notifying.look(client, place),
      ]);
      const cleared = await this.places.prevail(client, tube, id, [ready, pending]);
      // Who has begun to watch meanwhile may have found what was deleted since.
      const first = cleared ? await this.notifying.look(client, place) : note;
      await this.notifying.notify(client, place, first, cleared ? undefined : id);
    });
  }

  async claim(key: string, text: string, ttlMs: number): Promise<StoredRecord | undefined> {
    const place = placeOf(key);
    const tube = this.tubes.record(place);
    const body = this.bodyOf(key, text, ttlMs);
    return this.line.use(async (client) => {
      const before = await this.places.living(client, tube);
      if (before) return told(before);
      this.takePart();
      const errand = await client.putInto(this.tubes.errands, errandJob({ record: place, nonce: body.nonce }, ttlMs));
      const claimed = { ...body, errand };
      const winner = await this.places.claim(client, tube, claimed);
      if (winner) await this.places.dropErrand(client, claimed);
      return winner && told(winner);
    });
  }

  async swap(key: string, from: string, to: string, ttlMs: number): Promise<boolean> {
    const place = placeOf(key);
    const tube = this.tubes.record(place);
    const body = this.bodyOf(key, to, ttlMs);
    return this.line.use(async (client) => {
      const before = await this.places.living(client, tube);
      if (before?.record.text !== from) return false;
      this.takePart();
      const errand = await client.putInto(this.tubes.errands, errandJob({ record: place, nonce: body.nonce }, ttlMs));
      const swapped = { ...body, errand };
      if (!(await this.places.swap(client, tube, from, swapped))) {
        await this.places.dropErrand(client, swapped);
        return false;
      }
      await this.notifying.notify(client, place, await this.notifying.look(client, place));
      return true;
    });
  }

  async get(key: string): Promise<StoredRecord | undefined> {
    const living = await this.line.use((client) => this.places.living(client, this.tubes.record(placeOf(key))));
    return living && told(living);
  }

  async delete(key: string, text?: string): Promise<boolean> {
    const tube = this.tubes.record(placeOf(key));
    return this.line.use(async (client) => {
      for (;;) {
        const living = await this.places.living(client, tube);
        if (!living || (text !== undefined && living.record.text !== text)) return false;
        // Else somebody else has: perhaps by setting another.
        if (!(await client.delete(living.id))) continue;
        await this.places.dropErrand(client, living.record);
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
    this.letters.close();
    await this.watching.close();
    await this.mailbox.close();
    await this.watching.closeInbox();
    await Promise.all([this.line.close(), this.post.close()]);
  }

  private takePart(): void {
    if (this.clearsAway) this.mailbox.start();
  }

  private bodyOf(key: string, text: string, ttlMs: number): RecordBody {
    const body = { key, text, expiresAt: expiryOf(ttlMs), nonce: randomUUID() };
    // With room for what is added.
    checkSize('record', JSON.stringify({ ...body, errand: '18446744073709551615', set: true }), this.server.maxBytes);
    return body;
  }
}

function told({ record: { text, expiresAt } }: Living): StoredRecord {
  return { text, expiresAt };
}
