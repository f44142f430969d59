import type { ConformanceOptions } from './options.js';
import { runScenario } from './run-scenario.js';
import { scenarios } from './scenarios.js';

export type { BackendUnderTest, BackendWish, ConformanceOptions, Exemption } from './options.js';

/**
 * The suite that tells whether a backend keeps the contract: registers a test for each rule, named as a sentence.
 *
 * ```ts
 * backendConformance({ test, createBackend: ({ leaseMs }) => memory({ lease: leaseMs }) });
 * ```
 *
 * A rule that the backend's traits exempt passes, and is told to `report`. Throws nothing itself.
 */
export function backendConformance(options: ConformanceOptions): void {
  for (const scenario of scenarios) {
    options.test(`${scenario.chapter}: ${scenario.name}`, () => runScenario(scenario, options));
  }
}
