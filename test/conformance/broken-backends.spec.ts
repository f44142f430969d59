import { describe, expect, test } from 'vitest';
import { runScenario } from '../../lib/conformance/run-scenario.js';
import type { Scenario } from '../../lib/conformance/scenario.js';
import { scenarios } from '../../lib/conformance/scenarios.js';
import { breakers } from './breakers/all.js';
import { caughtAlone } from './caught-alone.js';
import { caughtInspector } from './caught-inspector.js';
import { caughtFleet } from './caught-fleet.js';
import { caughtLimits } from './caught-limits.js';
import { caughtRecords } from './caught-records.js';
import { caughtResults } from './caught-results.js';
import { caughtTogether } from './caught-together.js';
import { telling } from './breakers/telling.js';
import { coarse, poor } from './modest.js';
import { broken, type Breaker } from './honest.js';

const caught = {
  ...caughtAlone,
  ...caughtFleet,
  ...caughtLimits,
  ...caughtRecords,
  ...caughtTogether,
  ...caughtResults,
  ...caughtInspector,
};

/** Real time, in milliseconds: all that is honest is over long before, for its time is virtual. */
const DEADLINE_MS = 8_000;

function play(scenario: Scenario, breaker: Breaker, exempt: string[] = []): Promise<void> {
  return runScenario(scenario, {
    createBackend: broken(breaker),
    deadlineMs: DEADLINE_MS,
    report: ({ reason }) => exempt.push(reason),
  });
}

describe('the suite catches broken backends', () => {
  for (const scenario of scenarios) {
    const { chapter, name } = scenario;

    test(`${chapter}: ${name}`, async () => {
      const named = caught[chapter]?.[name] ?? [];
      expect(named, 'no broken backend is named that this scenario catches').not.toEqual([]);
      const missed: string[] = [];
      for (const each of named) {
        const breaker = breakers[each];
        if (!breaker) throw new Error(`there is no breaker "${each}"`);
        const error: unknown = await play(scenario, breaker).catch((thrown: unknown) => thrown);
        if (error === undefined) missed.push(each);
      }
      expect(missed, 'these broken backends pass').toEqual([]);
    });
  }

  test('no scenario is named that the suite does not have', () => {
    const known = new Set(scenarios.map(({ chapter, name }) => `${chapter}: ${name}`));
    const named = Object.entries(caught).flatMap(([chapter, names]) =>
      Object.keys(names).map((name) => `${chapter}: ${name}`),
    );
    expect(named.filter((each) => !known.has(each))).toEqual([]);
  });

  test('each broken backend is caught by a scenario', () => {
    const used = new Set(Object.values(caught).flatMap((names) => Object.values(names).flat()));
    expect(Object.keys(breakers).filter((each) => !used.has(each))).toEqual([]);
  });
});

describe('the suite does not catch a backend that only looks broken', () => {
  test('the one that all broken ones are made of passes', async () => {
    const exempt: string[] = [];
    for (const scenario of scenarios) await play(scenario, {}, exempt);
    expect(exempt).toEqual([
      'traits.history is true',
      'traits.findsDuplicates is true',
      "traits.durability is 'none'",
      'its inspector can do all',
      "no inspector.abilities.list is 'head'",
      'traits.maxBytes is undefined',
    ]);
  });

  test('one that tells of lost leases passes', async () => {
    for (const scenario of scenarios) await play(scenario, telling({}));
  });

  test('one without history and duplicates, as its traits say, passes', async () => {
    const exempt: string[] = [];
    for (const scenario of scenarios) await play(scenario, poor, exempt);
    expect(new Set(exempt)).toEqual(
      new Set([
        'traits.history is false',
        'traits.findsDuplicates is false',
        'traits.maxBytes is undefined',
        ...['waiting', 'delayed', 'failed'].map((state) => `inspector.abilities.list.${state}: 'head'`),
        'inspector.abilities.list.active: nobody is told of them',
        ...['list', 'count', 'store'].flatMap((verb) => [
          `inspector.abilities.${verb}.completed: it keeps none`,
          `inspector.abilities.${verb}.expired: it keeps none`,
        ]),
        'inspector.abilities.get: ids are not looked up',
        'inspector.abilities.reschedule: delays are not changed',
        'the backend has no backlog.bytes',
        'the backend has no backlog.dropOldest',
        "traits.durability is 'none'",
      ]),
    );
  });

  test('one with long steps of delay, few priorities and long leases, as its traits say, passes', async () => {
    for (const scenario of scenarios) await play(scenario, coarse);
  });
});
