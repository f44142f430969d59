import { checkedObject, within } from './checked-object.js';
import { count } from './option-checks.js';
import { show } from './show.js';

/** What `JobEvents.stream` and `JobsService.follow` take. */
export interface EventStreamOptions {
  /** Ends the stream. */
  readonly signal?: AbortSignal | undefined;
  /** How many events may wait to be read. Default 1,000. */
  readonly buffer?: number;
}

const DEFAULT_BUFFER = 1_000;

/**
 * @param what was called with them, in messages
 * @throws TypeError
 */
export function checkedStreamOptions(
  options: unknown,
  what: string,
): {
  readonly signal: AbortSignal | undefined;
  readonly buffer: number;
} {
  return within(`${what}: `, () => {
    const { signal, buffer = DEFAULT_BUFFER } = checkedObject(options, ['signal', 'buffer'], 'options');
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw new TypeError(`signal: expected an AbortSignal, got ${show(signal)}`);
    }
    return { signal, buffer: count(buffer, 'buffer') };
  });
}

/** Events that wait to be read by one reader; made by `JobEvents.stream` and `JobsService.follow`. */
export class JobEventStream<Event> implements AsyncIterableIterator<Event, undefined> {
  private readonly waiting = new Waiting<Event>();
  private readers: ((result: IteratorResult<Event, undefined>) => void)[] = [];
  private ended = false;
  private droppedEvents = 0;
  /** How many were dropped when the reader had last caught up. */
  private told = 0;

  /** @internal */
  constructor(
    private readonly what: string,
    private readonly buffer: number,
    private readonly warn: (message: string) => void,
    private readonly whenEnded: () => void,
  ) {}

  /** How many events were dropped, for nobody read them in time, or, of other processes, more happened than they tell. */
  get dropped(): number {
    return this.droppedEvents;
  }

  /** @internal */
  push(event: Event): void {
    if (this.ended) return;
    const reader = this.readers.shift();
    if (reader) return reader({ done: false, value: event });
    this.waiting.push(event);
    if (this.waiting.size > this.buffer) this.drop();
  }

  /**
   * Counts events that did not come; who makes the stream says why.
   *
   * @internal
   */
  miss(count: number): void {
    this.droppedEvents += count;
    this.told += count;
  }

  next(): Promise<IteratorResult<Event, undefined>> {
    if (this.waiting.size > 0) {
      const value = this.waiting.take();
      if (this.waiting.size === 0) this.tellDropped();
      return Promise.resolve({ done: false, value });
    }
    if (this.ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.readers.push(resolve));
  }

  return(): Promise<IteratorResult<Event, undefined>> {
    this.waiting.clear();
    this.end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /**
   * What waits is still read.
   *
   * @internal
   */
  end(): void {
    if (this.ended) return;
    this.ended = true;
    this.whenEnded();
    this.tellDropped();
    for (const reader of this.readers) reader({ done: true, value: undefined });
    this.readers = [];
  }

  private drop(): void {
    this.waiting.take();
    if (this.droppedEvents++ > this.told) return;
    this.warn(`${this.what} is read too slowly: more than ${this.buffer} events wait, so that the oldest are dropped`);
  }

  private tellDropped(): void {
    const dropped = this.droppedEvents - this.told;
    if (dropped === 0) return;
    this.told = this.droppedEvents;
    this.warn(`${this.what}: ${dropped} ${dropped === 1 ? 'event was' : 'events were'} dropped`);
  }
}

/** From how many on that were taken the others move up. */
const MOVED = 1_000;

/** First in, first out, at the same cost however many wait: `shift` of a long array moves them all. */
class Waiting<Event> {
  private all: (Event | undefined)[] = [];
  private taken = 0;

  get size(): number {
    return this.all.length - this.taken;
  }

  push(event: Event): void {
    this.all.push(event);
  }

  /** The first; for when there is one. */
  take(): Event {
    const event = this.all[this.taken] as Event;
    this.all[this.taken++] = undefined;
    if (this.taken >= MOVED && this.taken > this.size) {
      this.all = this.all.slice(this.taken);
      this.taken = 0;
    }
    return event;
  }

  clear(): void {
    this.all = [];
    this.taken = 0;
  }
}
