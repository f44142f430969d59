import type { Delivery } from './backend.js';
import type { ConsumerContext } from './consumer-context.js';
import { messageOf } from './errors.js';
import type { JobRef } from './job.js';
import type { ReceivedMessage } from './message.js';
import type { Outcome } from './outcome.js';
import type { HandlingTelemetry, RunFacts, Telemetry } from './telemetry.js';

/** A run as far as telemetry is told of it. */
export interface TrackedRun {
  readonly ref: JobRef;
  readonly message: ReceivedMessage | undefined;
  readonly delivery: Delivery;
}

/** Begins to track a run whose handler is about to be called. What goes wrong with that harms no job. */
export function track(run: TrackedRun, telemetry: Telemetry, context: ConsumerContext): HandlingTelemetry | undefined {
  return unharmed(context, () => telemetry.handling(factsOf(run, context)));
}

/** Tells of the end of a run, tracked or not handled at all. */
export function tellTelemetry(
  run: TrackedRun,
  tracked: HandlingTelemetry | undefined,
  outcome: Outcome | undefined,
  durationMs: number,
  context: ConsumerContext,
): void {
  const { telemetry } = context;
  unharmed(context, () => {
    if (tracked) tracked.ended(outcome, durationMs);
    else telemetry?.unhandled(factsOf(run, context), outcome);
  });
}

function unharmed<T>({ reporter }: ConsumerContext, tell: () => T): T | undefined {
  try {
    return tell();
  } catch (error) {
    reporter.warn(`telemetry failed, and hears nothing of a job: ${messageOf(error)}`);
    return undefined;
  }
}

function factsOf({ ref, message, delivery }: TrackedRun, { backend, clock, slots }: ConsumerContext): RunFacts {
  return {
    engine: backend.traits.name,
    ref,
    message,
    known: message !== undefined && slots.has(message.name),
    waitedMs: waitedMs(message, delivery, clock.now()),
    rescued: backend.traits.history && isRescued(message, delivery),
  };
}

function waitedMs(message: ReceivedMessage | undefined, delivery: Delivery, now: number): number | undefined {
  if (delivery.attempt > 1 + (message?.attemptsUsed ?? 0)) return undefined;
  const since = message?.readyAt ?? message?.publishedAt ?? delivery.storedAt;
  // A moment of another host's clock may lie ahead.
  return Math.max(now - since, 0);
}

/** An attempt that came to its end has left a failure behind. */
function isRescued(message: ReceivedMessage | undefined, { attempt, failures }: Delivery): boolean {
  const before = attempt - 1;
  return before > (message?.attemptsUsed ?? 0) && (failures.at(-1)?.attempt ?? 0) < before;
}
