import type { Delivery } from './deliveries.js';
import type { Deaths } from './deaths.js';
import type { Incarnation } from './ledger.js';

/** How a job that a kill had cut came to its next start. */
export interface Rescue {
  readonly key: string;
  /** The incarnations that had it, and have it then. */
  readonly from: string;
  readonly to: string;
  /** From the kill, or from when another worker that lived on was there. */
  readonly ms: number;
}

/** All rescues, the quickest first. A job that had two kills in between, or the server's, tells nothing of either. */
export function rescuesOf(
  ledgers: readonly Incarnation[],
  deliveries: ReadonlyMap<string, readonly Delivery[]>,
  deaths: Deaths,
): Rescue[] {
  const workers = ledgers.flatMap(({ name, kind, entries }) => {
    const ready = entries.find(({ what }) => what === 'ready');
    return kind === 'worker' && ready ? [{ name, readyAt: ready.at, diedAt: deaths.of(name) ?? Infinity }] : [];
  });
  const rescues: Rescue[] = [];
  for (const [key, runs] of deliveries) {
    for (const [index, next] of runs.slice(1).entries()) {
      const cut = runs[index];
      const death = deaths.of(cut.by);
      if (cut.end !== undefined || death === undefined || next.attempt !== cut.attempt + 1) continue;
      if (deaths.serverMissed(cut.startedAt, next.startedAt)) continue;
      const free = workers.filter((one) => one.name !== cut.by && one.diedAt >= next.startedAt);
      const since = Math.max(death, Math.min(...free.map(({ readyAt }) => readyAt)));
      rescues.push({ key, from: cut.by, to: next.by, ms: Math.max(0, next.startedAt - since) });
    }
  }
  return rescues.sort((a, b) => a.ms - b.ms);
}
