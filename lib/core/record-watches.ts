import { pause, type Clock } from './clock.js';
import type { Records } from './records.js';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/** Hears what a record says: at once, and after each change, though not of each. Undefined: there is none. */
export type RecordListener = (text: string | undefined) => void;

/**
 * Records that somebody waits for: one watch a key, however many wait. A key is watched first and read then, so that no
 * change is missed between the two; while the engine fails, both are tried again.
 */
export class RecordWatches {
  private readonly watched = new Map<string, WatchedRecord>();

  /** @param records rejects while there are none */
  constructor(
    private readonly records: () => Promise<Records>,
    private readonly clock: Clock,
  ) {}

  /**
   * @param failed hears why the engine could not be asked; it is tried again
   * @returns what ends that
   */
  join(key: string, listener: RecordListener, failed: (error: unknown) => void = () => undefined): () => void {
    let record = this.watched.get(key);
    if (!record) {
      record = new WatchedRecord(key, this.records, this.clock);
      this.watched.set(key, record);
    }
    return this.leaving(key, record, record.join({ listener, failed }));
  }

  private leaving(key: string, record: WatchedRecord, leave: () => void): () => void {
    return () => {
      leave();
      if (!record.isLeft || this.watched.get(key) !== record) return;
      this.watched.delete(key);
      record.end();
    };
  }
}

interface Joined {
  readonly listener: RecordListener;
  readonly failed: (error: unknown) => void;
}

/** One key, from the first who waits for it to the last. */
class WatchedRecord {
  private readonly joined = new Set<Joined>();
  private readonly ending = new AbortController();
  private unwatch: (() => void) | undefined;
  /** Whether it is to be read again. */
  private stale = false;
  private reading = false;
  private pausing = new AbortController();

  constructor(
    private readonly key: string,
    private readonly records: () => Promise<Records>,
    private readonly clock: Clock,
  ) {}

  get isLeft(): boolean {
    return this.joined.size === 0;
  }

  join(one: Joined): () => void {
    this.joined.add(one);
    this.look();
    return () => void this.joined.delete(one);
  }

  end(): void {
    this.ending.abort();
    this.pausing.abort();
    this.unwatch?.();
    this.unwatch = undefined;
  }

  private look(): void {
    this.stale = true;
    this.pausing.abort();
    if (!this.reading) void this.read();
  }

  private async read(): Promise<void> {
    this.reading = true;
    for (let failures = 0; this.stale && !this.ending.signal.aborted;) {
      try {
        await this.readOnce();
        failures = 0;
      } catch (error) {
        this.stale = true;
        for (const { failed } of [...this.joined]) failed(error);
        const longest = Math.min(FIRST_PAUSE_MS * 2 ** failures++, LONGEST_PAUSE_MS);
        if (this.ending.signal.aborted) break;
        this.pausing = new AbortController();
        await pause(this.clock, longest * (0.5 + Math.random() / 2), this.pausing.signal);
      }
    }
    this.reading = false;
  }

  private async readOnce(): Promise<void> {
    const records = await this.records();
    if (!this.unwatch) await this.watch(records);
    if (this.ending.signal.aborted) return;
    this.stale = false;
    // Those who come while it is read have made it stale again.
    const asking = [...this.joined];
    const record = await records.get(this.key);
    for (const one of asking) if (this.joined.has(one)) one.listener(record?.text);
  }

  private async watch(records: Records): Promise<void> {
    const unwatch = await records.watch(this.key, () => this.look());
    if (this.ending.signal.aborted) unwatch();
    else this.unwatch = unwatch;
  }
}
