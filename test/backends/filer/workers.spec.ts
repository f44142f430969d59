import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { ProcessOwners, type OwnerWatch } from '../../../lib/backends/filer/owner.js';
import { Child } from './support/child.js';
import { isRoot } from './support/temporary.js';
import { until } from './support/until.js';
import { AN_HOUR_MS, json, Yard } from './support/yard.js';

/** One whom nobody knows to be alive or dead. */
function stranger(self: string): OwnerWatch {
  return { self, isDead: () => false, isAlive: () => false };
}

test('a job of a worker killed with -9 runs again long before its lease has lapsed', async () => {
  const yard = await Yard.make();
  const child = await Child.start({ directory: yard.directory });
  await child.call('publish', { id: 'a' });
  await child.call('take', 1);
  const backend = await yard.open();
  const taking = yard.takeOne(backend);
  await child.kill();
  expect(await taking).toMatchObject({ attempt: 2, content: { id: 'a' } });
});

test('also where the other worker was there before, and hears of it by a notice alone', async () => {
  const yard = await Yard.make();
  const backend = await yard.open({ sweepMs: AN_HOUR_MS });
  await yard.publish(backend, { id: 'warm' });
  await backend.settle(await yard.takeOne(backend), { kind: 'completed' });
  const child = await Child.start({ directory: yard.directory, sweepMs: AN_HOUR_MS });
  await child.call('publish', { id: 'a' });
  await child.call('take', 1);
  const taking = yard.takeOne(backend);
  await child.kill();
  expect(await taking).toMatchObject({ attempt: 2, content: { id: 'a' } });
});

test('a recycled pid is told by its start time', async () => {
  const yard = await Yard.make();
  const { self } = new ProcessOwners();
  const before = await yard.open({ owners: stranger(self.replace(/[0-9a-z]+$/, '1')) });
  await yard.publish(before, { id: 'a' });
  await yard.takeOne(before);
  expect(await yard.takeOne(await yard.open())).toMatchObject({ attempt: 2, content: { id: 'a' } });
});

test('a process of another PID namespace is not taken for one of ours', async ({ skip }) => {
  const by = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc', ...(isRoot ? [] : ['--map-root-user'])];
  const child = await Child.start(undefined, { by });
  const self = await child.call('self').catch((error: Error) => skip(`no PID namespaces here: ${error.message}`));
  const owners = new ProcessOwners();
  const [, pid] = self.split('-');
  expect(pid).toBe('1');
  expect([owners.isDead(self), owners.isAlive(self)]).toEqual([false, false]);
  await child.kill();
  expect([owners.isDead(self), owners.isAlive(self)]).toEqual([false, false]);
});

test('its jobs, and those of another host, are rescued once their lease has lapsed', async () => {
  const yard = await Yard.make();
  const theirs = await yard.open({ owners: stranger('elsewhere-1-1'), leaseMs: 300 });
  await yard.publish(theirs, { id: 'a' });
  const { leasedAt } = await yard.takeOne(theirs);
  await theirs.close();
  const again = await yard.takeOne(await yard.open({ sweepMs: 20 }));
  expect(performance.now() - leasedAt).toBeGreaterThanOrEqual(300);
  expect(again).toMatchObject({ attempt: 2, content: { id: 'a' } });
});

test('a stopped process loses its jobs when their lease lapses, and may not settle them afterwards', async () => {
  const yard = await Yard.make();
  const child = await Child.start({ directory: yard.directory, leaseMs: 300 });
  await child.call('publish', { id: 'a' });
  const before = performance.now();
  await child.call('take', 1);
  child.signal('SIGSTOP');
  const backend = await yard.open({ sweepMs: 20 });
  const again = await yard.takeOne(backend);
  expect(performance.now() - before).toBeGreaterThanOrEqual(300);
  expect(again).toMatchObject({ attempt: 2, content: { id: 'a' } });
  child.signal('SIGCONT');
  expect(await child.call('extend', 'a')).toBe(false);
  expect(await child.call('settle', 'a', { kind: 'completed' })).toBe(false);
  expect(await backend.settle(again, { kind: 'completed' })).toBe(true);
});

