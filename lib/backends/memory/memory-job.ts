import type { FailureRecord } from '../../core/failure-record.js';
import type { JobState } from '../../core/inspector.js';
import { DEFAULT_PRIORITY, receive, type Message, type ReceivedMessage, type Unreadable } from '../../core/message.js';

/** A lease and who has it. */
interface Lease {
  readonly receipt: string;
  /** By the clock's `monotonic()`. */
  ends: number;
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly worker: string | undefined;
}

/** How a job ended. */
export interface End {
  readonly state: 'completed' | 'failed' | 'expired';
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly reason: string | undefined;
}

/** A job that is known: one that lives, or one that has ended lately. */
export interface StoredJob {
  /** No other job of the queue has or had it. */
  readonly serial: number;
  content: Message | Unreadable;
  readonly priority: number;
  /** Where it stands among its equals. */
  sequence: number;
  readonly storedAt: number;
  attemptsUsed: number;
  readyAt: number;
  failures: readonly FailureRecord[];
  lease: Lease | undefined;
  /** Whether it may be handed out, now or later. */
  shelved: boolean;
  end: End | undefined;
}

export function priorityOf(content: Message | Unreadable): number {
  return 'priority' in content ? content.priority : DEFAULT_PRIORITY;
}

/** What is handed out, of the receiver's own. */
export function received(content: Message | Unreadable): ReceivedMessage | Unreadable {
  return 'unreadable' in content ? { ...content } : receive(content);
}

/** The same message, that may be handled from `at` on: what it said of a delay counts no more. */
export function readyFrom(content: Message | Unreadable, at: number): Message | Unreadable {
  return 'unreadable' in content ? content : { ...content, readyAt: at };
}

export function stateOf({ end, lease, readyAt }: StoredJob, now: number): JobState {
  if (end) return end.state;
  if (lease) return 'active';
  return readyAt > now ? 'delayed' : 'waiting';
}

/** What sorts the jobs of a state as they are listed: waiting ones by their turn, others the latest first. */
export function rankOf({ priority, sequence, serial, readyAt, lease, end }: StoredJob, state: JobState): Rank {
  if (state === 'waiting') return [priority, sequence];
  if (state === 'delayed') return [readyAt, sequence];
  return [-(end?.at ?? lease?.since ?? 0), -serial];
}

export type Rank = readonly [number, number];

export function byRank(a: Rank, b: Rank): number {
  return a[0] - b[0] || a[1] - b[1];
}
