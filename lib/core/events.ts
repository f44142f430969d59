import { EventEmitter } from 'node:events';
import { checkedStreamOptions, JobEventStream, type EventStreamOptions } from './event-stream.js';
import type { JobRef } from './job.js';
import { onAbort } from './on-abort.js';
import type { PublishedJob } from './published-job.js';
import { show } from './show.js';

/**
 * Why a job was dropped: its queue was full, and it had waited longest, or it came last; another of its unique key was
 * published in its place; the job of a schedule's tick was published twice, and the other has completed; or an operator has
 * removed it, of which no event tells.
 */
export type DropReason = 'drop-oldest' | 'drop-newest' | 'replaced' | 'repeated' | 'removed';

/** Why a job was put back: also because its queue was paused, or the rate of its queue or its handler is used up. */
export type HandedBackReason = 'shutdown' | 'paused' | 'unknown' | 'early' | 'limited';

/** The events and what each tells. All come after the fact; durations are milliseconds. */
export interface JobEventMap {
  /** The backend has accepted a job, or found it to be a duplicate. */
  published: PublishedJob;
  /** A handler is about to be called. */
  started: { readonly job: JobRef };
  /** A handler has called `job.progress(value)`. */
  progress: { readonly job: JobRef; readonly value: unknown };
  /** A handler has called `job.log(line)`. */
  log: { readonly job: JobRef; readonly line: string };
  /** A handler has returned, and the engine knows. */
  completed: { readonly job: JobRef; readonly result: unknown; readonly durationMs: number };
  /** An attempt failed, and another comes at `at`. */
  retried: { readonly job: JobRef; readonly error: Error; readonly at: Date; readonly durationMs: number };
  /** An outside input is not there yet; asked again at `at`. */
  blocked: { readonly job: JobRef; readonly error: Error; readonly at: Date; readonly durationMs: number };
  /** Put back at no cost: the application closes, its queue was paused, no handler here has its name, its time has not come, or a rate is used up. */
  handedBack: { readonly job: JobRef; readonly at: Date; readonly reason: HandedBackReason };
  /** Given up and set aside: its attempts are used up, it is not to be tried again, or it could not be handled at all. */
  failed: { readonly job: JobRef; readonly error: Error; readonly reason: string; readonly durationMs: number };
  /** Its time has passed before it was handled, or before it could be tried again. */
  expired: { readonly job: JobRef; readonly error: Error | undefined; readonly reason: string };
  /** Gone without having been handled, or never stored, because something was to go before it. */
  dropped: {
    readonly job: { readonly id: string; readonly name: string | undefined; readonly queue: string };
    readonly reason: DropReason;
  };
  /** Another worker may have the job; what became of it here is ignored. */
  leaseLost: { readonly job: JobRef };
}

export type JobEventName = keyof JobEventMap;

/** A new event that is missing here does not compile. */
const EVERY_EVENT: Readonly<Record<JobEventName, true>> = {
  published: true,
  started: true,
  progress: true,
  log: true,
  completed: true,
  retried: true,
  blocked: true,
  handedBack: true,
  failed: true,
  expired: true,
  dropped: true,
  leaseLost: true,
};

export const JOB_EVENT_NAMES = Object.keys(EVERY_EVENT) as readonly JobEventName[];

export function isJobEvent(name: unknown): name is JobEventName {
  return typeof name === 'string' && Object.hasOwn(EVERY_EVENT, name);
}

/** @throws TypeError naming the events that there are */
export function checkEventName(name: unknown): JobEventName {
  if (isJobEvent(name)) return name;
  throw new TypeError(`expected an event of ${JOB_EVENT_NAMES.join(', ')}, got ${show(name)}`);
}

export type JobEventListener<Name extends JobEventName> = (event: JobEventMap[Name]) => unknown;

/**
 * Tells what happens to the jobs of this process. A listener that throws or rejects is reported, and harms neither the
 * job nor other listeners.
 */
export class JobEvents {
  private readonly emitter = new EventEmitter().setMaxListeners(0);
  private readonly streams = new Set<{ end(): void }>();
  private closed = false;

  /**
   * @param report hears of listeners that fail
   * @param warn hears of streams that are read too slowly
   */
  constructor(
    private readonly report: (message: string, error: unknown) => void = () => undefined,
    private readonly warn: (message: string) => void = () => undefined,
  ) {}

  /** Calls `listener` at each such event. Returns what ends that. */
  on<Name extends JobEventName>(name: Name, listener: JobEventListener<Name>): () => void {
    this.emitter.on(name, listener);
    return () => this.off(name, listener);
  }

  /** Calls `listener` at the next such event only. */
  once<Name extends JobEventName>(name: Name, listener: JobEventListener<Name>): () => void {
    const off = this.on(name, (event) => {
      off();
      return listener(event);
    });
    return off;
  }

  off<Name extends JobEventName>(name: Name, listener: JobEventListener<Name>): void {
    this.emitter.off(name, listener);
  }

  /**
   * The events of a name from now on, to be read at one's own pace: `for await (const event of events.stream('failed'))`.
   * What is not read yet is kept up to `buffer`; then the oldest are dropped, `dropped` tells how many, and the log says so.
   * Ends when `signal` aborts, when the loop is left, and when the application has closed.
   *
   * @throws TypeError naming the option, what was expected and what was given
   */
  stream<Name extends JobEventName>(name: Name, options: EventStreamOptions = {}): JobEventStream<JobEventMap[Name]> {
    const { signal, buffer } = checkedStreamOptions(options, 'stream');
    const stream = new JobEventStream<JobEventMap[Name]>(`the stream of job event "${name}"`, buffer, this.warn, () => {
      off();
      offSignal?.();
      this.streams.delete(stream);
    });
    const end = (): void => stream.end();
    const off = this.on(name, (event) => stream.push(event));
    this.streams.add(stream);
    const offSignal = signal && onAbort(signal, end);
    if (signal?.aborted || this.closed) end();
    return stream;
  }

  /**
   * Ends the streams.
   *
   * @internal
   */
  close(): void {
    this.closed = true;
    for (const stream of this.streams) stream.end();
  }

  /** @internal */
  emit<Name extends JobEventName>(name: Name, event: JobEventMap[Name]): void {
    if (this.emitter.listenerCount(name) === 0) return;
    for (const listener of this.emitter.listeners(name) as JobEventListener<Name>[]) {
      const failed = (error: unknown): void => this.report(`a listener of job event "${name}" failed`, error);
      try {
        const returned = listener(event);
        if (returned instanceof Promise) returned.catch(failed);
      } catch (error) {
        failed(error);
      }
    }
  }
}
