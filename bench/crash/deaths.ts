/** One death of the engine's server. Times are milliseconds since 1970. */
export interface Outage {
  /** Right before it was killed. */
  readonly from: number;
  /** When it answered again. */
  readonly to: number;
}

/** What the settlement of a job that has returned may take, on a machine that does much else. */
export const SETTLED_WITHIN_MS = 2_000;

/** What it may take to be connected again, on such a machine, beside what is waited between two tries. */
const BACK_WITHIN_MS = 5_000;

/** All kills of a run. */
export class Deaths {
  /** Who waits for the server waits longer with each try: he may come back as late again as it was away. */
  private readonly felt: readonly Outage[];

  /**
   * @param processes when each incarnation was killed; of those that were not, nothing
   * @param outages of the server
   */
  constructor(
    private readonly processes: ReadonlyMap<string, number>,
    private readonly outages: readonly Outage[],
  ) {
    this.felt = outages.map(({ from, to }) => ({ from, to: to + (to - from) + BACK_WITHIN_MS }));
  }

  /** When an incarnation was killed. */
  of(name: string): number | undefined {
    return this.processes.get(name);
  }

  /** Whether the server was dead at some time between. */
  ofServer(from: number, to: number): boolean {
    return overlaps(this.outages, from, to);
  }

  /** Whether somebody may not have had the server back at some time between. */
  serverMissed(from: number, to: number): boolean {
    return overlaps(this.felt, from, to);
  }
}

function overlaps(outages: readonly Outage[], from: number, to: number): boolean {
  return outages.some((outage) => outage.from <= to && outage.to >= from);
}
