import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import type { Backend } from '../../lib/core/backend.js';
import { backendFromUrl } from '../../lib/nest/backend-url.js';
import { fill, opened, seenIn } from '../operating/stock.js';
import { Random } from '../core/random.js';
import { commandLine } from './command-line.js';
import { engineUrls } from './engine-urls.js';

// Each command is a process, and the machine may have others.
vi.setConfig({ testTimeout: 120_000 });

const cli = commandLine();
const urls = engineUrls();

/** `MOVE_JOBS=10000 MOVE_KILLS=20` for the whole of it, which takes some minutes. */
const JOBS = Number(process.env['MOVE_JOBS'] ?? 2_000);
const KILLS = Number(process.env['MOVE_KILLS'] ?? 4);

async function looking<T>(url: string, look: (backend: Backend) => Promise<T>): Promise<T> {
  const backend = await opened(backendFromUrl(url));
  try {
    return await look(backend);
  } finally {
    await backend.close();
  }
}

/** How many jobs there are that a move takes. */
async function left({ inspector }: Backend): Promise<number> {
  const counts = await Promise.all(['mail', 'print'].map(async (queue) => inspector?.counts(queue)));
  const states = ['waiting', 'delayed', 'failed', 'expired'] as const;
  return counts.flatMap((one) => states.map((state) => one?.[state] ?? 0)).reduce((sum, count) => sum + count, 0);
}

/** Starts to move, and kills that once so many jobs have gone. Whether it was killed before its end. */
async function killed(from: string, to: string, gone: number): Promise<boolean> {
  const child = spawn(process.execPath, [cli.main, 'move', '--from', from, '--to', to], { stdio: 'ignore' });
  const ended = once(child, 'exit');
  await looking(from, async (source) => {
    const before = await left(source);
    const goesOn = async (): Promise<boolean> => child.exitCode === null && before - (await left(source)) < gone;
    while (await goesOn()) await sleep(10);
  });
  child.kill('SIGKILL');
  const [, signal] = (await ended) as [number | null, string | null];
  return signal === 'SIGKILL';
}

/** Moves all, killed at random on the way. How often it was. */
async function moveAll(from: string, to: string, random: Random): Promise<number> {
  let kills = 0;
  const most = Math.max(Math.floor(JOBS / (KILLS + 1)), 1);
  while (kills < KILLS && (await killed(from, to, random.whole(1, most)))) kills += 1;
  const { code, stdout, stderr } = await cli.run(['move', '--from', from, '--to', to]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^moved \d+ jobs/);
  return kills;
}

for (const [source, target] of [
  ['filer', 'bullmq'],
  ['bullmq', 'bullmq'],
] as const) {
  const title = `${JOBS} jobs go from ${source} to ${target} and back, killed on the way: none is lost, changed or there twice`;
  test(title, { timeout: 1_200_000 }, async () => {
    const random = new Random(Number(process.env['SEED'] ?? 17));
    const [from, to] = [await urls[source](), await urls[target]()];
    const before = await looking(from, async (backend) => {
      await fill(backend, JOBS);
      return seenIn(backend);
    });
    expect(before).toHaveLength(JOBS);
    const there = await moveAll(from, to, random);
    expect(await looking(to, seenIn)).toEqual(before);
    expect(await looking(from, seenIn)).toEqual([]);
    const back = await moveAll(to, from, random);
    expect(await looking(from, seenIn)).toEqual(before);
    expect(await looking(to, seenIn)).toEqual([]);
    expect(there + back).toBeGreaterThan(0);
  });
}

test('an engine at which somebody works is not moved', async () => {
  const [from, to] = [await urls.filer(), await urls.bullmq()];
  await cli.write('worked/jobs.yaml', 'handlers: { a: { shell: ["true"] } }\nqueues: { mail: a }\n');
  const work = cli.start(['work', '-c', 'worked/jobs.yaml'], { env: { JOBS_URL: to } });
  await work.printed('reading mail');
  await cli.run(['publish', 'a', '-q', 'other', '-b', from]);
  const move = ['move', '--from', from, '--to', to];
  const refused = await cli.run(move);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('the workers of the target (bullmq) are to be stopped first');
  expect(refused.stderr).toContain(`:${work.child.pid} (mail)`);
  work.child.kill('SIGTERM');
  await work.ended;
  expect(await cli.run([...move, '--json'])).toMatchObject({ code: 0, stdout: expect.stringContaining('"total":1,') });
});

test('a move to nowhere, or to where the jobs are, is refused', async () => {
  expect(await cli.run(['move', '--from', 'filer:x'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('expected --to <url>'),
  });
  const url = await urls.bullmq();
  const same = await cli.run(['move', '--from', url, '--to', `${url}&lease=20s`]);
  expect(same.code).toBe(2);
  expect(same.stderr).toContain('expected two engines, got one');
});
