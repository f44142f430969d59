import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { filer } from '../../../lib/backends/filer/index.js';
import { RealDisk } from '../../../lib/backends/filer/real-disk.js';
import { publisherOn, Shift } from './support/shift.js';
import { isRoot, mayMount, temporaryFolder } from './support/temporary.js';
import { until } from './support/until.js';
import { AN_HOUR_MS, json, Yard, type Folder } from './support/yard.js';

const FOLDERS: readonly Folder[] = ['tmp', 'incoming', 'pending', 'errors', 'expired', 'delayed', '.ids'];
const CONTEXT = { worker: 'test', queues: ['jobs'], warn: () => undefined };

function modeOf(path: string): string {
  return (statSync(path).mode & 0o7777).toString(8);
}

describe('directories', () => {
  test('are made at start, mode 0700', async () => {
    const yard = await Yard.make();
    await yard.open();
    const paths = [yard.directory, join(yard.directory, 'jobs'), ...FOLDERS.map((folder) => yard.path(folder))];
    expect(paths.map(modeOf)).toEqual(paths.map(() => '700'));
    expect(await readdir(join(yard.directory, 'jobs'))).toHaveLength(FOLDERS.length);
  });

  test('are made for a queue that is published to later', async () => {
    const yard = await Yard.make();
    const backend = await yard.open();
    await publisherOn(backend).publish('job', 1, { queue: 'other' });
    expect(modeOf(join(yard.directory, 'other', 'incoming'))).toBe('700');
  });

  test('that exist keep their mode', async () => {
    const yard = await Yard.make();
    for (const folder of ['incoming', 'errors'] as const) {
      mkdirSync(yard.path(folder), { recursive: true });
      chmodSync(yard.path(folder), 0o2770);
    }
    chmodSync(yard.directory, 0o755);
    await yard.open();
    expect([modeOf(yard.path('incoming')), modeOf(yard.path('errors'))]).toEqual(['2770', '2770']);
    expect([modeOf(yard.directory), modeOf(yard.path('pending'))]).toEqual(['755', '700']);
  });

  test('may have any name', async () => {
    const yard = new Yard(join(await temporaryFolder(), 'Ünï cödé 🙂, $HOME "quoted"\n'));
    const backend = await yard.open({ durable: true, sweepMs: AN_HOUR_MS });
    await yard.publish(backend, { id: 'given' }, { freshId: true });
    for (const delivery of await yard.take(backend, 2)) await backend.settle(delivery, { kind: 'completed' });
    const taking = yard.takeOne(backend);
    yard.put('é', json());
    await yard.fail(backend, await taking);
    expect(await yard.list('errors')).toEqual(['é', 'é.meta']);
    expect(yard.warnings).toEqual([]);
  });
});

