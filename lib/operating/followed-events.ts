import { systemClock } from '../core/clock.js';
import { checkedStreamOptions, JobEventStream } from '../core/event-stream.js';
import { checkEventName, type JobEventName } from '../core/events.js';
import { Following } from '../core/fleet-following.js';
import { inTime } from '../core/in-time.js';
import { onAbort } from '../core/on-abort.js';
import { RecordWatches } from '../core/record-watches.js';
import { within } from '../core/checked-object.js';
import { show } from '../core/show.js';
import type { WorkerEvent } from '../core/worker-events.js';
import type { Engine } from './engine.js';
import { MissedReport } from './missed-report.js';

/** How long closing waits for the engine to hear of it. Milliseconds. */
const CLOSE_MS = 2_000;

/** Those who follow the events of all processes from here. */
export class FollowedEvents {
  private readonly watches: RecordWatches;
  private readonly streams = new Set<{ end(): void }>();
  /** What is being taken back. */
  private readonly endings = new Set<Promise<void>>();
  private closed = false;

  /** @param warn hears of streams that are read too slowly, and of events that were not told */
  constructor(
    private readonly engine: Engine,
    private readonly warn: (message: string) => void,
  ) {
    const records = async (): Promise<ReturnType<Engine['recordsFor']>> => engine.recordsFor('follow events');
    this.watches = new RecordWatches(records, systemClock);
  }

  /** @throws TypeError, UnsupportedActionError, OperatorTimeoutError */
  async follow<Name extends JobEventName>(
    given: Name | readonly Name[],
    options: unknown,
  ): Promise<JobEventStream<WorkerEvent<Name>>> {
    const names = checkedNames(given) as readonly Name[];
    const { signal, buffer } = checkedStreamOptions(options, 'follow');
    const { engine } = this;
    const records = engine.recordsFor('follow events');
    const what = `the stream of job events ${names.map((name) => `"${name}"`).join(', ')} of all processes`;
    const missed = new MissedReport(what, this.warn);
    const stream = new JobEventStream<WorkerEvent<Name>>(what, buffer, this.warn, () => {
      offSignal?.();
      this.streams.delete(stream);
      missed.end();
      this.endLater(following);
    });
    const sink = {
      // Of the names that it was asked for.
      tell: (event: WorkerEvent) => stream.push(event as WorkerEvent<Name>),
      missed: (count: number) => {
        stream.miss(count);
        missed.count(count);
      },
    };
    const following = new Following({ records, watches: this.watches, now: () => engine.now, names, sink });
    const offSignal = signal && onAbort(signal, () => stream.end());
    if (signal?.aborted || this.closed) {
      stream.end();
      return stream;
    }
    this.streams.add(stream);
    try {
      await engine.ask('follow events', following.begin());
    } catch (error) {
      stream.end();
      throw error;
    }
    // One that was killed just now, or is stopped, never says that it has heard.
    await following.heard(engine.deadlineMs / 2);
    return stream;
  }

  /** Ends the streams, and says so to all; never rejects. */
  async close(): Promise<void> {
    this.closed = true;
    for (const stream of this.streams) stream.end();
    const ended = Promise.all(this.endings);
    await inTime(ended, CLOSE_MS, () => new Error('late')).catch(() => undefined);
  }

  private endLater(following: Following): void {
    const ending = following.end().finally(() => this.endings.delete(ending));
    this.endings.add(ending);
  }
}

/** @throws TypeError naming the events that there are */
function checkedNames(names: unknown): readonly JobEventName[] {
  return within('follow: ', () => {
    const all: readonly unknown[] = Array.isArray(names) ? names : [names];
    if (all.length === 0) throw new TypeError(`expected the name of an event or several, got ${show(names)}`);
    return [...new Set(all.map(checkEventName))];
  });
}
