/** One figure of a row: how many times as fast as the bare loop, or another quotient. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** What came of interleaved measurements A B A B …, in milliseconds a job. */
export interface Pairs {
  /** B's time by A's: 1 is as fast as B, 0.5 half as fast. */
  readonly ratio: Spread;
  /** Medians of milliseconds a job. */
  readonly a: number;
  readonly b: number;
}

/** Times a piece of work, in milliseconds. What has to be made ready or cleared away is not timed. */
export interface Side {
  before?(): Promise<void> | void;
  timed(): Promise<void> | void;
  after?(): Promise<void> | void;
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  return { median: quantile(sorted, 0.5), min: sorted[0] ?? NaN, max: sorted.at(-1) ?? NaN };
}

/** @param sorted ascending */
export function quantile(sorted: readonly number[], q: number): number {
  const at = (sorted.length - 1) * q;
  const low = sorted[Math.floor(at)] ?? NaN;
  const high = sorted[Math.ceil(at)] ?? NaN;
  return low + (high - low) * (at - Math.floor(at));
}

/**
 * Measures A and B in turns, so that what else the machine does hits both, and compares each A with its own B.
 *
 * @param jobs how many one turn of either handles
 */
export async function inPairs(rounds: number, jobs: number, a: Side, b: Side): Promise<Pairs> {
  const times = await inTurns(rounds, [a, b]);
  return {
    ratio: spread(times.map(([ofA = NaN, ofB = NaN]) => ofB / ofA)),
    a: spread(times.map(([ofA = NaN]) => ofA)).median / jobs,
    b: spread(times.map(([, ofB = NaN]) => ofB)).median / jobs,
  };
}

/** Measures each side once a round, one after the other. Resolves with the milliseconds that they took, by round. */
export async function inTurns(rounds: number, sides: readonly Side[]): Promise<readonly (readonly number[])[]> {
  const times: number[][] = [];
  // The first round warms all up.
  for (let round = 0; round <= rounds; round++) {
    const took: number[] = [];
    for (const side of sides) took.push(await time(side));
    if (round > 0) times.push(took);
  }
  return times;
}

async function time(side: Side): Promise<number> {
  await side.before?.();
  const began = performance.now();
  await side.timed();
  const took = performance.now() - began;
  await side.after?.();
  return took;
}