describe('a directory that can’t be used stops the start with its path', () => {
  test('below a regular file', async () => {
    const file = join(await temporaryFolder(), 'file');
    writeFileSync(file, '');
    const opening = filer({ directory: join(file, 'jobs') }).open(CONTEXT);
    await expect(opening).rejects.toThrow(`filer: ${join(file, 'jobs')} can't be used: it is no directory`);
    await expect(filer({ directory: file }).open(CONTEXT)).rejects.toThrow(
      `filer: ${file} can't be used: it is no directory`,
    );
  });

  test('a file where a folder should be', async () => {
    const directory = await temporaryFolder();
    mkdirSync(join(directory, 'jobs'));
    writeFileSync(join(directory, 'jobs', 'pending'), '');
    const path = join(directory, 'jobs', 'pending');
    await expect(filer({ directory }).open(CONTEXT)).rejects.toThrow(
      `filer: ${path} can't be used: it is no directory`,
    );
  });

  test.skipIf(!mayMount)('on a read-only file system', async () => {
    const directory = await temporaryFolder();
    execFileSync('mount', ['--bind', directory, directory]);
    onTestFinished(() => void execFileSync('umount', ['-l', directory]));
    execFileSync('mount', ['-o', 'remount,bind,ro', directory]);
    const opening = filer({ directory }).open(CONTEXT);
    await expect(opening).rejects.toThrow(`filer: ${directory} can't be used: its file system is read-only`);
  });

  test.skipIf(isRoot)('without the right to write', async () => {
    const directory = await temporaryFolder();
    mkdirSync(join(directory, 'jobs', 'errors'), { recursive: true });
    chmodSync(join(directory, 'jobs', 'errors'), 0o500);
    await expect(filer({ directory }).open(CONTEXT)).rejects.toThrow(/errors can't be used: this process may not/);
  });
});

describe('while it runs', () => {
  test.each(FOLDERS)('the folder %s is made again where it was removed', async (folder) => {
    const yard = await Yard.make();
    const backend = await yard.open({ durable: true, sweepMs: 20 });
    await yard.publish(backend, { id: 'a', freshId: true }, { id: 'b' });
    for (const delivery of await yard.take(backend, 2)) await yard.fail(backend, delivery);
    rmSync(yard.path(folder), { recursive: true });
    const later = Date.now() + 20;
    const shift = new Shift(backend, { job: () => undefined, bad: () => Promise.reject(new Error('bad')) });
    for (const id of ['c', 'd', 'e']) {
      await yard.publish(backend, { id }, { freshId: true, readyAt: later }, { name: 'bad', maxAttempts: 2 });
    }
    await yard.publish(backend, { expiresAt: 1 });
    await shift.hears('completed', 6);
    await shift.hears('failed', 3);
    await shift.hears('expired');
  });

  test('jobs that wait are not lost while the folder of claimed ones is gone', async () => {
    const yard = await Yard.make();
    const backend = await yard.open({ sweepMs: 20 });
    await yard.publish(backend, ...Array.from({ length: 20 }, (_, n) => ({ id: `id-${n}` })));
    await yard.takeOne(backend);
    rmSync(yard.path('pending'), { recursive: true });
    const shift = new Shift(backend, { job: () => undefined });
    await shift.hears('completed', 19);
  });

  test('a folder replaced by another is watched, though the sweep is far', async () => {
    const yard = await Yard.make();
    const backend = await yard.open({ sweepMs: AN_HOUR_MS });
    for (let round = 0; round < 5; round++) {
      const taking = yard.takeOne(backend);
      await yard.shell('rm -rf incoming; mkdir -p -m 700 incoming');
      yard.put(`x-${round}`, json());
      const delivery = await taking;
      expect(delivery.content.id).toBe(`x-${round}`);
      await backend.settle(delivery, { kind: 'completed' });
    }
  });

  test('the root’s removal is told once, and its return once; nobody makes it but who removed it', async () => {
    const yard = await Yard.make();
    const backend = await yard.open({ sweepMs: AN_HOUR_MS });
    const shift = new Shift(backend, { job: () => undefined });
    yard.put('first', json());
    await shift.hears('completed');
    rmSync(yard.directory, { recursive: true });
    await until('the outage is told', () => shift.said.length > 0);
    await expect(yard.publish(backend, {})).rejects.toThrow(`filer: ${yard.directory} can't be used: it is missing`);
    await expect(publisherOn(backend).publish('job', 1)).rejects.toMatchObject({ maybeStored: false });
    expect(await readdir(dirname(yard.directory))).toEqual([]);
    mkdirSync(yard.directory);
    await until('the return is told', () => shift.said.length > 1);
    yard.put('second', json());
    await shift.hears('completed', 2);
    await publisherOn(backend).publish('job', 1);
    await shift.hears('completed', 3);
    expect(shift.said).toEqual([
      expect.stringContaining(`${yard.directory} can't be used: it is missing`),
      expect.stringMatching(/^filer is back/),
    ]);
    expect(yard.warnings).toEqual([]);
  });

  test('a directory moved away and back is used again', async () => {
    const yard = await Yard.make();
    const backend = await yard.open({ sweepMs: 20, durable: true });
    await yard.publish(backend, { id: 'a' });
    const shift = new Shift(backend, { job: () => undefined });
    await shift.hears('completed');
    renameSync(yard.directory, `${yard.directory}-away`);
    await until('the outage is told', () => shift.said.length > 0);
    renameSync(`${yard.directory}-away`, yard.directory);
    await until('the return is told', () => shift.said.length > 1);
    await yard.publish(backend, { id: 'b' });
    await shift.hears('completed', 2);
  });

  test('a sync is of the directory that is there now', async () => {
    const path = join(await temporaryFolder(), 'd');
    const disk = new RealDisk();
    onTestFinished(() => disk.close());
    mkdirSync(path);
    await disk.syncDirectory(path);
    rmSync(path, { recursive: true });
    await expect(disk.syncDirectory(path)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(disk.syncDirectory(path)).rejects.toMatchObject({ code: 'ENOENT' });
    mkdirSync(path);
    await disk.syncDirectory(path);
    renameSync(path, `${path}-away`);
    await expect(disk.syncDirectory(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
