import type { BackendDescription } from '../core/backend.js';

/** A backend and what the suite can do with it beside the contract. */
export interface BackendUnderTest {
  /** Opened twice, it gives two workers on the same jobs. */
  readonly backend: BackendDescription;
  /**
   * Where `backend.clock` is virtual: moves it on by so many milliseconds, fires what falls due at its moment, and
   * resolves once what that set off has had its turn. Without it, scenarios wait for real.
   */
  advance?(ms: number): Promise<void>;
  /**
   * Stores bytes in a queue as another program would, in the engine's own way and at once. They may be no message at
   * all. Without it, the scenarios about foreign messages are exempt.
   */
  putForeign?(queue: string, bytes: Uint8Array): Promise<void>;
  /** Frees what was made for it; called once, after all that was opened is closed. */
  dispose?(): Promise<void> | void;
}

/** What a scenario asks of a backend. */
export interface BackendWish {
  /**
   * How long leases should last, in milliseconds: short where the scenario waits for one to lapse. An engine that can't
   * may take the nearest that it has; `traits.leaseMs` tells, and the scenario waits as long.
   */
  readonly leaseMs: number;
}

/** A scenario that does not concern a backend, and why. */
export interface Exemption {
  readonly chapter: string;
  readonly scenario: string;
  readonly reason: string;
}

/** What the suite needs. */
export interface ConformanceOptions {
  /**
   * Registers a test with the runner: `test` of vitest, node:test or jest, `it` of mocha. Scenarios share nothing, so
   * that those of one runner may go on at the same time. Give each 60 s where time is real: most need far less.
   */
  readonly test: (name: string, run: () => Promise<void>) => unknown;
  /** Gives a backend without jobs; called afresh for each scenario. */
  readonly createBackend: (
    wish: BackendWish,
  ) => BackendDescription | BackendUnderTest | Promise<BackendDescription | BackendUnderTest>;
  /**
   * The lease asked for by scenarios that wait for one to lapse, in milliseconds. Default 1,000. A scenario that the
   * machine was too slow for is played again with a longer one, four times at most.
   */
  readonly shortLeaseMs?: number;
  /**
   * Hears of each scenario that the backend's traits exempt, when its turn comes; its test passes. Default: a line on
   * the console. There is no other way to leave one out.
   */
  readonly report?: (exemption: Exemption) => void;
}

export function underTest(given: BackendDescription | BackendUnderTest): BackendUnderTest {
  return 'open' in given ? { backend: given } : given;
}
