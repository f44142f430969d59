import assert from 'node:assert/strict';
import type { Rate } from '../core/rate.js';
import { chapter, keepsRecords } from './scenario.js';
import { numbers } from './stage/draft.js';
import type { CrewPlan } from './stage/crew.js';
import type { Stage } from './stage/stage.js';

/** The rate of a scenario: so long that an engine's steps don't show, and no longer. */
function rateOf({ delayMs }: Stage, max: number): Rate {
  return { max, perMs: 4 * delayMs };
}

/** Handlers that note when they are called. */
function noting(calls: number[], { clock }: Stage, special: object = {}): CrewPlan['handlers'] {
  return { job: { handle: () => void calls.push(clock.now()), ...special } };
}

/**
 * That no more were called since `from` than its time allows for. What a call's beginning costs to be told only makes it
 * later, and can't be taken for a fault.
 */
function assertKept(calls: readonly number[], { max, perMs }: Rate, from: number): void {
  for (const [index, at] of [...calls].sort((a, b) => a - b).entries()) {
    const earliest = from + Math.floor(index / max) * perMs;
    assert.ok(
      at >= earliest - 3,
      `call ${index + 1} began after ${at - from} ms, and the rate of ${max} in ${perMs} ms allows it after ${earliest - from} ms`,
    );
  }
}

export const rates = chapter('rates', (scenario) => {
  scenario('two workers share the rate of a queue, and no attempt is counted', keepsRecords, async (stage) => {
    const other = await stage.another();
    const rate = rateOf(stage, 3);
    const calls: number[] = [];
    await stage.worker.publish(...numbers(10).map((payload) => ({ payload, maxAttempts: 1 })));
    const plan = { handlers: noting(calls, stage), rate };
    const from = stage.clock.now();
    const crews = [stage.crew(plan), stage.crew(plan, other)];
    await stage.time.until(
      () => `10 jobs to be handled, ${calls.length} are`,
      () => calls.length >= 10,
      60 * rate.perMs,
    );
    for (const crew of crews) await crew.stop();
    assertKept(calls, rate, from);
    assert.equal(calls.length, 10);
    assert.deepEqual(
      crews.flatMap((crew) => crew.told('failed')),
      [],
    );
    assert.deepEqual(new Set(crews.flatMap((crew) => crew.calls.map(({ attempt }) => attempt))), new Set([1]));
  });

  scenario('two workers share the rate of a handler, and no attempt is counted', keepsRecords, async (stage) => {
    const other = await stage.another();
    const rate = rateOf(stage, 2);
    const calls: number[] = [];
    const plan = { handlers: noting(calls, stage, { rate }), concurrency: 1 };
    const from = stage.clock.now();
    const crews = [stage.crew(plan), stage.crew(plan, other)];
    await stage.worker.publish(...numbers(6).map((payload) => ({ payload, maxAttempts: 1 })));
    await stage.time.until(
      () => `6 jobs to be handled, ${calls.length} are`,
      () => calls.length >= 6,
      60 * rate.perMs,
    );
    for (const crew of crews) await crew.stop();
    assertKept(calls, rate, from);
    assert.deepEqual(new Set(crews.flatMap((crew) => crew.calls.map(({ attempt }) => attempt))), new Set([1]));
    assert.deepEqual(
      crews.flatMap((crew) => crew.told('failed')),
      [],
    );
  });

  scenario('a rate that another has used up is kept by one who comes later', keepsRecords, async (stage) => {
    const other = await stage.another();
    const rate = { max: 2, perMs: 3_600_000 };
    const calls: number[] = [];
    await stage.worker.publish(...numbers(5).map(() => ({})));
    const first = stage.crew({ handlers: noting(calls, stage), rate });
    await first.hears('completed', 2);
    await first.stop();
    const second = stage.crew({ handlers: noting(calls, stage), rate }, other);
    await stage.time.pass(4 * stage.worker.quietMs);
    await second.stop();
    assert.equal(calls.length, 2);
  });
});
