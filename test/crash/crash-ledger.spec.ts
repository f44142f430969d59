import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { crashRun, faultsOf } from '../../bench/crash/crash-run.js';
import { compiled } from '../compiled.js';

/** A rescue takes a fraction of a second on a quiet machine, and its lease, 30 s, where nobody noticed the death. */
const RESCUED_WITHIN_MS = 10_000;

for (const durable of [false, true]) {
  test(`no acknowledged job is lost while publishers and workers are killed at random, durable: ${durable}`, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'crash-ledger-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const seed = Math.floor(Math.random() * 2 ** 31);
    const settings = { seed, jobs: 1_200, kills: 12, rate: 300, durable, publishers: 2, workers: 3 };
    console.log(`npm run bench:crash -- --seed ${seed} --jobs 1200 --kills 12${durable ? ' --durable' : ''}`);

    const result = await crashRun(settings, folder, join(compiled('lib', 'bench'), 'bench/crash'));

    expect(faultsOf(result)).toEqual([]);
    // A publisher that has published all by then is not there to be killed.
    expect(result.kills.workers + result.kills.publishers).toBeGreaterThan(6);
    expect(result.acknowledged).toBeGreaterThanOrEqual(1_200);
    for (const { ms } of result.rescues) expect(ms).toBeLessThan(RESCUED_WITHIN_MS);
  }, 120_000);
}
