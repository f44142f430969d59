import { AssertionError } from 'node:assert/strict';
import { systemClock } from '../core/clock.js';
import { underTest, type ConformanceOptions, type Exemption } from './options.js';
import type { Scenario } from './scenario.js';
import { Stage } from './stage/stage.js';
import { TooSlow } from './stage/time.js';

/** Long enough that no lease lapses in scenarios that don't mean it. */
const LONG_LEASE_MS = 30_000;
const SHORT_LEASE_MS = 1_000;

/** How often a scenario is tried while the machine is too slow for its premise, with a lease the longer each time. */
const TRIES = 5;

type RunOptions = Omit<ConformanceOptions, 'test'> & {
  /** After how many real milliseconds a scenario that hangs has failed. Default 55 s. */
  readonly deadlineMs?: number;
};

/** Plays a scenario on a backend of its own; rejects where the backend breaks the rule. */
export async function runScenario(scenario: Scenario, options: RunOptions): Promise<void> {
  for (let tried = 0; ; tried++) {
    try {
      return await play(scenario, options, tried);
    } catch (error) {
      if (!(error instanceof TooSlow) || tried === TRIES - 1) throw error;
    }
  }
}

async function play(scenario: Scenario, options: RunOptions, tried: number): Promise<void> {
  const lapses = scenario.lease === 'short';
  const shortLeaseMs = Math.min((options.shortLeaseMs ?? SHORT_LEASE_MS) * (1 + tried), LONG_LEASE_MS);
  const leaseMs = lapses ? shortLeaseMs : LONG_LEASE_MS;
  const stage = await Stage.open(underTest(await options.createBackend({ leaseMs })), lapses);
  const { chapter, name } = scenario;
  const reason = scenario.exempt(stage);
  if (reason !== undefined) (options.report ?? print)({ chapter, scenario: name, reason });
  try {
    if (reason === undefined) await within(scenario.run(stage), options.deadlineMs ?? 55_000);
  } catch (error) {
    // Why the scenario failed says more than that closing failed after it.
    await within(stage.end(), 10_000).catch(() => undefined);
    throw error;
  }
  await within(stage.end(), 10_000);
}

async function within(promise: Promise<void>, ms: number): Promise<void> {
  let cancel = (): void => undefined;
  const late = new Promise<never>((_, reject) => {
    cancel = systemClock.after(ms, () => reject(new AssertionError({ message: `not over after ${ms} ms: it hangs` })));
  });
  try {
    await Promise.race([promise, late]);
  } finally {
    cancel();
  }
}

function print({ chapter, scenario, reason }: Exemption): void {
  console.info(`exempt: ${chapter}: ${scenario} (${reason})`);
}
