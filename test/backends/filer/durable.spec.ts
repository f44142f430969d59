import { expect, test } from 'vitest';
import type { Backend, BackendError } from '../../../lib/core/backend.js';
import { publisherOn } from './support/shift.js';
import { until } from './support/until.js';
import { systemError, watchedDisk, type Act } from './support/watched-disk.js';
import { Yard } from './support/yard.js';

/** The operations that change files or sync them, each with the last part of the folder that it concerns. */
function shown(acts: readonly Act[]): string[] {
  const changing = ['create', 'write', 'syncFile', 'rename', 'link', 'unlink', 'syncDirectory'];
  const folderOf = (path: string): string => /\/jobs\/([^/]+)/.exec(path)?.[1] ?? '';
  return acts
    .filter(({ operation }) => changing.includes(operation))
    .map(({ operation, paths }) => [operation, ...paths.slice(-1).map(folderOf)].join(' '));
}

async function watched(durable: boolean): Promise<{ yard: Yard; backend: Backend; acts: Act[] }> {
  const yard = await Yard.make();
  const acts: Act[] = [];
  const backend = await yard.open({ durable, disk: watchedDisk((act) => void acts.push(act)) });
  return { yard, backend, acts };
}

test('a publish syncs the file, moves it in, and syncs the folder before it resolves', async () => {
  const { yard, backend, acts } = await watched(true);
  await yard.publish(backend, { freshId: true });
  expect(shown(acts)).toEqual(['create tmp', 'syncFile', 'rename incoming', 'syncDirectory incoming']);
  acts.length = 0;
  await yard.publish(backend, { freshId: true, readyAt: Date.now() + 3_600_000 });
  expect(shown(acts)).toEqual(['create tmp', 'syncFile', 'rename delayed', 'syncDirectory delayed']);
});

test('one with an id syncs its registration too', async () => {
  const { yard, backend, acts } = await watched(true);
  await yard.publish(backend, { id: 'x' });
  expect(shown(acts).slice(0, 4)).toEqual(['create tmp', 'syncFile', 'link .ids', 'rename incoming']);
  expect(shown(acts).slice(4).sort()).toEqual(['syncDirectory .ids', 'syncDirectory incoming']);
});

test('who hears of a duplicate may rely on the job that is there', async () => {
  const { yard, backend, acts } = await watched(true);
  await yard.publish(backend, { id: 'x' });
  acts.length = 0;
  expect(await yard.publish(backend, { id: 'x' })).toEqual([{ duplicate: true }]);
  expect(shown(acts)).toContain('syncDirectory incoming');
});

test('concurrent publishes share the directory’s sync', async () => {
  const { backend, acts } = await watched(true);
  const publisher = publisherOn(backend);
  await Promise.all(Array.from({ length: 64 }, (_, n) => publisher.publish('job', n, { queue: 'jobs' })));
  const counts = (operation: string): number => acts.filter((act) => act.operation === operation).length;
  expect([counts('syncFile'), counts('syncDirectory')]).toEqual([64, 1]);
});

test('a deletion is synced soon, and several share it', async () => {
  const { yard, backend, acts } = await watched(true);
  await yard.publish(backend, ...Array.from({ length: 20 }, () => ({ freshId: true })));
  const held = await yard.take(backend, 20);
  acts.length = 0;
  await Promise.all(held.map((delivery) => backend.settle(delivery, { kind: 'completed' })));
  expect(shown(acts)).toEqual(Array.from({ length: 20 }, () => 'unlink pending'));
  await until('the syncs', () => shown(acts).length === 22);
  expect(shown(acts).slice(20).sort()).toEqual(['syncDirectory incoming', 'syncDirectory pending']);
});

test('without durable, nothing is synced', async () => {
  const { yard, backend, acts } = await watched(false);
  await yard.publish(backend, { id: 'x' }, { freshId: true });
  const [first, second] = await yard.take(backend, 2);
  if (first) await yard.fail(backend, first);
  if (second) await backend.settle(second, { kind: 'completed' });
  await backend.close();
  expect(shown(acts).filter((line) => line.startsWith('sync'))).toEqual([]);
});

