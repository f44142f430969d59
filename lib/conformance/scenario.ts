import type { BackendTraits } from '../core/backend.js';
import type { Backlog } from '../core/backlog.js';
import type { Inspector } from '../core/inspector.js';
import type { Stage } from './stage/stage.js';

/** What decides whether a scenario concerns a backend. */
export interface Concern {
  readonly traits: BackendTraits;
  /** Whether the suite was given a way to bring in what other programs store. */
  readonly takesForeign: boolean;
  /** Whether it has `records`. */
  readonly keepsRecords: boolean;
  /** Whether it has `records.letters`. */
  readonly sendsLetters: boolean;
  /** Whether it has `recordsElsewhere`. */
  readonly opensElsewhere: boolean;
  /** How it shows its jobs, where it does. */
  readonly inspector: Inspector | undefined;
  /** How it tells what waits, where it does. */
  readonly backlog: Backlog | undefined;
}

/** One rule of the contract and how a backend is caught breaking it. */
export interface Scenario {
  /** The verb or the matter, which groups scenarios. */
  readonly chapter: string;
  /** The rule as a sentence. */
  readonly name: string;
  /** `'short'`: leases lapse in it, so that a short one is asked for. */
  readonly lease: 'long' | 'short';
  /** Why it does not concern a backend; undefined where it does. */
  exempt(concern: Concern): string | undefined;
  /** Resolves where the backend keeps the rule; rejects where it does not. */
  run(stage: Stage): Promise<void>;
}

/** What a chapter says of a scenario that is not as most are. */
export interface ScenarioOptions {
  readonly lease?: 'short';
  readonly exempt?: (concern: Concern) => string | undefined;
}

type Run = (stage: Stage) => Promise<void>;

interface Add {
  (name: string, run: Run): void;
  (name: string, options: ScenarioOptions, run: Run): void;
}

/** Collects the scenarios of a chapter. */
export function chapter(title: string, write: (scenario: Add) => void): readonly Scenario[] {
  const scenarios: Scenario[] = [];
  write((name: string, ...rest: [Run] | [ScenarioOptions, Run]) => {
    const [options, run] = rest.length === 1 ? [{}, rest[0]] : rest;
    scenarios.push({
      chapter: title,
      name,
      lease: options.lease ?? 'long',
      exempt: options.exempt ?? (() => undefined),
      run,
    });
  });
  return scenarios;
}

/** The scenario concerns backends that each of these does. */
export function all(...options: readonly ScenarioOptions[]): ScenarioOptions {
  return {
    exempt: (concern) => options.map(({ exempt }) => exempt?.(concern)).find((reason) => reason !== undefined),
  };
}

/** Leases lapse in the scenario. */
export const lapsing: ScenarioOptions = { lease: 'short' };

/** The scenario concerns backends that find duplicates. */
export const findsDuplicates: ScenarioOptions = {
  exempt: ({ traits }) => (traits.findsDuplicates ? undefined : 'traits.findsDuplicates is false'),
};

/** The scenario concerns backends that keep failures. */
export const keepsHistory: ScenarioOptions = {
  exempt: ({ traits }) => (traits.history ? undefined : 'traits.history is false'),
};

/** The scenario concerns backends that keep records. */
export const keepsRecords: ScenarioOptions = {
  exempt: (concern) => (concern.keepsRecords ? undefined : 'the backend has no records'),
};

/** The scenario concerns backends whose processes can be sent letters. */
export const sendsLetters: ScenarioOptions = {
  exempt: (concern) => (concern.sendsLetters ? undefined : 'the backend has no records.letters'),
};

/** The scenario concerns backends whose records other threads can open. */
export const opensElsewhere: ScenarioOptions = {
  exempt: (concern) => (concern.opensElsewhere ? undefined : 'the backend has no recordsElsewhere'),
};

/** The scenario concerns backends that tell how many jobs wait. */
export const countsJobs: ScenarioOptions = {
  exempt: ({ backlog }) => (backlog ? undefined : 'the backend has no backlog'),
};

/** The scenario concerns backends that tell how many bytes wait. */
export const countsBytes: ScenarioOptions = {
  exempt: ({ backlog }) => (backlog?.bytes ? undefined : 'the backend has no backlog.bytes'),
};

/** The scenario concerns backends that drop what has waited longest. */
export const dropsOldest: ScenarioOptions = {
  exempt: ({ backlog }) => (backlog?.dropOldest ? undefined : 'the backend has no backlog.dropOldest'),
};

/** Other programs store something in the scenario. */
export const withForeign: ScenarioOptions = {
  exempt: ({ takesForeign }) => (takesForeign ? undefined : 'createBackend gives no putForeign'),
};
