import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { JobEventName } from '../../lib/core/events.js';
import type { WorkerEvent } from '../../lib/core/worker-events.js';
import { ENGINE_URLS } from './crash/engine-urls.js';
import { open, PATIENT, QUEUE, startWorker, type Office, type Process } from './fleet/processes.js';

interface Followed {
  readonly all: WorkerEvent[];
  of(one: Process): WorkerEvent[];
  end(): Promise<unknown>;
}

/** What is told of these events in the office, once all these processes are known. */
async function follow(
  { operator }: Office,
  processes: readonly Process[],
  ...names: readonly JobEventName[]
): Promise<Followed> {
  const known = async (): Promise<number[]> => (await operator.workers()).map(({ pid }) => pid);
  await expect.poll(known, PATIENT).toEqual(expect.arrayContaining(processes.map(({ pid }) => pid)));
  const stream = await operator.follow(names);
  onTestFinished(() => operator.close());
  const all: WorkerEvent[] = [];
  void (async () => {
    for await (const event of stream) all.push(event);
  })();
  return {
    all,
    of: ({ pid }) => all.filter(({ worker }) => worker.pid === pid),
    end: () => stream.return(),
  };
}

/** Publishes until it is told of a job of this process; gives how many jobs. */
async function publishUntil(office: Office, followed: Followed, one: Process): Promise<number> {
  const before = followed.of(one).length;
  let published = 0;
  await expect
    .poll(async () => {
      published += 1;
      await office.publish('quick');
      await sleep(20);
      return followed.of(one).length;
    }, PATIENT)
    .toBeGreaterThan(before);
  return published;
}

describe.each(Object.entries(ENGINE_URLS))('on %s', (_, urlOf) => {
  test('events of all processes are told once, of one that comes later too, and of one that ends to its last', async () => {
    const url = await urlOf();
    const office = await open(url);
    const processes = [await startWorker(url), await startWorker(url)];
    const first = await follow(office, processes, 'completed', 'retried');
    const second = await follow(await open(url), processes, 'started');
    const ids = await Promise.all(Array.from({ length: 20 }, () => office.publish('quick')));
    const sorted = ({ all }: Followed): string[] => all.map(({ job }) => job.id).sort();
    await expect.poll(() => [sorted(first), sorted(second)], PATIENT).toEqual([[...ids].sort(), [...ids].sort()]);

    const later = await startWorker(url);
    processes.push(later);
    const more = await publishUntil(office, first, later);
    await expect.poll(() => first.all.length, PATIENT).toBe(20 + more);
    expect(first.of(later)[0]).toMatchObject({ event: 'completed', worker: { host: 'here', instance: 'default' } });

    const refused = await office.publish('refuse');
    const isRetried = ({ event, job }: WorkerEvent): boolean => event === 'retried' && job.id === refused;
    await expect.poll(() => first.all.filter(isRetried).length, PATIENT).toBeGreaterThan(1);
    const told = first.all.find(isRetried);
    expect(told).toMatchObject({ at: expect.any(Date), error: { name: 'RangeError', stack: expect.any(String) } });

    // Nobody goes on with it, so that the last that they tell is that they hand it back, or a retry.
    for (const one of processes) one.signal('SIGTERM');
    const workers = async (): Promise<number> => (await office.operator.workers()).length;
    await expect.poll(workers, PATIENT).toBe(0);
    const completed = (): string[] => first.all.filter(({ event }) => event === 'completed').map(({ job }) => job.id);
    expect(new Set(completed()).size).toBe(20 + more);
    expect(completed()).toHaveLength(20 + more);
  }, 120_000);

  test('of one that is killed, and of one that is stopped, the others are told all the same', async () => {
    const url = await urlOf();
    const office = await open(url);
    const [victim, sleeper, left] = [await startWorker(url), await startWorker(url), await startWorker(url)];
    const followed = await follow(office, [victim, sleeper, left], 'completed');
    for (const one of [victim, sleeper, left]) await publishUntil(office, followed, one);

    await victim.kill();
    sleeper.signal('SIGSTOP');
    await publishUntil(office, followed, left);
    // Who begins now waits for half of the deadline for those two to hear of it.
    const late = await follow(await open(url, '10s'), [left], 'completed');
    await publishUntil(office, late, left);

    sleeper.signal('SIGCONT');
    await publishUntil(office, followed, sleeper);
    await publishUntil(office, late, sleeper);
    for (const { all } of [followed, late]) {
      const ids = all.map(({ job }) => job.id);
      expect(new Set(ids).size).toBe(ids.length);
    }
    expect(new Set(late.all.map(({ job }) => job.queue))).toEqual(new Set([QUEUE]));
  }, 120_000);
});