test('a failed sync of the file rejects the publish, and nothing is stored', async () => {
  const yard = await Yard.make();
  let left = 2;
  const disk = watchedDisk(({ operation }) => {
    if (operation === 'syncFile' && left-- === 0) throw systemError('EIO');
  });
  const backend = await yard.open({ durable: true, disk });
  const drafts = [{ payload: 1 }, { payload: 2 }, { payload: 3 }];
  await expect(yard.publish(backend, ...drafts)).rejects.toMatchObject({ maybeStored: false, stored: 0 });
  expect(await yard.shell('ls -A incoming tmp .ids | wc -l; find . -type f -links +1')).toMatch(/^\s*\d+\n$/);
  expect(await yard.list('incoming')).toEqual([]);
  expect(await yard.list('tmp')).toEqual([]);
});

test('one failed file does not harm the publishes of others in the same batch', async () => {
  const yard = await Yard.make();
  let left = 1;
  const disk = watchedDisk(({ operation }) => {
    if (operation === 'syncFile' && left-- === 0) throw systemError('EIO');
  });
  const backend = await yard.open({ durable: true, disk });
  const ended = await Promise.allSettled(['a', 'b', 'c'].map((id) => yard.publish(backend, { id })));
  expect(ended.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect((await yard.take(backend, 2)).map(({ content }) => content.id)).toEqual(['a', 'c']);
  expect(await yard.publish(backend, { id: 'b' })).toEqual([{ duplicate: false }]);
});

test('a failed sync of the directory rejects the publish, which may be stored', async () => {
  const yard = await Yard.make();
  let isBroken = true;
  const disk = watchedDisk(({ operation, paths: [path = ''] }) => {
    if (isBroken && operation === 'syncDirectory' && path.endsWith('/incoming')) throw systemError('EIO');
  });
  const backend = await yard.open({ durable: true, disk });
  await expect(yard.publish(backend, { freshId: true })).rejects.toMatchObject({
    message: expect.stringContaining('/incoming') as string,
    maybeStored: true,
    stored: 0,
  });
  isBroken = false;
  await yard.publish(backend, { freshId: true });
  expect(await yard.take(backend, 2)).toHaveLength(2);
});

test('of many, those stored before a fault are told', async () => {
  const yard = await Yard.make();
  let room = 100;
  const disk = watchedDisk(({ operation, paths: [, to = ''] }) => {
    if (operation === 'rename' && to.includes('/incoming/') && --room < 0) throw systemError('ENOSPC');
  });
  const backend = await yard.open({ durable: true, disk });
  const drafts = Array.from({ length: 130 }, (_, payload) => ({ freshId: true, payload }));
  await expect(yard.publish(backend, ...drafts)).rejects.toMatchObject({ maybeStored: false, stored: 100 });
  expect(await yard.list('incoming')).toHaveLength(100);
  const payloads = (await yard.take(backend, 100)).map(({ content }) => 'payload' in content && content.payload);
  expect(payloads).toEqual(Array.from({ length: 100 }, (_, n) => n));
});

test('of those, the ones whose directory could not be synced are not told as stored', async () => {
  const yard = await Yard.make();
  let room = 100;
  let syncs = 0;
  const disk = watchedDisk(({ operation, paths: [, to = ''] }) => {
    if (operation === 'rename' && to.includes('/incoming/') && --room < 0) throw systemError('ENOSPC');
    if (operation === 'syncDirectory' && ++syncs > 1) throw systemError('EIO');
  });
  const backend = await yard.open({ durable: true, disk });
  const drafts = Array.from({ length: 130 }, (_, payload) => ({ freshId: true, payload }));
  const error = await yard.publish(backend, ...drafts).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ maybeStored: true });
  const { stored } = error as BackendError;
  expect(stored).toBeGreaterThan(0);
  expect(stored).toBeLessThan(100);
});
