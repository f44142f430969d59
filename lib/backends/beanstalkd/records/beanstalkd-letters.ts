import { systemClock } from '../../../core/clock.js';
import { LetterHearers } from '../../../core/letter-hearers.js';
import type { Letters } from '../../../core/letters.js';
import type { Client } from '../client/client.js';
import type { CommandLine } from '../command-line.js';
import { checkSize } from '../new-job.js';
import { errandJob, expiryOf, INBOX_CHECK_MS, letterJob, type Letter } from './record-job.js';
import type { RecordTubes } from './record-tubes.js';

export interface LettersSetup {
  readonly line: CommandLine;
  readonly tubes: RecordTubes;
  /** Of the inbox of this process. */
  readonly name: string;
  /** The largest job, in bytes. */
  readonly maxBytes: number;
  readonly isReachable: () => boolean;
  /** Resolves once this process is reachable. */
  readonly reach: () => Promise<void>;
  /** Stores a record. */
  readonly set: (key: string, text: string, ttlMs: number) => Promise<void>;
  /** Has errands run here. */
  readonly serve: () => void;
  /** The job of a delivery, where this process holds it. */
  readonly holderOf: (receipt: string) => Holder | undefined;
}

/** A job that is held by a connection of its own, and about to end. */
export interface Holder {
  sendBeforeEnd<T>(send: (client: Client) => Promise<T>): Promise<T>;
}

/**
 * Letters as jobs in the inboxes of processes. Beside a letter to another process an errand is left, at most one each
 * half of {@link INBOX_CHECK_MS}: should that process be gone, somebody takes its letters away when their time is over. One
 * that is there when the errand is run takes them itself, and what it leaves its own errand clears away.
 */
export class BeanstalkdLetters implements Letters {
  private readonly hearers = new LetterHearers();
  /** When an errand was last left for an inbox, on which connection. */
  private left: { readonly client: Client; readonly at: Map<string, number> } | undefined;
  private closed = false;

  constructor(private readonly setup: LettersSetup) {}

  address(): string | undefined {
    const { isReachable, name, reach } = this.setup;
    if (this.closed) return undefined;
    if (isReachable()) return name;
    reach().catch(() => undefined);
    return undefined;
  }

  async send(address: string, key: string, text: string, ttlMs: number, receipt?: string): Promise<void> {
    const { holderOf, line, maxBytes, serve, tubes } = this.setup;
    const inbox = tubes.inbox(address);
    const body = JSON.stringify({ letter: key, text, expiresAt: expiryOf(ttlMs) } satisfies Letter);
    checkSize('record', body, maxBytes);
    const put = (client: Client): Promise<string> => client.putInto(inbox, letterJob(body));
    serve();
    await line.use<unknown>((client) => {
      if (this.isErrandLeft(client, address)) {
        const holder = receipt === undefined ? undefined : holderOf(receipt);
        return holder ? holder.sendBeforeEnd(put) : put(client);
      }
      return Promise.all([this.leaveErrand(client, address), put(client)]);
    });
  }

  hear(key: string, listener: (text: string) => void): () => void {
    return this.hearers.hear(key, listener);
  }

  /** Resolves once it was heard, or will be found. */
  async deliver({ letter, text, expiresAt }: Letter): Promise<void> {
    const leftMs = expiresAt - Date.now();
    if (leftMs <= 0) return;
    if (!this.hearers.isHeard(letter)) return this.setup.set(letter, text, leftMs);
    this.hearers.tell(letter, text);
  }

  close(): void {
    this.closed = true;
    this.hearers.clear();
  }

  private isErrandLeft(client: Client, address: string): boolean {
    return systemClock.monotonic() - (this.leftOn(client).get(address) ?? -Infinity) < INBOX_CHECK_MS / 2;
  }

  /** Sent before the letter that it is for. */
  private async leaveErrand(client: Client, address: string): Promise<void> {
    const left = this.leftOn(client);
    left.set(address, systemClock.monotonic());
    try {
      await client.putInto(this.setup.tubes.errands, errandJob({ letters: address }, INBOX_CHECK_MS));
    } catch (error) {
      left.delete(address);
      throw error;
    }
  }

  /** What was left before by another connection the server may have lost. */
  private leftOn(client: Client): Map<string, number> {
    if (this.left?.client !== client || this.left.at.size >= MOST_REMEMBERED) this.left = { client, at: new Map() };
    return this.left.at;
  }
}

/** Of how many processes it is remembered that an errand was left. */
const MOST_REMEMBERED = 1_000;
