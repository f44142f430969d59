import type { Backlog } from './backlog.js';
import type { Clock } from './clock.js';
import type { FailureRecord } from './failure-record.js';
import type { Inspector } from './inspector.js';
import type { Message, ReceivedMessage, Unreadable } from './message.js';
import type { Records } from './records.js';
import type { RecordsElsewhere } from './records-elsewhere.js';

/**
 * THE CONTRACT between the core and an engine that stores jobs. This file is all that the author of a backend has to
 * read; `nestjs-jobs/conformance` is the suite that tells whether he kept it.
 *
 * A backend stores, orders, hands out and proves leases. It decides nothing: when to retry, when to give up, what has
 * expired and what an error means is the core's. It never retries a failed operation on its own.
 */
export interface Backend {
  readonly traits: BackendTraits;

  /** The time by which delays fall due and leases lapse, where it is not the system's. */
  readonly clock?: Clock;

  /** Where the engine can keep them. Without it, what needs records is refused aloud. */
  readonly records?: Records;

  /** Where the engine can tell what waits. Without it, limits of queues are refused aloud. */
  readonly backlog?: Backlog;

  /** Where the engine can show its jobs. Without it, operating them is refused aloud. */
  readonly inspector?: Inspector;

  /**
   * How another thread of this process opens the same {@link records}; undefined where it can't, as over a client that the
   * user passed in. Without it, where an event loop is blocked is told only once it is free again.
   */
  recordsElsewhere?(): Promise<RecordsElsewhere | undefined>;

  /**
   * Stores the messages in their order and resolves once each is as safe as `traits.durability` says, with one receipt
   * for each. The messages never change after the call. A job without a delay is served after those of the same
   * priority that the same publisher stored before.
   *
   * While a job with the same id is waiting, delayed, active or failed in the same queue, a message is not stored, and
   * its receipt says `duplicate: true`; where `traits.findsDuplicates` is false, all are stored, and it stays undefined.
   *
   * @throws BackendError that tells how many were stored, and whether the next may have been
   */
  publish(queue: string, messages: readonly Message[]): Promise<readonly StoredReceipt[]>;

  /**
   * Leases up to `max` jobs that are due, the most urgent first, and counts the delivery as an attempt of each. Where
   * none is due it waits a while (seconds, without polling the engine faster than it must) and may resolve with none.
   * Resolves promptly when `signal` aborts; what it has leased by then it still hands out. Stored bytes that can't be
   * read are handed out as {@link Unreadable}, and never hinder the others.
   */
  reserve(queue: string, max: number, signal: AbortSignal): Promise<readonly Delivery[]>;

  /**
   * Ends a delivery. Resolves with false, and changes nothing, where its lease was lost: it lapsed and another has the
   * job, it was settled before, or the job is gone.
   */
  settle(delivery: Delivery, settlement: Settlement): Promise<boolean>;

  /** Renews the lease of a delivery for another `traits.leaseMs`. False where it was lost. */
  extend(delivery: Delivery): Promise<boolean>;

  /**
   * Ends every wait and frees every handle. Deliveries that are not settled stay leased until their lease lapses. A
   * client that the user passed in stays open.
   */
  close(): Promise<void>;
}

/** What an engine keeps, as data. */
export interface BackendTraits {
  /** Its name in messages: `'filer'`. */
  readonly name: string;
  /** What survives once `publish` has resolved: nothing, the end of the process, or a power cut. */
  readonly durability: 'none' | 'process' | 'power cut';
  /** Whether several processes can serve the same queues. */
  readonly shared: boolean;
  /** How long a lease lasts unless it is renewed. */
  readonly leaseMs: number;
  /** Delays are kept in steps of so many milliseconds, rounded up. */
  readonly delayStepMs: number;
  /** Priorities from 0 to here keep their exact order; above, they may be rounded, never inverted. */
  readonly exactPriorities: number;
  /** The largest message, in bytes of its JSON; undefined where there is no limit. */
  readonly maxBytes?: number;
  /** Whether a second job of the same id is told from a new one. */
  readonly findsDuplicates: boolean;
  /** Whether failures before the last are kept with the job. */
  readonly history: boolean;
  /**
   * How many reserves of a queue a consumer may have under way at once, each asking for its part of the places. More than
   * one where the jobs of one answer can be begun while the engine works on the next. Default 1.
   */
  readonly reservesAtOnce?: number;
}

