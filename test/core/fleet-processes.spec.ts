import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { countsOverTime } from '../../lib/core/fleet-counts.js';
import type { WorkerView } from '../../lib/operating/worker-view.js';
import { ENGINE_URLS } from './crash/engine-urls.js';
import { open, PATIENT, QUEUE, startWorker, type Process } from './fleet/processes.js';

function quick(processes: readonly Process[]): number {
  return processes.flatMap(({ told }) => told).filter(([what]) => what === 'quick').length;
}

describe.each(Object.entries(ENGINE_URLS))('on %s', (_, urlOf) => {
  test('a paused queue is paused for all processes, also for one that starts later, until it is resumed', async () => {
    const url = await urlOf();
    const office = await open(url);
    const processes = [await startWorker(url), await startWorker(url)];
    await office.publish('quick');
    await expect.poll(() => quick(processes), PATIENT).toBe(1);

    expect(await office.operator.pause(QUEUE)).toBe(true);
    await sleep(500);
    for (let n = 0; n < 10; n++) await office.publish('quick');
    await processes[0]?.kill();
    processes.push(await startWorker(url));
    await sleep(1_000);
    expect(quick(processes)).toBe(1);

    // By another than has paused it.
    expect(await (await open(url)).operator.resume(QUEUE)).toBe(true);
    await expect.poll(() => quick(processes), PATIENT).toBe(11);
  }, 120_000);

  test('a running job is cancelled in whichever process it runs', async () => {
    const url = await urlOf();
    const { operator, publish } = await open(url);
    const processes = [await startWorker(url), await startWorker(url)];
    const ids = [await publish('long'), await publish('long'), await publish('long')];
    const told = (what: string): (readonly string[])[] =>
      processes.flatMap((one) => one.told).filter(([first]) => first === what);
    await expect.poll(() => told('started').length, PATIENT).toBe(3);

    expect(await operator.cancel(QUEUE, ids[1] ?? '')).toBe('done');
    await expect.poll(() => told('aborted'), PATIENT).toEqual([['aborted', ids[1], 'JobCancelledError']]);
    expect(await operator.cancel(QUEUE, ids[0] ?? '')).toBe('done');
    await expect
      .poll(
        () =>
          told('aborted')
            .map(([, id]) => id)
            .sort(),
        PATIENT,
      )
      .toEqual([ids[0], ids[1]].sort());
    expect(told('started')).toHaveLength(3);
  }, 120_000);

  test('processes are listed with what they run; one that is killed is stale, and later gone', async () => {
    const url = await urlOf();
    const { operator, publish } = await open(url);
    const [first, second] = [await startWorker(url), await startWorker(url)];
    const id = await publish('long');
    const workers = async (): Promise<readonly WorkerView[]> => operator.workers();
    const running = async (): Promise<unknown> => (await workers()).flatMap((worker) => worker.running);
    await expect
      .poll(running, PATIENT)
      .toEqual([{ id, name: 'long', queue: QUEUE, attempt: 1, since: expect.any(Date), log: 'still at it' }]);
    const runner = (await workers()).find((worker) => worker.runningCount === 1);
    expect(runner).toMatchObject({ host: 'here', version: '1.2.3', queues: [QUEUE], concurrency: 10, stale: false });
    expect(runner?.memoryBytes).toBeGreaterThan(1e6);
    await expect
      .poll(async () => new Set((await workers()).map(({ pid }) => pid)), PATIENT)
      .toEqual(new Set([first.pid, second.pid]));

    const [victim, left] = runner?.pid === first.pid ? [first, second] : [second, first];
    await victim.kill();
    const stale = async (): Promise<unknown> => (await workers()).find(({ pid }) => pid === victim.pid)?.stale;
    await expect.poll(stale, PATIENT).toBe(true);
    await expect.poll(async () => (await workers()).map(({ pid }) => pid), PATIENT).toEqual([left.pid]);
  }, 120_000);

  test('what the runs of two processes came to adds up', async () => {
    const url = await urlOf();
    const { backend, publish } = await open(url);
    const processes = [await startWorker(url), await startWorker(url)];
    await Promise.all(Array.from({ length: 40 }, () => publish('quick')));
    await expect.poll(() => quick(processes), PATIENT).toBe(40);
    const counted = async (): Promise<number | undefined> => {
      const counts = backend.records && (await countsOverTime(backend.records, QUEUE, Date.now()));
      return counts?.hours.reduce((sum, { completed }) => sum + completed, 0);
    };
    await expect.poll(counted, PATIENT).toBe(40);
    await sleep(500);
    expect(await counted()).toBe(40);
  }, 120_000);
});
