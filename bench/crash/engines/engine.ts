/** The engines that a run can take place on. */
export const ENGINES = ['filer', 'bullmq', 'beanstalkd'] as const;
export type EngineName = (typeof ENGINES)[number];

/** What a run may find on one engine and not on another. */
export interface EngineRules {
  /** Within so many milliseconds of a worker's death, or of another worker's being there, its jobs run again. */
  readonly rescuedWithinMs: number;
  /** Whether the death of the server may take back the attempts that the deliveries before it have cost. */
  readonly serverForgetsAttempts: boolean;
  /** Whether a blocked job is put again before it is deleted, so that a kill in between leaves it there twice. */
  readonly putsBlockedAgain: boolean;
}

/** The lease of BullMQ's workers in a run: what their deaths cost is told by it, and it is short beside a run. */
export const BULLMQ_LEASE_MS = 3_000;

export const RULES: Readonly<Record<EngineName, EngineRules>> = {
  filer: { rescuedWithinMs: 1_000, serverForgetsAttempts: false, putsBlockedAgain: false },
  // The lease, a scan of a third of it, and what it takes to hand a job out on a machine that does much else.
  bullmq: { rescuedWithinMs: (BULLMQ_LEASE_MS * 4) / 3 + 250, serverForgetsAttempts: false, putsBlockedAgain: false },
  beanstalkd: { rescuedWithinMs: 1_000, serverForgetsAttempts: true, putsBlockedAgain: true },
};

/** Counts an engine's jobs, of all queues of a run, as one who looks from outside. */
export interface Tally {
  /** The kinds of which a worker could take one now. */
  readonly waiting: readonly string[];
  /** The kinds that workers still have to come to. */
  readonly unfinished: readonly string[];
  /** By kind; all are 0 when a run is over. Rejects while the engine is away. */
  count(): Promise<Readonly<Record<string, number>>>;
  /**
   * Removes the failed jobs whose bytes end in zeros, and tells how many there were: beanstalkd brings a job back so
   * that was cut by a kill on its way into the binlog. Not there for engines that write none in part.
   */
  removeTorn?(): Promise<number>;
  close(): Promise<void>;
}

export function sumOf(
  counts: Readonly<Record<string, number>>,
  kinds: readonly string[] = Object.keys(counts),
): number {
  return kinds.reduce((sum, kind) => sum + (counts[kind] ?? 0), 0);
}
