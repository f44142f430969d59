import { pause, systemClock } from '../../../core/clock.js';
import { inTime } from '../../../core/in-time.js';
import { Client, type ReservedJob } from '../client/client.js';
import { connect } from '../client/connect.js';
import type { Server } from '../server.js';
import { ERRAND_PRIORITY, errandDelay, mailIn, type Errand, type Letter, type Notice } from './record-job.js';
import type { RecordTubes } from './record-tubes.js';

/** How long it waits in the server at a time, in seconds. */
const WAIT_S = 25;

/** When an errand that failed is tried again, in milliseconds. */
const AGAIN_MS = 5_000;

/** The pauses between tries to connect again, in milliseconds: growing, and jittered. */
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;

/** How long closing waits for an errand that is run, in milliseconds. */
const CLOSE_MS = 1_000;

export interface MailboxSetup {
  readonly server: Server;
  readonly tubes: RecordTubes;
  /** Of its inbox. */
  readonly name: string;
  /** Hears the place of each key that was set and is watched here. */
  readonly told: (place: string) => void;
  /** Hears each letter to this process; it comes again where that rejects. */
  readonly delivered: (letter: Letter) => Promise<void>;
  /** Hears that it can be told, for the first time or again; what rejects has it connect once more. */
  readonly reached: () => Promise<void>;
  /** Runs an errand; resolves with the time after which it has to be run again, in milliseconds. */
  readonly run: (errand: Errand) => Promise<number | undefined>;
}

/**
 * The one connection of a process that waits for what concerns records: notices that a key was set, letters, and errands,
 * which any process runs for all.
 */
export class Mailbox {
  private readonly closing = new AbortController();
  private client: Client | undefined;
  private opening: Promise<Client> | undefined;
  private running: Promise<void> | undefined;
  /** What came last. */
  private taking: Promise<void> | undefined;

  constructor(private readonly setup: MailboxSetup) {}

  /** Whether it can be told just now. */
  get isReady(): boolean {
    return this.client !== undefined;
  }

  /** Has it wait, and connect again whenever it has to. */
  start(): void {
    if (!this.closing.signal.aborted) this.running ??= this.keepServing();
  }

  /**
   * Resolves once it can be told.
   *
   * @throws Error where the server is away
   */
  async ready(): Promise<void> {
    this.start();
    if (!this.client) await this.opened();
  }

  /** Ends the connection, for a new one. */
  reset(reason: string): void {
    this.client?.connection.destroy(reason);
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.opening?.catch(() => undefined);
    // An errand that was run is to be deleted.
    const taken = this.taking?.catch(() => undefined) ?? Promise.resolve();
    await inTime(taken, CLOSE_MS, () => new Error('late')).catch(() => undefined);
    await this.client?.connection.close();
    await this.running;
  }

  private async keepServing(): Promise<void> {
    const { signal } = this.closing;
    for (let ms = FIRST_PAUSE_MS; !signal.aborted; ms = Math.min(2 * ms, LONGEST_PAUSE_MS)) {
      try {
        const client = this.client ?? (await this.opened());
        ms = FIRST_PAUSE_MS;
        await this.serve(client);
      } catch {
        // Whoever needs it hears so from what he does himself.
      }
      await pause(systemClock, ms * (0.5 + Math.random() / 2), signal);
    }
  }

  private async serve(client: Client): Promise<void> {
    while (!this.closing.signal.aborted) {
      const job = await client.reserve(WAIT_S);
      if (!job) continue;
      this.taking = this.take(client, job);
      await this.taking;
    }
  }

  private async take(client: Client, job: ReservedJob): Promise<void> {
    const mail = mailIn(job);
    const againMs = mail && (await this.heed(mail).catch(() => AGAIN_MS));
    if (againMs !== undefined) {
      await client.release(job.id, ERRAND_PRIORITY, errandDelay(againMs));
      return;
    }
    // Goes with the next reserve; where it fails, that does.
    client.delete(job.id).catch(() => undefined);
  }

  /** @returns after how many milliseconds it has to come again */
  private async heed(mail: Notice | Letter | Errand): Promise<number | undefined> {
    if ('letter' in mail) await this.setup.delivered(mail);
    else if ('set' in mail) this.setup.told(mail.set);
    else return this.setup.run(mail);
    return undefined;
  }

  private opened(): Promise<Client> {
    this.opening ??= this.open().finally(() => (this.opening = undefined));
    return this.opening;
  }

  private async open(): Promise<Client> {
    const { server, tubes, name, reached } = this.setup;
    const client = new Client(await connect(server.address));
    const { connection } = client;
    await client.watchOnly(tubes.inbox(name), tubes.errands);
    if (this.closing.signal.aborted) {
      await connection.close();
      throw new Error('it was closed');
    }
    connection.ended.signal.addEventListener('abort', () => {
      if (this.client === client) this.client = undefined;
    });
    this.client = client;
    reached().catch(() => connection.destroy('what is watched could not be said again'));
    return client;
  }
}
