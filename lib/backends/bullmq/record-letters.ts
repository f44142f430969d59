import { randomUUID } from 'node:crypto';
import { pause, systemClock } from '../../core/clock.js';
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
  private readonly heard = new Map<string, Set<(text: string) => void>>();
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
    // One of its own, for the same function may hear twice.
    const told = (text: string): void => listener(text);
    const all = this.heard.get(key) ?? new Set();
    this.heard.set(key, all.add(told));
    return () => {
      all.delete(told);
      if (all.size === 0 && this.heard.get(key) === all) this.heard.delete(key);
    };
  }

  close(): void {
    this.closing.abort();
    this.heard.clear();
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
    if (message === undefined) return this.look(this.heard.keys());
    const end = message.indexOf('\n');
    const head = headIn(end < 0 ? message : message.slice(0, end));
    if (!head || head.expiresAt <= Date.now()) return;
    if (end < 0) this.look([head.key]);
    else this.tell(head.key, this.setup.read(message.slice(end + 1)));
  }

  private look(keys: Iterable<string>): void {
    for (const key of keys) this.missed.add(key);
    if (!this.looking) void this.lookForAll();
  }

  private async lookForAll(): Promise<void> {
    this.looking = true;
    while (this.missed.size > 0 && !this.closing.signal.aborted) {
      try {
        for (const key of this.missed) {
          const text = this.heard.has(key) ? await this.setup.textOf(key) : undefined;
          this.missed.delete(key);
          if (text !== undefined) this.tell(key, text);
        }
      } catch {
        await pause(systemClock, AGAIN_MS * (0.5 + Math.random() / 2), this.closing.signal);
      }
    }
    this.looking = false;
  }

  private tell(key: string, text: string): void {
    for (const told of [...(this.heard.get(key) ?? [])]) told(text);
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
