import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { WorkerTrace } from '../../lib/operating/worker-view.js';
import { PrivateBeanstalkd } from '../servers/beanstalkd.js';
import { PrivateRedis } from '../servers/redis.js';
import { ENGINE_URLS } from './crash/engine-urls.js';
import { open, PATIENT, QUEUE, startWorker, type Office, type Process } from './fleet/processes.js';

/** What an operator sees of a process; undefined: nothing. */
async function traceOf({ operator }: Office, { pid }: Process): Promise<WorkerTrace | undefined> {
  const worker = (await operator.workers()).find((one) => one.pid === pid);
  return worker && operator.trace(worker.id);
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
    const trace = (): Promise<WorkerTrace | undefined> => traceOf(office, worker);
    await expect.poll(async () => (await trace())?.blocked.length, PATIENT).toBe(1);

    const before = await trace();
    expect(before?.blocked).toMatchObject([
      { lasts: true, stack: expect.stringMatching(/^at spinFor .*\nat spinForEver .*worker\.js:\d+:\d+\)/) },
    ]);
    expect(before?.worker.running).toEqual([
      { id, name: 'spinForEver', queue: QUEUE, attempt: 1, since: expect.any(Date), log: undefined },
    ]);
    // Longer than what it has said itself is known.
    const lasting = (): Promise<number | undefined> => trace().then((now) => now?.blocked[0]?.ms);
    await expect.poll(lasting, PATIENT).toBeGreaterThan(8_000);
    const after = await trace();
    expect(after?.worker).toMatchObject({ stale: true, heartbeatAt: before?.worker.heartbeatAt });
    expect(after?.blocked).toMatchObject([{ at: before?.blocked[0]?.at, stack: before?.blocked[0]?.stack }]);
    expect(after?.worker.running).toEqual(before?.worker.running);

    await worker.kill();
    await expect.poll(trace, PATIENT).toBeUndefined();
  }, 120_000);

  test('one that comes free again says so itself: it is one block, and not two', async () => {
    const url = await urlOf();
    const office = await open(url);
    const [worker, id] = await spinning(office, url, 'spinForAWhile');
    const trace = (): Promise<WorkerTrace | undefined> => traceOf(office, worker);
    await expect.poll(trace, PATIENT).toMatchObject({ blocked: [{ lasts: true }] });
    await expect.poll(() => worker.told, PATIENT).toContainEqual(['has spun', id]);
    await expect.poll(trace, PATIENT).toMatchObject({ blocked: [{ lasts: false }] });
    // And stays so, heartbeat after heartbeat.
    const seen = await trace();
    await expect
      .poll(async () => (await trace())?.worker.heartbeatAt.getTime(), PATIENT)
      .toBeGreaterThan((seen?.worker.heartbeatAt.getTime() ?? 0) + 1_000);
    const after = await trace();
    expect(after?.blocked).toEqual(seen?.blocked);
    expect(after?.blocked).toEqual([
      {
        at: expect.any(Date),
        ms: expect.any(Number),
        lasts: false,
        stack: expect.stringMatching(/\nat spinForAWhile /),
      },
    ]);
    expect(after?.blocked[0]?.ms).toBeGreaterThan(3_000);

    worker.signal('SIGTERM');
    await expect.poll(() => worker.exitCode, PATIENT).toBe(0);
    expect(await trace()).toBeUndefined();
  }, 120_000);
});

test('the very first job that a process takes is seen, too', async () => {
  const url = await ENGINE_URLS['filer']?.();
  const office = await open(url ?? '');
  const id = await office.publish('spinForEver');
  const worker = await startWorker(url ?? '', 'traced');
  await expect
    .poll(() => traceOf(office, worker), PATIENT)
    .toMatchObject({ worker: { running: [{ id }] }, blocked: [{ stack: expect.stringContaining('at spinForEver ') }] });
}, 120_000);

test('of one that waits outside of JavaScript it is seen that it does', async () => {
  const url = await ENGINE_URLS['filer']?.();
  const office = await open(url ?? '');
  const worker = await startWorker(url ?? '', 'traced');
  await office.publish('waitOutside');
  await expect.poll(() => traceOf(office, worker), PATIENT).toMatchObject({ blocked: [{ lasts: true, stack: '' }] });
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
    const trace = (): Promise<WorkerTrace | undefined> => traceOf(office, worker).catch(() => undefined);
    await expect.poll(trace, PATIENT).toMatchObject({
      worker: { pid: worker.pid, running: [{ id }] },
      blocked: [{ lasts: true, stack: expect.stringContaining('at spinForEver ') }],
    });
  },
  120_000,
);
