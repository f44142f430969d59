import { checkedObject, within } from './checked-object.js';
import { count } from './option-checks.js';
import { show } from './show.js';

/** What `JobEvents.stream` takes. */
export interface EventStreamOptions {
  /** Ends the stream. */
  readonly signal?: AbortSignal | undefined;
  /** How many events may wait to be read. Default 1,000. */
  readonly buffer?: number;
}

const DEFAULT_BUFFER = 1_000;

/** @throws TypeError */
export function checkedStreamOptions(options: unknown): {
  readonly signal: AbortSignal | undefined;
  readonly buffer: number;
} {
  return within('stream: ', () => {
    const { signal, buffer = DEFAULT_BUFFER } = checkedObject(options, ['signal', 'buffer'], 'options');
    if (signal !== undefined && !(signal instanceof AbortSignal)) {
      throw new TypeError(`signal: expected an AbortSignal, got ${show(signal)}`);
    }
    return { signal, buffer: count(buffer, 'buffer') };
  });
}

/** Events that wait to be read by one reader; made by `JobEvents.stream`. */
export class JobEventStream<Event> implements AsyncIterableIterator<Event, undefined> {
  private readonly waiting: Event[] = [];
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

  /** How many events were dropped, for nobody read them in time. */
  get dropped(): number {
    return this.droppedEvents;
  }

  /** @internal */
  push(event: Event): void {
    if (this.ended) return;
    const reader = this.readers.shift();
    if (reader) return reader({ done: false, value: event });
    this.waiting.push(event);
    if (this.waiting.length > this.buffer) this.drop();
  }

  next(): Promise<IteratorResult<Event, undefined>> {
    if (this.waiting.length > 0) {
      const value = this.waiting.shift() as Event;
      if (this.waiting.length === 0) this.tellDropped();
      return Promise.resolve({ done: false, value });
    }
    if (this.ended) return Promise.resolve({ done: true, value: undefined });
    return new Promise((resolve) => this.readers.push(resolve));
  }

  return(): Promise<IteratorResult<Event, undefined>> {
    this.waiting.length = 0;
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
    this.waiting.shift();
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
