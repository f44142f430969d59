import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { BlockedView, WorkerTrace } from '../../lib/operating/worker-view.js';
import { PrivateBeanstalkd } from '../servers/beanstalkd.js';
import { PrivateRedis } from '../servers/redis.js';
import { ENGINE_URLS } from './crash/engine-urls.js';
import { open, PATIENT, QUEUE, startWorker, type Office, type Process } from './fleet/processes.js';

/** What an operator sees of a process; undefined: nothing. */
async function traceOf({ operator }: Office, { pid }: Process): Promise<WorkerTrace | undefined> {
  const worker = (await operator.workers()).find((one) => one.pid === pid);
  return worker && operator.trace(worker.id);
}

/** What he sees as soon as it is as expected. */
async function traceWhere(
  office: Office,
  process: Process,
  isExpected: (trace: WorkerTrace) => boolean,
): Promise<WorkerTrace> {
  let found: WorkerTrace | undefined;
  const look = async (): Promise<WorkerTrace | undefined> =>
    (found = await traceOf(office, process).catch(() => undefined));
  await expect.poll(look, PATIENT).toSatisfy((trace?: WorkerTrace) => trace !== undefined && isExpected(trace));
  return found as WorkerTrace;
}

/** The blocks that a test has made: those of a machine that stalls are shorter. */
function longBlocks({ blocked }: WorkerTrace): readonly BlockedView[] {
  return blocked.filter(({ ms, lasts }) => lasts || ms > 3_000);
}

/** Whether it is seen to be blocked by what a job does. */
function isBlockedBy(job: string): (trace: WorkerTrace) => boolean {
  return ({ blocked }) => blocked.some(({ lasts, stack }) => lasts && stack.includes(`\nat ${job} (`));
}

/** The processes that spin, killed at the end whatever happens. */
async function spinning(office: Office, url: string, job: string): Promise<readonly [Process, string]> {
  const worker = await startWorker(url, 'traced');
  const id = await office.publish(job);
  await expect.poll(() => worker.told, PATIENT).toContainEqual(['spins', id]);
  return [worker, id];
}

describe.each(Object.entries(ENGINE_URLS))('on %s', (_, urlOf) => {
  test('an event loop that never comes free is seen from elsewhere, with what runs, for as long as it lives', async () => {
    const url = await urlOf();
    const office = await open(url);
    const [worker, id] = await spinning(office, url, 'spinForEver');
    const before = await traceWhere(office, worker, isBlockedBy('spinForEver'));
    expect(longBlocks(before)).toMatchObject([
      { lasts: true, stack: expect.stringMatching(/^at spinFor .*\nat spinForEver .*worker\.js:\d+:\d+\)/) },
    ]);
    expect(before.worker.running).toEqual([
      { id, name: 'spinForEver', queue: QUEUE, attempt: 1, since: expect.any(Date), log: undefined },
    ]);
    // Longer than what it has said itself is known.
    const after = await traceWhere(office, worker, ({ blocked }) => (blocked[0]?.ms ?? 0) > 8_000);
    expect(after.worker).toMatchObject({ stale: true, heartbeatAt: before.worker.heartbeatAt });
    const [{ at, stack } = {}] = longBlocks(before);
    expect(longBlocks(after)).toMatchObject([{ at, stack, lasts: true }]);
    expect(after.worker.running).toEqual(before.worker.running);

    await worker.kill();
    await expect.poll(() => traceOf(office, worker), PATIENT).toBeUndefined();
  }, 120_000);

  test('one that comes free again says so itself: it is one block, and not two', async () => {
    const url = await urlOf();
    const office = await open(url);
    const [worker, id] = await spinning(office, url, 'spinForAWhile');
    await traceWhere(office, worker, isBlockedBy('spinForAWhile'));
    await expect.poll(() => worker.told, PATIENT).toContainEqual(['has spun', id]);
    const isFree = (one: WorkerTrace): boolean => one.blocked.every(({ lasts }) => !lasts);
    const seen = await traceWhere(office, worker, (one) => isFree(one) && longBlocks(one).length > 0);
    // And stays so, heartbeat after heartbeat.
    const later = seen.worker.heartbeatAt.getTime() + 1_000;
    const after = await traceWhere(office, worker, (one) => one.worker.heartbeatAt.getTime() > later);
    expect(longBlocks(after)).toEqual(longBlocks(seen));
    expect(longBlocks(after)).toEqual([
      {
        at: expect.any(Date),
        ms: expect.any(Number),
        lasts: false,
        stack: expect.stringMatching(/\nat spinForAWhile /),
      },
    ]);

    worker.signal('SIGTERM');
    await expect.poll(() => worker.exitCode, PATIENT).toBe(0);
    expect(await traceOf(office, worker)).toBeUndefined();
  }, 120_000);
});

test('the very first job that a process takes is seen, too', async () => {
  const url = await ENGINE_URLS['filer']?.();
  const office = await open(url ?? '');
  const id = await office.publish('spinForEver');
  const worker = await startWorker(url ?? '', 'traced');
  const { running } = (await traceWhere(office, worker, isBlockedBy('spinForEver'))).worker;
  expect(running).toMatchObject([{ id }]);
}, 120_000);

test('of one that waits outside of JavaScript it is seen that it does', async () => {
  const url = await ENGINE_URLS['filer']?.();
  const office = await open(url ?? '');
  const worker = await startWorker(url ?? '', 'traced');
  await office.publish('waitOutside');
  const trace = await traceWhere(office, worker, ({ blocked }) => blocked.some(({ lasts }) => lasts));
  expect(longBlocks(trace)).toMatchObject([{ lasts: true, stack: '' }]);
}, 120_000);

const SERVERS = {
  bullmq: async () => {
    const server = await PrivateRedis.start();
    return { server, url: server.url };
  },
  beanstalkd: async () => {
    const server = await PrivateBeanstalkd.start();
    return { server, url: `beanstalkd://${server.host}:${server.port}` };
  },
};

test.each(Object.entries(SERVERS))(
  'where %s is away meanwhile, it is told once that is back',
  async (_, start) => {
    const { server, url } = await start();
    onTestFinished(() => server.stop());
    const office = await open(url);
    const [worker, id] = await spinning(office, url, 'spinForEver');
    await server.kill();
    // Its own record is over by then, and it has tried a few times.
    await sleep(8_000);
    await server.start();
    const trace = await traceWhere(office, worker, isBlockedBy('spinForEver'));
    expect(trace.worker).toMatchObject({ pid: worker.pid, running: [{ id }] });
  },
  120_000,
);
