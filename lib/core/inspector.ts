import type { FailureRecord } from './failure-record.js';
import type { Message, ReceivedMessage, Unreadable } from './message.js';

/** Where a job stands, in every engine. */
export type JobState = 'waiting' | 'delayed' | 'active' | 'completed' | 'failed' | 'expired';

export const JOB_STATES: readonly JobState[] = ['waiting', 'delayed', 'active', 'completed', 'failed', 'expired'];

/**
 * What operators see of an engine and do with its jobs: an optional part of a backend. It decides nothing, filters
 * nothing and waits for nothing; filters, groups, deadlines and bulk actions are made of it, once, for all engines.
 *
 * What an engine can't do, it says in its {@link abilities}; the verb that would need it then rejects. Every verb rejects
 * with a `BackendError` where the engine fails. None changes a job that is active: its worker has it.
 */
export interface Inspector {
  readonly abilities: InspectorAbilities;

  /** The names of the queues that are there: those that have or had jobs, as far as the engine remembers. Sorted. */
  queues(): Promise<readonly string[]>;

  /** How many jobs stand in each state. Cheap: it is asked for every second by those who watch. */
  counts(queue: string): Promise<StateCounts>;

  /**
   * A page of the jobs in a state. Waiting ones come in the order in which they will be served, delayed ones by when they
   * fall due, the others the latest first; where that would mean to read all of them, in an order that stays the same
   * from page to page. Jobs that come or go meanwhile may be missed or seen, all others come once. An unreadable one is
   * listed as such.
   *
   * Its cost is that of a page, however many jobs there are: reading names is cheap, reading jobs is not.
   */
  list(queue: string, state: JobState, page: PageRequest): Promise<JobPage>;

  /**
   * The jobs of an id, in whatever state: none; one; or, where an engine keeps more than one of an id (a failed job and
   * another that was stored after it), all of them, a living one first.
   */
  get(queue: string, id: string): Promise<readonly InspectedJob[]>;

  /**
   * Changes jobs, each by itself: as an engine can, many in one step. A job that is no longer where `at` says, be it that
   * it went on, is being handled or is gone, is left alone.
   *
   * @returns what became of each, in their order
   */
  change(queue: string, jobs: readonly JobPlace[], change: JobChange): Promise<readonly ChangeResult[]>;

  /**
   * Stores jobs as they stood elsewhere, with their ids, attempts, failures and states; active ones are not stored. A
   * job whose id is there already, in any state that the engine remembers, is left as it is there and told as `'there'`,
   * so that what was killed on its way can be begun again. Resolves once they are as safe as a publish.
   *
   * @returns what became of each, in their order
   */
  store(queue: string, jobs: readonly StoredState[]): Promise<readonly StoreResult[]>;
}

/** How far an engine can do something: with all jobs; with those that come first only; or not, and why, as a sentence. */
export type Ability = 'all' | 'head' | { readonly cannot: string };

/** What an inspector can do, as data. */
export interface InspectorAbilities {
  /** `'head'`: the first page has the next job alone, and there is no other page. */
  readonly list: Readonly<Record<JobState, Ability>>;
  /** Whether a number is known for each state; what can't be counted stays undefined in {@link StateCounts}. */
  readonly count: Readonly<Record<JobState, Ability>>;
  /** Whether a job is found by its id, in the states that can be listed. */
  readonly get: Ability;
  readonly retry: Ability;
  /** Removing a job, by the state in which it stands. */
  readonly remove: Readonly<Record<Exclude<JobState, 'active'>, Ability>>;
  /** Changing when a waiting or delayed job may start. */
  readonly reschedule: Ability;
  /** Storing a job as it stood elsewhere, by its state. */
  readonly store: Readonly<Record<Exclude<JobState, 'active'>, Ability>>;
}

/** Undefined: the engine can't tell. */
export interface StateCounts extends Readonly<Record<JobState, number | undefined>> {
  /** Since when the job that has waited longest may have been handled: its publishing, or the end of its delay. */
  readonly oldestWaitingAt: number | undefined;
}

export interface PageRequest {
  /** At most so many jobs, 1 or more. */
  readonly limit: number;
  /** What the page before gave; default: the first page. */
  readonly cursor?: string | undefined;
}

export interface JobPage {
  readonly jobs: readonly InspectedJob[];
  /** Gives the next page; undefined: there is none. The page itself may be empty though there is another. */
  readonly cursor: string | undefined;
}

/** By what a job is changed. */
export interface JobPlace {
  /** The engine's own name of it, unique in its queue; what it means is the engine's. */
  readonly key: string;
  readonly state: JobState;
}

/** A job as it stands. What an engine doesn't know is missing. */
export interface InspectedJob extends JobPlace {
  readonly queue: string;
  readonly content: ReceivedMessage | Unreadable;
  /** How many attempts have begun since its last fresh start; those that were used up elsewhere count. */
  readonly attempts: number;
  /** When the engine took it. */
  readonly storedAt?: number | undefined;
  /** When it may be handled, where that lies ahead or it waits since then. */
  readonly readyAt?: number | undefined;
  /** Of an active one: when its lease ends, and who has it, if the engine knows. */
  readonly leaseEndsAt?: number | undefined;
  readonly worker?: string | undefined;
  /** When it completed, failed or expired. */
  readonly endedAt?: number | undefined;
  /** Why it failed or expired. */
  readonly reason?: string | undefined;
  /** Of its attempts that failed, as far as they are kept. */
  readonly failures: readonly FailureRecord[];
}

export type JobChange =
  /**
   * A failed job waits again, now, behind its equals, with fresh attempts: none used up, those of elsewhere neither. The
   * failures of before may be kept.
   */
  | { readonly kind: 'retry' }
  /** It is gone, and its id free. */
  | { readonly kind: 'remove' }
  /**
   * A waiting or delayed job may be handled from `at` on: milliseconds since 1970; past or 0: at once. What its message
   * says of a delay (`readyAt`) counts no more, and is handed out as `at` or not at all.
   */
  | { readonly kind: 'reschedule'; readonly at: number };

/** `'changed'`: it was no longer there in that state, and nothing was done. */
export type ChangeResult = 'done' | 'changed';

/** A job as it stood elsewhere. */
export interface StoredState {
  readonly state: Exclude<JobState, 'active'>;
  /**
   * What is stored; or the bytes that could not be read, which fail again. Where `readyAt` below differs, it counts, and
   * not what the message says of a delay.
   */
  readonly content: Message | Unreadable;
  /** Used up so far; the next delivery is one more. */
  readonly attempts: number;
  readonly storedAt?: number | undefined;
  readonly readyAt?: number | undefined;
  readonly endedAt?: number | undefined;
  readonly reason?: string | undefined;
  readonly failures: readonly FailureRecord[];
}

/** `refused`: it can't be stored here, and why. */
export type StoreResult = 'stored' | 'there' | { readonly refused: string };
