import { expect, test } from 'vitest';
import { memory, VirtualClock } from '../../lib/backends/memory/index.js';
import { runScenario } from '../../lib/conformance/run-scenario.js';
import { chapter, lapsing, type Scenario } from '../../lib/conformance/scenario.js';
import type { Stage } from '../../lib/conformance/stage/stage.js';

/** A scenario whose leases lapse. */
function scenarioOf(run: (stage: Stage) => void): Scenario {
  return chapter('leasing', (add) => add('a rule', lapsing, (stage) => Promise.resolve(run(stage))))[0];
}

test('what the machine is too slow for is played again, each time with a longer lease', async () => {
  const leases: number[] = [];
  const needs300 = scenarioOf((stage) => {
    leases.push(stage.traits.leaseMs);
    if (stage.traits.leaseMs < 300) stage.tooSlow('it was needed longer');
  });
  await runScenario(needs300, { shortLeaseMs: 100, createBackend: ({ leaseMs }) => memory({ lease: leaseMs }) });
  expect(leases).toEqual([100, 200, 300]);
});

test('what it is too slow for each time fails, and says for what', async () => {
  let played = 0;
  const never = scenarioOf((stage) => {
    played += 1;
    stage.tooSlow(`play ${played} was too slow`);
  });
  const options = {
    shortLeaseMs: 100,
    createBackend: ({ leaseMs }: { leaseMs: number }) => memory({ lease: leaseMs }),
  };
  await expect(runScenario(never, options)).rejects.toThrow('play 5 was too slow');
  expect(played).toBe(5);
});

test('where time is virtual nothing is too slow: it fails at once', async () => {
  let played = 0;
  const never = scenarioOf((stage) => {
    played += 1;
    stage.tooSlow('a lease has lapsed');
  });
  const clock = new VirtualClock();
  const createBackend = () => ({ backend: memory({ clock }), advance: (ms: number) => clock.advance(ms) });
  await expect(runScenario(never, { createBackend })).rejects.toThrow('a lease has lapsed');
  expect(played).toBe(1);
});