test('50 jobs of a stopped process: each signal is aborted, each late outcome dropped', async () => {
  const yard = await Yard.make();
  const child = await Child.start({ directory: yard.directory, leaseMs: 1_000 });
  await child.call('publishMany', 50, {});
  await child.call('work', 50);
  await until('all are handled', async () => (await child.call('story')).started === 50);
  child.signal('SIGSTOP');
  const backend = await yard.open({ leaseMs: 30_000, sweepMs: 20 });
  const again = await yard.take(backend, 50);
  expect(again.every(({ attempt }) => attempt === 2)).toBe(true);
  child.signal('SIGCONT');
  const story = await until('it has heard of all', async () => {
    const now = await child.call('story');
    return now.leasesLost === 50 && now;
  });
  expect(story).toEqual({ started: 50, aborts: Array(50).fill('JobLeaseLostError'), leasesLost: 50, completed: 0 });
  const settled = await Promise.all(again.map((delivery) => backend.settle(delivery, { kind: 'completed' })));
  expect(settled).toEqual(Array(50).fill(true));
  const left = await Promise.all(
    (['incoming', 'pending', 'delayed', 'errors'] as const).map((name) => yard.list(name)),
  );
  expect(left.flat()).toEqual([]);
});

test('a worker that renews keeps its job for longer than the lease', async () => {
  const yard = await Yard.make();
  const child = await Child.start({ directory: yard.directory, leaseMs: 400 });
  await child.call('publish', { id: 'a' });
  await child.call('take', 1);
  const backend = await yard.open({ leaseMs: 400, sweepMs: 20 });
  const waiting = backend.reserve(yard.queue, 1, AbortSignal.timeout(1_500));
  let got = false;
  void waiting.then(() => (got = true));
  while (!got) expect(await child.call('extend', 'a')).toBe(true);
  expect(await waiting).toEqual([]);
});

test('several processes share a directory, and each job goes to one', async () => {
  const yard = await Yard.make();
  const children = await Promise.all([1, 2, 3].map(() => Child.start({ directory: yard.directory })));
  const takings = children.map((child) => child.call('take', 100));
  await Promise.all(children.map((child) => child.call('publishMany', 100, {})));
  const taken = (await Promise.all(takings)).flat();
  expect(new Set(taken.map(({ id }) => id)).size).toBe(300);
  expect(taken.every(({ attempt }) => attempt === 1)).toBe(true);
});

/** The user that files of nobody belong to. */
const NOBODY = 65_534;

test.skipIf(!isRoot)('files that another user has moved in are handled, renewed and set aside', async () => {
  const yard = await Yard.make();
  mkdirSync(yard.directory);
  chmodSync(dirname(yard.directory), 0o755);
  chownSync(yard.directory, NOBODY, NOBODY);
  const child = await Child.start({ directory: yard.directory, leaseMs: 300 }, { uid: NOBODY });
  yard.put('theirs', json());
  await child.call('take', 1);
  for (let renewals = 0; renewals < 8; renewals++) {
    await yard.shell('sleep 0.1');
    expect(await child.call('extend', 'theirs')).toBe(true);
  }
  expect(await child.call('settle', 'theirs', { kind: 'failed', reason: 'no good', failures: [] })).toBe(true);
  await yard.shell(`umask 077; echo '{}' > tmp/secret; mv -n tmp/secret incoming/secret`);
  expect(await child.call('take', 1)).toEqual([{ id: 'secret', attempt: 1 }]);
  expect(await child.call('settle', 'secret', { kind: 'failed', reason: 'unreadable', failures: [] })).toBe(true);
  expect(await yard.list('errors')).toEqual(['secret', 'secret.meta', 'theirs', 'theirs.meta']);
  expect(await child.call('told')).toEqual([]);
});
