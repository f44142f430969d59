import { randomUUID } from 'node:crypto';
import { pause, systemClock } from '../../core/clock.js';
import { LetterHearers } from '../../core/letter-hearers.js';
import type { Letters } from '../../core/letters.js';
import type { RecordNotices } from './record-notices.js';

/** How long it waits before it looks again where it could not, in milliseconds. */
const AGAIN_MS = 500;

export interface RecordLettersSetup {
  readonly notices: RecordNotices;
  readonly channelOf: (address: string) => string;
  /** Stores a record, and publishes it to a channel. */
  readonly store: (key: string, text: string, ttlMs: number, channel: string) => Promise<void>;
  readonly textOf: (key: string) => Promise<string | undefined>;
  /** The text that is meant by what is stored. */
  readonly read: (stored: string) => string;
}

/**
 * Letters as records that are published to a channel of the process they are for. Where that has lost its connection, or
 * the text is too long to go along, it looks for the record.
 */
export class RecordLetters implements Letters {
  private readonly name = randomUUID();
  private readonly hearers = new LetterHearers();
  /** The keys to look for. */
  private readonly missed = new Set<string>();
  private readonly closing = new AbortController();
  private looking = false;
  private reaching: Promise<unknown> | undefined;
  private isReached = false;

  constructor(private readonly setup: RecordLettersSetup) {}

  address(): string | undefined {
    if (this.closing.signal.aborted) return undefined;
    if (this.isReached && this.setup.notices.isLinked) return this.name;
    this.reaching ??= this.reach();
    return undefined;
  }

  send(address: string, key: string, text: string, ttlMs: number): Promise<void> {
    return this.setup.store(key, text, ttlMs, this.setup.channelOf(address));
  }

  hear(key: string, listener: (text: string) => void): () => void {
    return this.hearers.hear(key, listener);
  }

  close(): void {
    this.closing.abort();
    this.hearers.clear();
  }

  private async reach(): Promise<void> {
    const { notices, channelOf } = this.setup;
    try {
      await notices.watch(channelOf(this.name), (message) => this.receive(message));
      // From now on the connection is made again whenever it is lost.
      this.isReached = true;
    } catch {
      this.reaching = undefined;
    }
  }

  private receive(message: string | undefined): void {
    if (message === undefined) return this.look(this.hearers.keys);
    const end = message.indexOf('\n');
    const head = headIn(end < 0 ? message : message.slice(0, end));
    if (!head || head.expiresAt <= Date.now()) return;
    if (end < 0) this.look([head.key]);
    else this.hearers.tell(head.key, this.setup.read(message.slice(end + 1)));
  }

  private look(keys: Iterable<string>): void {
    for (const key of keys) this.missed.add(key);
    if (!this.looking) void this.lookForAll();
  }

  private async lookForAll(): Promise<void> {
    this.looking = true;
    for (const key of this.missed) {
      if (this.closing.signal.aborted) break;
      // Before it is looked for: what is sent meanwhile is looked for again.
      this.missed.delete(key);
      if (this.hearers.isHeard(key)) await this.lookFor(key);
    }
    this.looking = false;
  }

  private async lookFor(key: string): Promise<void> {
    try {
      const text = await this.setup.textOf(key);
      if (text !== undefined) this.hearers.tell(key, text);
    } catch {
      this.missed.add(key);
      await pause(systemClock, AGAIN_MS * (0.5 + Math.random() / 2), this.closing.signal);
    }
  }
}

/** What a letter begins with. Has no end of line. */
export function letterHead(key: string, expiresAt: number): string {
  return JSON.stringify({ key, expiresAt });
}

/** Undefined where somebody else has published something. */
function headIn(text: string): { readonly key: string; readonly expiresAt: number } | undefined {
  try {
    return JSON.parse(text) as { key: string; expiresAt: number };
  } catch {
    return undefined;
  }
}
