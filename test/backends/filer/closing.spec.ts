import { expect, test } from 'vitest';
import { openFiler } from '../../../lib/backends/filer/index.js';
import { RealDisk } from '../../../lib/backends/filer/real-disk.js';
import { Child } from './support/child.js';
import { publisherOn, Shift } from './support/shift.js';
import { until } from './support/until.js';
import { systemError, watchedDisk, type Act } from './support/watched-disk.js';
import { json, Yard } from './support/yard.js';

test.each([true, false])('a process ends by itself once the backend is closed; durable: %s', async (durable) => {
  const yard = await Yard.make();
  const child = await Child.start({ directory: yard.directory, durable, queues: ['jobs', 'others'] });
  await child.call('publish', { id: 'a' }, { readyAt: Date.now() + 3_600_000 }, { id: 'b' });
  await child.call('take', 2);
  await child.call('settle', 'a', { kind: 'completed' });
  await child.call('begin');
  await child.call('close');
  await child.call('leave');
  expect(await child.ended()).toBe(0);
});

test('a process that leaves its backend open does not end by itself', async () => {
  const yard = await Yard.make();
  const child = await Child.start({ directory: yard.directory });
  await child.call('begin');
  await child.call('leave');
  expect(await Promise.race([child.ended(), yard.shell('sleep 0.3; echo alive')])).toBe('alive\n');
});

test('close syncs what was to be synced soon, and waits for it', async () => {
  const yard = await Yard.make();
  const acts: string[] = [];
  const real = new RealDisk();
  const slow = Object.assign(Object.create(real) as RealDisk, {
    async syncDirectory(path: string) {
      await real.syncDirectory(path);
      await yard.shell('sleep 0.05');
      acts.push(path.slice(path.lastIndexOf('/') + 1));
    },
  });
  const backend = await yard.open({ durable: true, disk: slow });
  await yard.publish(backend, { freshId: true });
  await backend.settle(await yard.takeOne(backend), { kind: 'completed' });
  acts.length = 0;
  await backend.close();
  expect(acts.sort()).toEqual(['incoming', 'pending']);
});

test('close waits for a late sync that is under way', async () => {
  const yard = await Yard.make();
  const real = new RealDisk();
  let running = 0;
  let begun = 0;
  const slow = Object.assign(Object.create(real) as RealDisk, {
    async syncDirectory(path: string) {
      running += 1;
      begun += 1;
      await yard.shell('sleep 0.2');
      await real.syncDirectory(path);
      running -= 1;
    },
  });
  const backend = await yard.open({ durable: true, disk: slow });
  await yard.publish(backend, { freshId: true });
  const before = begun;
  await backend.settle(await yard.takeOne(backend), { kind: 'completed' });
  await until('the late sync has begun', () => begun > before);
  await backend.close();
  expect(running).toBe(0);
});

test('a publish during close is stored or refused, one after it is refused', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  const publishing = yard.publish(backend, { id: 'before' });
  const closing = backend.close();
  await expect(publishing).resolves.toEqual([{ duplicate: false }]);
  await expect(yard.publish(backend, { id: 'after' })).rejects.toThrow('filer: it is closed');
  await closing;
  await expect(publisherOn(backend).publish('job', 1)).rejects.toMatchObject({ maybeStored: false });
  expect(await yard.list('incoming')).toEqual([expect.stringMatching(/,before$/)]);
});

test('several backends of one process share a directory', async () => {
  const yard = await Yard.make();
  const [first, second, last] = [await yard.open(), await yard.open(), await yard.open()];
  const backends = [first, second, last];
  const shifts = backends.map((backend) => new Shift(backend, { job: () => undefined }));
  for (const backend of backends) await yard.publish(backend, ...Array.from({ length: 50 }, () => ({})));
  for (let n = 0; n < 20; n++) yard.put(`foreign-${n}`, json());
  const done = (): number => shifts.reduce((sum, shift) => sum + shift.told('completed').length, 0);
  await until('all are handled', () => done() === 170);
  await first.close();
  await yard.publish(last, { id: 'last' });
  await until('the last one', () => done() === 171);
  expect(new Set(shifts.flatMap(({ calls }) => calls.map(({ id }) => id))).size).toBe(171);
});

test('several queues of one backend don’t mix', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  const publisher = publisherOn(backend);
  await publisher.publish('job', 'other', { queue: 'other', id: 'same' });
  await publisher.publish('job', 'jobs', { queue: 'jobs', id: 'same' });
  for (const queue of ['jobs', 'other']) {
    const [delivery] = await backend.reserve(queue, 5, AbortSignal.timeout(15_000));
    expect(delivery).toMatchObject({ queue, content: { id: 'same', payload: queue } });
  }
});

test('a late sync that fails is said once, until one succeeds', async () => {
  const yard = await Yard.make();
  let isBroken = false;
  const acts: Act[] = [];
  const disk = watchedDisk((act) => {
    acts.push(act);
    if (isBroken && act.operation === 'syncDirectory') throw systemError('EIO');
  });
  const warnings: string[] = [];
  const context = { worker: 'test', warn: (message: string) => void warnings.push(message) };
  const { directory } = yard;
  const backend = await openFiler({ directory, durable: true, leaseMs: 30_000, sweepMs: 100 }, context, disk);
  await yard.publish(backend, { freshId: true }, { freshId: true }, { freshId: true });
  isBroken = true;
  const syncs = (): number => acts.filter(({ operation }) => operation === 'syncDirectory').length;
  for (const delivery of await yard.take(backend, 3)) {
    const before = syncs();
    expect(await backend.settle(delivery, { kind: 'completed' })).toBe(true);
    await until('both folders are synced', () => syncs() === before + 2);
  }
  await backend.close();
  expect(warnings.sort()).toEqual([
    expect.stringContaining(`${directory}/jobs/incoming can't be used: EIO`),
    expect.stringContaining(`${directory}/jobs/pending can't be used: EIO`),
  ]);
});
