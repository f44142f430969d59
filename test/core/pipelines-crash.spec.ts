import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { compiled } from '../compiled.js';
import { ENGINE_URLS } from './crash/engine-urls.js';
import { openPublishing } from './crash/publishing.js';
import { Troupe } from './crash/troupe.js';
import { Random } from './random.js';

/** `CHAINS=5000 KILLS=40 npx vitest run --project lib test/core/pipelines-crash.spec.ts` is the long run. */
const CHAINS = Number(process.env['CHAINS'] ?? 300);
/** `SECONDS=120 npx vitest run …` is the long run of what recurs. */
const SECONDS = Number(process.env['SECONDS'] ?? 10);
const KILLS = Number(process.env['KILLS'] ?? 5);
const LIMIT_MS = 60_000 + CHAINS * 60 + KILLS * 3_000 + SECONDS * 1_500;

const program = join(compiled(), 'test/core/crash/worker.js');

interface Run {
  readonly name: string;
  readonly id: string;
  readonly attempt: number;
  readonly pid: number;
}

const STAGES = ['first', 'second', 'third'];

/** The repeats of a chain's stages, and those of them that no kill accounts for: of a run of theirs, or of one before. */
function repeatsIn(runs: readonly Run[], killed: ReadonlySet<number>): { count: number; untraced: string[] } {
  const untraced: string[] = [];
  let count = 0;
  const byId = new Map<string, Run[]>();
  for (const run of runs) byId.set(run.id, [...(byId.get(run.id) ?? []), run]);
  for (const [id, chain] of byId) {
    let kills = 0;
    for (const stage of STAGES) {
      const here = chain.filter(({ name }) => name === stage);
      kills += here.filter(({ pid }) => killed.has(pid)).length;
      count += here.length - 1;
      if (here.length - 1 > kills) untraced.push(`${stage} ${id}: ${here.length} runs, ${kills} by killed processes`);
    }
  }
  return { count, untraced };
}

/** Where the workers of a test write each run. */
async function journalFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nestjs-jobs-journal-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return join(folder, 'journal');
}

async function runsIn(journal: string): Promise<Run[]> {
  const text = await readFile(journal, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' '))
    .map(([name = '', id = '', attempt, pid]) => ({ name, id, attempt: Number(attempt), pid: Number(pid) }));
}

test.each(Object.entries(ENGINE_URLS))(
  `on %s, ${CHAINS} jobs go through a chain of three, though ${KILLS} workers are killed: none is lost`,
  async (engine, urlOf) => {
    const random = new Random(Date.now());
    const url = await urlOf();
    const journal = await journalFile();
    const troupe = new Troupe(program, [url, journal]);
    onTestFinished(() => troupe.end());
    await Promise.all([troupe.start(), troupe.start()]);
    const { publisher } = await openPublishing(url, 'first');
    const ids: string[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const count = Math.ceil(CHAINS / KILLS);
      for (let n = 0; n < count; n++) ids.push((await publisher.publish('first', n)).id);
      await sleep(random.whole(0, 150));
      await troupe.killOne(random);
    }

    const ended = async (): Promise<number> => {
      const runs = await runsIn(journal);
      return new Set(runs.filter(({ name }) => name === 'third').map(({ id }) => id)).size;
    };
    await expect.poll(ended, { timeout: LIMIT_MS / 2, interval: 200 }).toBe(ids.length);
    const runs = await runsIn(journal);
    expect(new Set(runs.map(({ id }) => id)), 'no job that was never published').toEqual(new Set(ids));
    const { count, untraced } = repeatsIn(runs, troupe.killed);
    console.info(`${engine}: ${ids.length} chains, ${KILLS} kills, 0 lost, ${count} of ${runs.length} runs repeated`);
    expect(untraced, 'repeats that come of no kill').toEqual([]);
  },
  LIMIT_MS,
);

test.each(Object.entries(ENGINE_URLS))(
  `on %s, a job recurs each second for ${SECONDS} s over three processes that are killed at random: each tick once`,
  async (engine, urlOf) => {
    const random = new Random(Date.now());
    const url = await urlOf();
    const journal = await journalFile();
    const troupe = new Troupe(program, [url, journal, 'recurs']);
    onTestFinished(() => troupe.end());
    await Promise.all([troupe.start(), troupe.start(), troupe.start()]);
    const from = Math.ceil(Date.now() / 1000) * 1000 + 1_000;
    const to = from + SECONDS * 1000;
    let kills = 0;
    while (Date.now() < to) {
      await sleep(random.whole(100, 1_500));
      await troupe.killOne(random);
      kills += 1;
    }

    const wanted: string[] = [];
    for (let tick = from; tick < to; tick += 1000) {
      wanted.push(`tick-${new Date(tick).toISOString().replaceAll(':', '.')}`);
    }
    const missing = async (): Promise<string[]> => {
      const seen = new Set((await runsIn(journal)).map(({ id }) => id));
      return wanted.filter((id) => !seen.has(id));
    };
    await expect.poll(missing, { timeout: 60_000, interval: 200 }).toEqual([]);
    // One whose worker was killed runs again as a later attempt of the same job.
    const firsts = (await runsIn(journal)).filter(({ id, attempt }) => attempt === 1 && wanted.includes(id));
    const twice = firsts.map(({ id }) => id).filter((id, index, all) => all.indexOf(id) !== index);
    console.info(`${engine}: ${wanted.length} ticks, ${kills} kills, 0 missed, ${twice.length} twice`);
    expect(twice).toEqual([]);
  },
  LIMIT_MS,
);
