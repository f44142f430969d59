import { setTimeout } from 'node:timers/promises';
import { RULES, sumOf, type Tally } from './engines/engine.js';
import { setUp } from './engines/stage.js';
import { tallyOf } from './engines/tally.js';
import { readLedgers } from './ledger.js';
import { plannedKills, plannedServerKills, type CrashSettings } from './plan.js';
import { Troupe } from './troupe.js';
import { judge, type Verdict } from './verdict.js';

/** How long the last jobs may take, and the tidying up after them, before the run counts as stuck. In milliseconds. */
const DRAINED_WITHIN_MS = 60_000;
const TIDIED_WITHIN_MS = 10_000;

/** What a run has shown, and what it has left in the engine, by kind; there must be nothing left. */
export interface CrashResult extends Verdict {
  readonly left: Readonly<Record<string, number>>;
  readonly tookMs: number;
}

/**
 * The crash ledger: publishers and workers on one engine, each a process of its own that writes down what it does, are
 * killed at random and started again, and so is the engine's server; then the ledgers are compared.
 *
 * @param folder an empty one, for the filer's queues and the ledgers
 * @param programs the folder of the compiled `publisher-process.js` and `worker-process.js`
 */
export async function crashRun(settings: CrashSettings, folder: string, programs: string): Promise<CrashResult> {
  const stage = await setUp(settings, folder, programs);
  const tally = tallyOf(settings.engine, stage.url);
  const troupe = new Troupe(settings, stage);
  const began = performance.now();
  const faults: string[] = [];
  try {
    await troupe.start();
    await Promise.all([killAll(troupe, settings), killServers(troupe, settings)]);
    await eventually(() => !troupe.isPublishing, Infinity);
    const isDrained = isEmpty(tally, tally.unfinished);
    if (!(await eventually(isDrained, DRAINED_WITHIN_MS))) faults.push('the queues were not drained');
    await tally.removeTorn?.();
    await troupe.stopWorkers();
    await troupe.withNewWorker(async () => void (await eventually(isEmpty(tally), TIDIED_WITHIN_MS)));
    const left = await tally.count();
    const tookMs = performance.now() - began;
    const verdict = judge(readLedgers(stage.ledgers), troupe, RULES[settings.engine]);
    return { ...verdict, faults: [...verdict.faults, ...troupe.faults, ...faults], left, tookMs };
  } finally {
    await troupe.end();
    await tally.close();
    await stage.server?.stop();
  }
}

/** What is wrong with a result; nothing, as it has to be. */
export function faultsOf(result: CrashResult): string[] {
  const left = Object.entries(result.left).filter(([, count]) => count > 0);
  return [
    ...result.lost.map((one) => `lost: ${one}`),
    ...result.phantoms.map((one) => `phantom: ${one}`),
    ...result.faults,
    ...left.map(([kind, count]) => `${count} are left in ${kind}`),
  ];
}

async function killAll(troupe: Troupe, settings: CrashSettings): Promise<void> {
  const under: Promise<void>[] = [];
  for (const planned of plannedKills(settings)) {
    await comesTo(troupe, planned.afterJobs);
    under.push(setTimeout(planned.afterMs).then(() => troupe.kill(planned)));
  }
  await Promise.all(under);
}

/** One after the other: a server that is down can't be killed. */
async function killServers(troupe: Troupe, settings: CrashSettings): Promise<void> {
  for (const planned of plannedServerKills(settings)) {
    await comesTo(troupe, planned.afterJobs);
    await setTimeout(planned.afterMs);
    await troupe.killServer(planned);
  }
}

/** Until so many jobs were acknowledged, or all were. */
async function comesTo(troupe: Troupe, jobs: number): Promise<void> {
  await eventually(() => troupe.acknowledged >= jobs || !troupe.isPublishing, Infinity);
}

async function eventually(holds: () => boolean | Promise<boolean>, withinMs: number): Promise<boolean> {
  for (const end = performance.now() + withinMs; !(await holds()); await setTimeout(10)) {
    if (performance.now() > end) return false;
  }
  return true;
}

/** Whether there are none of these kinds; not while the engine is away. */
function isEmpty(tally: Tally, kinds?: readonly string[]): () => Promise<boolean> {
  return () =>
    tally.count().then(
      (counts) => sumOf(counts, kinds) === 0,
      () => false,
    );
}
