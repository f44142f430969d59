import { EventEmitter } from 'node:events';
import type { JobRef } from './job.js';
import type { PublishedJob } from './published-job.js';

/**
 * Why a job was dropped: its queue was full, and it had waited longest, or it came last; another of its unique key was
 * published in its place; or the job of a schedule's tick was published twice, and the other has completed.
 */
export type DropReason = 'drop-oldest' | 'drop-newest' | 'replaced' | 'repeated';

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
  completed: { readonly job: JobRef; readonly result: unknown; readonly durationMs: number };
  /** An attempt failed, and another comes at `at`. */
  retried: { readonly job: JobRef; readonly error: Error; readonly at: Date; readonly durationMs: number };
  /** An outside input is not there yet; asked again at `at`. */
  blocked: { readonly job: JobRef; readonly error: Error; readonly at: Date; readonly durationMs: number };
  /** Put back at no cost: the application closes, its queue was paused, no handler here has its name, its time has not come, or a rate is used up. */
  handedBack: { readonly job: JobRef; readonly at: Date; readonly reason: HandedBackReason };
  failed: { readonly job: JobRef; readonly error: Error; readonly reason: string; readonly durationMs: number };
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

export type JobEventListener<Name extends JobEventName> = (event: JobEventMap[Name]) => unknown;

/**
 * Tells what happens to the jobs of this process. A listener that throws or rejects is reported, and harms neither the
 * job nor other listeners.
 */
export class JobEvents {
  private readonly emitter = new EventEmitter().setMaxListeners(0);

  /** @param report hears of listeners that fail */
  constructor(private readonly report: (message: string, error: unknown) => void = () => undefined) {}

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