/** What became of one message. */
export interface StoredReceipt {
  /** True: not stored, for a job of this id lives in the queue. Undefined: the engine can't tell. */
  readonly duplicate: boolean | undefined;
}

/** A job handed out to one worker for the length of its lease. A backend may add fields of its own. */
export interface Delivery {
  readonly queue: string;
  /** Proves the lease: unique to this delivery among all that ever were. */
  readonly receipt: string;
  /**
   * Which attempt this is, 1 the first time: deliveries so far that were neither given back nor are older than the
   * job's last fresh start, and {@link Message.attemptsUsed}.
   */
  readonly attempt: number;
  readonly content: ReceivedMessage | Unreadable;
  /** When it was stored, for messages that don't say when they were published. Milliseconds since 1970. */
  readonly storedAt: number;
  /** When the lease began, or somewhat before, by the backend's clock's `monotonic()`. */
  readonly leasedAt: number;
  /** What `settle` last stored with this job; none where `traits.history` is false. */
  readonly failures: readonly FailureRecord[];
  /**
   * Takes the listener that hears, once and at once, that the lease was lost: for backends that learn it by themselves,
   * as by the end of the connection that holds it. One that gives it tells of every loss, of a lease that lapsed too,
   * and of no settlement. The core hears of the others' when it renews or settles.
   */
  readonly onLeaseLost?: (listener: () => void) => void;
}

/** How a delivery ends, as the engine hears it. */
export type Settlement =
  /** The job is gone, and its id free. */
  | { readonly kind: 'completed' }
  /**
   * A message of the same id stands in its place, as if published now: no moment finds both gone. The id stays taken; a
   * crash meanwhile may leave both.
   */
  | { readonly kind: 'replaced'; readonly message: Message }
  /**
   * It is handed out again, not before `at` (milliseconds since 1970; past: at once). Where `countsAttempt` is false,
   * the attempt that this delivery cost is given back.
   */
  | {
      readonly kind: 'again';
      readonly at: number;
      readonly countsAttempt: boolean;
      readonly failures: readonly FailureRecord[];
    }
  /** It is set aside as it came, with the reason and the failures. Its id stays taken. */
  | { readonly kind: 'failed'; readonly reason: string; readonly failures: readonly FailureRecord[] }
  /** It is set aside, or dropped where the engine keeps no expired jobs, and its id is free. */
  | { readonly kind: 'expired'; readonly reason: string; readonly failures: readonly FailureRecord[] };

/** What a factory such as `filer(…)` gives: how to open a backend. Each application opens and closes its own. */
export interface BackendDescription {
  /** The engine's name in messages. */
  readonly name: string;

  /** The same as its backend's. */
  readonly clock?: Clock;

  /**
   * Makes sure that the engine can be used.
   *
   * @throws an error that says which engine, where, and what to do
   */
  open(context: BackendContext): Promise<Backend>;
}

/** What the application gives to a backend that it opens. */
export interface BackendContext {
  /** Names this process: host and pid. */
  readonly worker: string;
  /** The queues that this application will reserve from, for engines that prepare them. */
  readonly queues?: readonly string[];
  /** Says something once that an operator should know. */
  warn(message: string): void;
}

/** What a backend throws where its engine fails. */
export class BackendError extends Error {
  override readonly name = 'BackendError';
  /** Whether it may pass by itself, so that waiting makes sense. */
  readonly passing: boolean;
  /** Of a publish: how many messages were surely stored, the first ones. */
  readonly stored: number;
  /** Of a publish: whether some of the others may have been stored as well. */
  readonly maybeStored: boolean;

  constructor(
    message: string,
    options: {
      readonly passing: boolean;
      readonly stored?: number;
      readonly maybeStored?: boolean;
      readonly cause?: unknown;
    },
  ) {
    super(message, { cause: options.cause });
    this.passing = options.passing;
    this.stored = options.stored ?? 0;
    this.maybeStored = options.maybeStored ?? false;
  }
}
