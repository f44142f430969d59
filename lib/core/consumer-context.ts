import type { Backend } from './backend.js';
import type { Clock } from './clock.js';
import type { ErrorRules } from './errors.js';
import type { JobEvents } from './events.js';
import type { FleetMember } from './fleet-member.js';
import type { Handler, JobDefaults, Limiter } from './handlers.js';
import type { JobRef } from './job.js';
import type { LeaseKeeper } from './lease-keeper.js';
import type { Outage } from './outage.js';
import type { ReceivedMessage } from './message.js';
import type { Outcome } from './outcome.js';
import type { Publisher } from './publisher.js';
import type { Reporter } from './reporter.js';
import type { RunMiddleware } from './run-middleware.js';
import type { SharedRate } from './shared-rate.js';

/** A handler and the places it has in this process. */
export interface HandlerSlot {
  readonly handler: Handler;
  readonly limiter: Limiter;
  /** How often it may be called. */
  readonly rate: SharedRate | undefined;
}

/** What loops and runs share. */
export interface ConsumerContext {
  readonly backend: Backend;
  readonly clock: Clock;
  /** For jobs that go on as others. */
  readonly publisher: Publisher | undefined;
  readonly slots: ReadonlyMap<string, HandlerSlot>;
  readonly defaults: JobDefaults;
  readonly rules: { readonly errors: ErrorRules; readonly unknownJobGraceMs: number; readonly blockedForMs: number };
  readonly events: JobEvents;
  readonly reporter: Reporter;
  readonly worker: string;
  readonly leases: LeaseKeeper;
  readonly outage: Outage;
  /** Aborts when not even a settlement is waited for any more. */
  readonly settling: AbortSignal;
  /** What a job takes with it; one list for all that take nothing. */
  readonly middlewareFor: (message: ReceivedMessage, handler: Handler | undefined) => readonly RunMiddleware[];
  readonly sayUnknown: (job: JobRef) => void;
  /** What operators say to all processes, where the engine keeps records and this one takes part. */
  readonly fleet: FleetMember | undefined;
  /** Hears of each run that is over; without an outcome where its lease was lost. */
  readonly ended: (job: JobRef, outcome: Outcome | undefined) => void;
}
