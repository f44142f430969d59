import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { crashRun, faultsOf } from '../../bench/crash/crash-run.js';
import { tellDestroyed } from '../../bench/crash/engines/binlog-witness.js';
import type { EngineName } from '../../bench/crash/engines/engine.js';
import { compiled } from '../compiled.js';

/** A rescue takes a fraction of a second on a quiet machine, and its lease, 30 s, where nobody noticed the death. */
const RESCUED_WITHIN_MS = 10_000;

const JOBS = 1_200;
const KILLS = 12;

interface Run {
  readonly engine: EngineName;
  readonly durable: boolean;
  readonly serverKills: number;
  readonly named: string;
}

const RUNS: readonly Run[] = [
  { engine: 'filer', durable: false, serverKills: 0, named: 'the filer, not durable' },
  { engine: 'filer', durable: true, serverKills: 0, named: 'the filer, durable' },
  { engine: 'bullmq', durable: false, serverKills: 20, named: 'BullMQ, and Redis 20 times' },
  { engine: 'beanstalkd', durable: false, serverKills: 20, named: 'beanstalkd, and its server 20 times' },
];

const programs = join(compiled(), 'bench/crash');

test.for(RUNS)(
  'no acknowledged job is lost while publishers and workers are killed at random: $named',
  { timeout: 240_000 },
  async ({ engine, durable, serverKills }) => {
    const folder = mkdtempSync(join(tmpdir(), 'crash-ledger-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const seed = Math.floor(Math.random() * 2 ** 31);
    const settings = { engine, seed, jobs: JOBS, kills: KILLS, serverKills, rate: 300, durable };
    const numbers = `--seed ${seed} --jobs ${JOBS} --kills ${KILLS} --server-kills ${serverKills}`;
    console.log(`npm run bench:crash -- --backend ${engine} ${numbers}${durable ? ' --durable' : ''}`);

    const result = await crashRun({ ...settings, publishers: 2, workers: 3 }, folder, programs);

    for (const one of result.destroyed) console.log(`destroyed by the server: ${tellDestroyed(one)}`);
    expect(faultsOf(result)).toEqual([]);
    // A publisher that has published all by then is not there to be killed.
    expect(result.kills.workers + result.kills.publishers).toBeGreaterThan(6);
    expect(result.kills.servers).toBe(serverKills);
    expect(result.acknowledged).toBeGreaterThanOrEqual(JOBS);
    for (const { ms } of result.rescues) expect(ms).toBeLessThan(RESCUED_WITHIN_MS);
  },
);
