import { BackendError } from '../../core/backend.js';
import type { Records, StoredRecord } from '../../core/records.js';
import type { Connections, Line } from './connections.js';
import { faultOf } from './faults.js';
import { RECORD_COMMANDS } from './record-scripts.js';
import { RecordLetters, letterHead } from './record-letters.js';
import { RecordNotices } from './record-notices.js';

/** How long an operation waits for a connection that is just being made again, in milliseconds. */
const RECONNECT_MS = 1_000;

/** The longest time to live that Redis can be told, in milliseconds. */
const LONGEST_TTL_MS = Number.MAX_SAFE_INTEGER;

/** What a script tells of a record: its text, how many milliseconds it has left, and when that was. */
type Told = readonly [text: string, leftMs: number, at: number] | null;

/** What records need of the connections. */
export interface RecordConnections extends Pick<Connections, 'ready' | 'hearing' | 'where'> {
  readonly publishing: Pick<Line, 'client'> & { readonly adapted: Pick<Line['adapted'], 'runCommand'> };
}

/**
 * Records as texts of Redis, one key each, which Redis removes when their time is over. Each operation is one script, and
 * sent once.
 */
export class BullmqRecords implements Records {
  readonly letters: RecordLetters;
  private readonly notices: RecordNotices;
  private closed = false;

  /** @param prefix of all keys */
  constructor(
    private readonly connections: RecordConnections,
    private readonly prefix: string,
  ) {
    this.notices = new RecordNotices(connections);
    this.letters = new RecordLetters({
      notices: this.notices,
      channelOf: (address) => `${prefix}:nestjs-jobs:letters:${address}`,
      store: async (key, text, ttlMs, channel) => {
        const expiresAt = Date.now() + ttlMs;
        await this.run('set', key, [written(text), wholeMs(ttlMs), channel, letterHead(key, expiresAt)]);
      },
      textOf: async (key) => (await this.get(key))?.text,
      read,
    });
  }

  async set(key: string, text: string, ttlMs: number): Promise<void> {
    await this.run('set', key, [written(text), wholeMs(ttlMs)]);
  }

  async claim(key: string, text: string, ttlMs: number): Promise<StoredRecord | undefined> {
    return this.living('claim', key, [written(text), wholeMs(ttlMs)]);
  }

  async swap(key: string, from: string, to: string, ttlMs: number): Promise<boolean> {
    return (await this.run('swap', key, [written(from), written(to), wholeMs(ttlMs)])) === 1;
  }

  async get(key: string): Promise<StoredRecord | undefined> {
    return this.living('get', key, []);
  }

  async delete(key: string, text?: string): Promise<boolean> {
    return (await this.run('delete', key, text === undefined ? [] : [written(text)])) === 1;
  }

  async watch(key: string, listener: () => void): Promise<() => void> {
    this.checkOpen();
    return this.notices.watch(this.keyOf(key), () => listener());
  }

  async close(): Promise<void> {
    this.closed = true;
    this.letters.close();
    await this.notices.close();
  }

  private async living(
    kind: 'claim' | 'get',
    key: string,
    args: readonly unknown[],
  ): Promise<StoredRecord | undefined> {
    const before = Date.now();
    const told = (await this.run(kind, key, args)) as Told;
    if (!told) return undefined;
    const [text, leftMs, at] = told;
    // By our clock, which may be another than that of Redis: then the script ran when the answer came, or little before.
    const ranAt = Math.min(Math.max(at, before), Date.now());
    // To Redis, a key lives through the millisecond in which its time ends.
    return { text: read(text), expiresAt: leftMs < 0 ? Infinity : ranAt + leftMs + 1 };
  }

  private async run(kind: keyof typeof RECORD_COMMANDS, key: string, args: readonly unknown[]): Promise<unknown> {
    this.checkOpen();
    const { client, adapted } = this.connections.publishing;
    if (client.status !== 'ready') await this.connections.ready(client, RECONNECT_MS);
    try {
      return await adapted.runCommand(RECORD_COMMANDS[kind], [this.keyOf(key), ...args]);
    } catch (error) {
      throw faultOf(error, this.connections.where);
    }
  }

  /** No queue's: BullMQ's names of queues have no `:`, and a job whose id is `record` has another key. */
  private keyOf(key: string): string {
    return `${this.prefix}:nestjs-jobs:record:${written(key)}`;
  }

  private checkOpen(): void {
    if (this.closed) throw new BackendError('bullmq is closed', { passing: false });
  }
}

function wholeMs(ttlMs: number): number {
  return Math.min(Math.max(Math.ceil(ttlMs), 1), LONGEST_TTL_MS);
}

const LONE_SURROGATE = /\p{Surrogate}/u;
const AS_JSON = '"';

/** A text as UTF-8 can hold it: half a surrogate pair would become what every other half becomes. */
function written(text: string): string {
  return text.startsWith(AS_JSON) || LONE_SURROGATE.test(text) ? JSON.stringify(text) : text;
}

function read(stored: string): string {
  return stored.startsWith(AS_JSON) ? (JSON.parse(stored) as string) : stored;
}
