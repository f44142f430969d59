import { mkdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { newId } from '../../../lib/core/id.js';
import { Shift } from './support/shift.js';
import { until } from './support/until.js';
import { diskTamperedOnce, READING, systemError, watchedDisk } from './support/watched-disk.js';
import { json, Yard } from './support/yard.js';

test('a file that is gone before it is opened hinders nobody', async () => {
  const yard = await Yard.make();
  const disk = watchedDisk(({ operation, paths: [path = ''] }) => {
    if (operation === 'open' && path.endsWith('/incoming/vanishes')) rmSync(path, { force: true });
  });
  const shift = new Shift(await yard.open({ disk }), { job: () => undefined });
  yard.put('vanishes', json());
  yard.put('stays', json());
  await shift.hears('completed');
  expect(shift.calls).toMatchObject([{ id: 'stays' }]);
  expect(shift.said).toEqual([]);
});

test.each([
  ['a directory', (path: string) => mkdirSync(`${path}/inside`, { recursive: true })],
  ['a link', (path: string) => symlinkSync('/nonexistent', path)],
  ['nothing', () => undefined],
])('a file replaced by %s between seeing and claiming is left alone', async (_, replace) => {
  const yard = await Yard.make();
  const tampered = vi.fn((path: string) => {
    rmSync(path);
    replace(path);
  });
  const disk = diskTamperedOnce('rename', '/incoming/x', tampered);
  const backend = await yard.open({ disk });
  yard.put('x', json({ priority: 0 }));
  await yard.publish(backend, { id: 'other' });
  expect((await yard.takeAll(backend)).map(({ content }) => content.id)).toEqual(['other']);
  expect(tampered).toHaveBeenCalledOnce();
  const shown = await yard.shell('ls -F incoming; ls pending | grep -v other || true');
  expect(shown.trim()).toBe({ 'a directory': 'x/', 'a link': 'x@' }[_] ?? '');
});

test('a directory in the place of a job whose id was made here is left alone', async () => {
  const yard = await Yard.make();
  const tampered = vi.fn((path: string) => {
    rmSync(path);
    mkdirSync(`${path}/inside`, { recursive: true });
  });
  const disk = diskTamperedOnce('rename', '/incoming/', tampered);
  const backend = await yard.open({ disk });
  await yard.publish(backend, { freshId: true, id: newId(), priority: 0 });
  await yard.publish(backend, { id: 'other' });
  expect((await yard.takeAll(backend)).map(({ content }) => content.id)).toEqual(['other']);
  expect(tampered).toHaveBeenCalledOnce();
  expect(await yard.shell('ls incoming/*; ls pending | grep -v other || true')).toBe('inside\n');
});

test('what is put back after a failed claim never replaces a new file of its name', async () => {
  const yard = await Yard.make();
  const disk = diskTamperedOnce('open', '/pending/', () => {
    yard.put('x', json({}, { body: 'new' }));
    throw systemError('EMFILE');
  });
  const backend = await yard.open({ disk });
  yard.put('x', json({}, { body: 'old' }));
  const shift = new Shift(backend, { job: () => undefined });
  await shift.hears('completed', 2);
  expect(shift.calls.map(({ payload }) => String(payload)).sort()).toEqual(['new', 'old']);
});

test('a job that can’t be opened hinders no other', async () => {
  const yard = await Yard.make();
  let isBroken = true;
  const disk = watchedDisk(({ operation, paths: [path = ''] }) => {
    const isRead = READING.has(operation);
    if (isRead && path.includes('/pending/') && path.endsWith(',bad') && isBroken) throw systemError('EIO');
  });
  const backend = await yard.open({ disk });
  await yard.publish(backend, { id: 'bad', priority: 0 });
  await yard.publish(backend, { id: 'good 1' }, { id: 'good 2' });
  const shift = new Shift(backend, { job: () => undefined });
  await shift.hears('completed', 2);
  expect(await yard.list('incoming')).toHaveLength(1);
  isBroken = false;
  await until('the job is handled', () => shift.calls.some(({ id }) => id === 'bad'));
});

test('a file that may not be read fails with its reason', async () => {
  const yard = await Yard.make();
  const disk = watchedDisk(({ operation, paths: [path = ''] }) => {
    const isRead = READING.has(operation);
    if (isRead && path.endsWith('secret')) throw systemError('EACCES', 'permission denied');
  });
  const shift = new Shift(await yard.open({ disk }), { job: () => undefined });
  yard.put('secret', json());
  yard.put('open', json());
  await shift.hears('failed');
  await shift.hears('completed');
  expect(await yard.meta('errors', 'secret')).toMatchObject({
    id: 'secret',
    reason: expect.stringMatching(/EACCES/) as string,
  });
  expect(shift.said).toEqual([]);
});

test('a job taken back by another while it fails leaves no meta behind', async () => {
  const yard = await Yard.make();
  const disk = watchedDisk(({ operation, paths: [from = '', to = ''] }) => {
    if (operation === 'rename' && to.endsWith('/errors/x')) renameSync(from, yard.path('tmp', 'taken'));
  });
  const backend = await yard.open({ disk });
  yard.put('x', json());
  expect(await yard.fail(backend, await yard.takeOne(backend))).toBe(false);
  expect(await yard.list('errors')).toEqual([]);
  expect(await yard.list('tmp')).toEqual(['taken']);
});

test('a failure waits while another process moves one aside, and breaks the lock of a dead one', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  yard.put('x', json());
  const delivery = await yard.takeOne(backend);
  const dead = (await yard.list('pending'))[0]?.split(',')[4]?.replace(/-[0-9a-z]+-[0-9a-z]+$/, '-1zzzzz-1') ?? '';
  symlinkSync(dead, yard.path('errors', '.lock'));
  expect(await yard.fail(backend, delivery)).toBe(true);
  expect(await yard.shell('ls -A errors')).toBe('x\nx.meta\n');
});
