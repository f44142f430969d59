import { pause, type Clock } from './clock.js';
import { toError } from './errors.js';
import { describeError } from './failure-record.js';
import type { Reporter } from './reporter.js';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 10_000;

/**
 * The times in which a backend fails: said once when one begins and once, with its length, when it is over, however
 * many calls fail meanwhile. Shared by all that use the backend. It is over when everyone who failed has passed: a full
 * disk fails those that write, while others read.
 */
export class Outage {
  private since: number | undefined;
  private readonly failing = new Set<object>();

  constructor(
    private readonly name: string,
    private readonly clock: Clock,
    private readonly reporter: Reporter,
  ) {}

  /** @param who the same object when it fails again, passes or gives up */
  failed(who: object, error: unknown): void {
    this.failing.add(who);
    if (this.since !== undefined) return;
    this.since = this.clock.monotonic();
    const { message, stack } = describeError(toError(error));
    this.reporter.error(`${this.name} fails: ${message}. Trying again until it is back.`, stack);
  }

  /** It tries no more; that says nothing about the others. */
  gaveUp(who: object): void {
    this.failing.delete(who);
  }

  passed(who: object): void {
    if (this.since === undefined) return;
    this.failing.delete(who);
    if (this.failing.size > 0) return;
    const seconds = Math.round(this.clock.monotonic() - this.since) / 1000;
    this.since = undefined;
    this.reporter.log(`${this.name} is back after ${seconds} s`);
  }

  /** Waits before the next try: longer with each failure, and jittered, so that a fleet doesn't come back at once. */
  wait(failuresSoFar: number, signal: AbortSignal, mostMs = LONGEST_PAUSE_MS): Promise<void> {
    const longest = Math.min(FIRST_PAUSE_MS * 2 ** failuresSoFar, mostMs);
    return pause(this.clock, longest * (0.5 + Math.random() / 2), signal);
  }
}
