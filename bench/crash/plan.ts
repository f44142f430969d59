import type { EngineName } from './engines/engine.js';
import { Random } from './random.js';

/** What a run is, completely: the same numbers plan the same jobs and the same kills. */
export interface CrashSettings {
  readonly engine: EngineName;
  readonly seed: number;
  readonly jobs: number;
  /** Of publishers and workers. */
  readonly kills: number;
  /** Of the engine's server; 0 where it has none. */
  readonly serverKills: number;
  /** Of the filer; servers are durable anyway. */
  readonly durable: boolean;
  readonly publishers: number;
  readonly workers: number;
  /** How many jobs a second each publisher tries to publish. */
  readonly rate: number;
}

export const QUEUES = ['left', 'right'] as const;
export const JOB = 'work';

/** One job as it is planned; every process reckons it from the seed and the job's number. */
export interface PlannedJob {
  readonly n: number;
  readonly queue: (typeof QUEUES)[number];
  /** Published by every publisher, so that they race for the id. */
  readonly shared: boolean;
  readonly id: string | undefined;
  readonly delayMs: number | undefined;
  readonly priority: number | undefined;
  /** Up to and with this attempt it fails transiently. */
  readonly failures: number;
  /** For so long after publishing it is blocked. */
  readonly blockedMs: number;
  readonly runMs: number;
  readonly text: string;
}

export function plannedJob(seed: number, n: number): PlannedJob {
  const random = new Random(seed, n);
  const shared = random.chance(0.05);
  return {
    n,
    queue: random.pick(QUEUES),
    shared,
    id: shared || random.chance(0.15) ? `job-${n}` : undefined,
    delayMs: random.chance(0.1) ? random.whole(1, 1_000) : undefined,
    priority: random.chance(0.3) ? random.pick([0, 10, 5_000]) : undefined,
    failures: random.chance(0.1) ? random.whole(1, 2) : 0,
    blockedMs: random.chance(0.05) ? random.whole(50, 500) : 0,
    runMs: random.chance(0.05) ? random.whole(50, 300) : random.whole(0, 30),
    text: textOf(random),
  };
}

/** Some are longer than a page, so that a write of them could be cut by a kill. */
function textOf(random: Random): string {
  const length = random.chance(0.1) ? random.whole(4_000, 40_000) : random.whole(0, 300);
  return String.fromCharCode(random.whole(97, 122)).repeat(length);
}

/** One kill -9, once so many jobs were acknowledged and some more milliseconds have passed. */
export interface PlannedKill {
  readonly afterJobs: number;
  readonly afterMs: number;
  readonly victim: { readonly kind: 'publisher' | 'worker'; readonly slot: number };
  /** How long it stays dead. */
  readonly deadMs: number;
}

export function plannedKills({ seed, jobs, kills, publishers, workers }: CrashSettings): PlannedKill[] {
  const random = new Random(seed, -1);
  const planned: PlannedKill[] = [];
  while (planned.length < kills) {
    const at = { afterJobs: random.whole(1, Math.floor(jobs * 0.95)), afterMs: random.whole(0, 50) };
    const kill = (kind: 'publisher' | 'worker', slot: number): void => {
      if (planned.length < kills) planned.push({ ...at, victim: { kind, slot }, deadMs: random.whole(0, 150) });
    };
    const what = random.next();
    if (what < 0.05) for (let slot = 0; slot < workers; slot++) kill('worker', slot);
    else if (what < 0.1) {
      kill('worker', random.whole(0, workers - 1));
      kill('publisher', random.whole(0, publishers - 1));
    } else if (what < 0.4) kill('publisher', random.whole(0, publishers - 1));
    else kill('worker', random.whole(0, workers - 1));
  }
  return planned.sort((a, b) => a.afterJobs - b.afterJobs);
}

/** One kill -9 of the server, as {@link PlannedKill} is one of a process. */
export type PlannedServerKill = Omit<PlannedKill, 'victim'>;

export function plannedServerKills({ seed, jobs, serverKills }: CrashSettings): PlannedServerKill[] {
  const random = new Random(seed, -3);
  const planned = Array.from({ length: serverKills }, () => ({
    afterJobs: random.whole(1, Math.floor(jobs * 0.95)),
    afterMs: random.whole(0, 50),
    // Now and then for longer than a lease of BullMQ's lasts.
    deadMs: random.chance(0.1) ? random.whole(3_000, 5_000) : random.whole(0, 300),
  }));
  return planned.sort((a, b) => a.afterJobs - b.afterJobs);
}
