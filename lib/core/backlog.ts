import { isUnreadable, type Message, type ReceivedMessage, type Unreadable } from './message.js';

/**
 * What waits in the queues of an engine: an optional part of a backend, by which queues are kept within limits. Jobs that
 * wait are those that may be handed out, now or when their delay is over; active and failed ones don't count.
 *
 * What an engine can't tell or do, it leaves out: then the limits that need it are refused when the application starts.
 */
export interface Backlog {
  /**
   * How many jobs wait in a queue. Cheap: it is asked for whenever a queue with a limit may be full. What the same
   * backend has published before the call counts, and so does what others have, up to a second late.
   */
  jobs(queue: string): Promise<number>;

  /**
   * How many bytes they have, as the engine stores them: their payloads, and what it keeps beside. What the time at which
   * it is asked leaves open counts or doesn't.
   */
  bytes?(queue: string): Promise<number>;

  /**
   * Removes up to `count` of the jobs that wait, those first that were stored first, and delayed ones last; their ids
   * are free then. Never one that is active or has failed. Of several at the same time, each gives its own.
   *
   * @returns those that were removed; none where nothing waits
   */
  dropOldest?(queue: string, count: number): Promise<readonly DroppedJob[]>;
}

/** A job that was removed unhandled. */
export interface DroppedJob {
  readonly id: string;
  /** Undefined where the stored message can't be read. */
  readonly name: string | undefined;
  /** Of its message; none where that can't be read. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What is told of a job that was removed. */
export function droppedJob(content: Message | ReceivedMessage | Unreadable): DroppedJob {
  return isUnreadable(content)
    ? { id: content.id, name: undefined, headers: {} }
    : { id: content.id, name: content.name, headers: content.headers };
}
