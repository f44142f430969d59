import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { readLedgers } from './ledger.js';
import { plannedKills, QUEUES, type CrashSettings } from './plan.js';
import { Troupe, type Stage } from './troupe.js';
import { judge, type Verdict } from './verdict.js';

/** How long the last jobs may take, and the tidying up after them, before the run counts as stuck. In milliseconds. */
const DRAINED_WITHIN_MS = 60_000;
const TIDIED_WITHIN_MS = 10_000;

/** What a run has shown, and what it has left in the queues' folders, by folder; there must be nothing left. */
export interface CrashResult extends Verdict {
  readonly left: Readonly<Record<string, number>>;
  readonly tookMs: number;
}

/**
 * The crash ledger: publishers and workers on one directory, each a process of its own that writes down what it does,
 * are killed at random and started again; then the ledgers are compared.
 *
 * @param folder an empty one, for the queues and the ledgers
 * @param programs see {@link Stage}
 */
export async function crashRun(settings: CrashSettings, folder: string, programs: string): Promise<CrashResult> {
  const stage: Stage = { directory: join(folder, 'queues'), ledgers: join(folder, 'ledgers'), programs };
  mkdirSync(stage.ledgers);
  const troupe = new Troupe(settings, stage);
  const began = performance.now();
  const faults: string[] = [];
  try {
    await troupe.start();
    await killAll(troupe, settings);
    await eventually(() => !troupe.isPublishing, Infinity);
    const isDrained = (): boolean => countJobs(stage.directory) === 0;
    if (!(await eventually(isDrained, DRAINED_WITHIN_MS))) faults.push('the queues were not drained');
    await troupe.stopWorkers();
    await troupe.withNewWorker(async () => {
      await eventually(() => leftIn(stage.directory, 'tmp') + leftIn(stage.directory, '.ids') === 0, TIDIED_WITHIN_MS);
    });
  } finally {
    await troupe.end();
  }
  const verdict = judge(readLedgers(stage.ledgers), troupe.kills);
  return {
    ...verdict,
    faults: [...verdict.faults, ...troupe.faults, ...faults],
    left: Object.fromEntries(
      ['tmp', 'incoming', 'pending', 'delayed', 'errors', 'expired', '.ids'].map((name) => [
        name,
        leftIn(stage.directory, name),
      ]),
    ),
    tookMs: performance.now() - began,
  };
}

/** What is wrong with a result; nothing, as it has to be. */
export function faultsOf(result: CrashResult): string[] {
  const left = Object.entries(result.left).filter(([, count]) => count > 0);
  return [
    ...result.lost.map((one) => `lost: ${one}`),
    ...result.phantoms.map((one) => `phantom: ${one}`),
    ...result.faults,
    ...left.map(([folder, count]) => `${count} files are left in ${folder}/`),
  ];
}

async function killAll(troupe: Troupe, settings: CrashSettings): Promise<void> {
  const under: Promise<void>[] = [];
  for (const planned of plannedKills(settings)) {
    await eventually(() => troupe.acknowledged >= planned.afterJobs || !troupe.isPublishing, Infinity);
    under.push(setTimeout(planned.afterMs).then(() => troupe.kill(planned)));
  }
  await Promise.all(under);
}

async function eventually(holds: () => boolean, withinMs: number): Promise<boolean> {
  for (const end = performance.now() + withinMs; !holds(); await setTimeout(10)) {
    if (performance.now() > end) return false;
  }
  return true;
}

function countJobs(directory: string): number {
  return ['incoming', 'pending', 'delayed'].reduce((sum, folder) => sum + leftIn(directory, folder), 0);
}

/** How many files one folder of all queues holds, but for those of a job's failures, which are tidied up after a day. */
function leftIn(directory: string, folder: string): number {
  const isLeft = (file: string): boolean => !/^\.[0-9a-f]{32}\.meta$/.test(file);
  return QUEUES.reduce((sum, queue) => sum + readdirSync(join(directory, queue, folder)).filter(isLeft).length, 0);
}
