import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { mkdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ProcessOwners } from '../../../lib/backends/filer/owner.js';
import type { Backend } from '../../../lib/core/backend.js';
import type { Records } from '../../../lib/core/records.js';
import { Child } from './support/child.js';
import { until } from './support/until.js';
import { systemError, watchedDisk, type Operation } from './support/watched-disk.js';
import { AN_HOUR_MS, Yard, type Opening } from './support/yard.js';

/** Operations that need room, or the right to write. */
const MAKING = new Set<Operation>(['create', 'symlink']);

/** A yard and the records of one that opened it. */
async function opened(opening?: Opening): Promise<{ yard: Yard; records: Records; at: (file?: string) => string }> {
  const yard = await Yard.make();
  const records = recordsOf(await yard.open(opening));
  return { yard, records, at: (file = '') => join(yard.directory, '.records', file) };
}

function recordsOf(backend: Backend): Records {
  if (!backend.records) throw new Error('it has no records');
  return backend.records;
}

/** The records that are there, by their files' names. */
function filesOf(at: (file?: string) => string): string[] {
  return readdirSync(at())
    .filter((file) => file.endsWith('.record'))
    .sort();
}

test('the folder of records is made when the first is used, for its user alone', async () => {
  const { yard, records, at } = await opened();
  expect(existsSync(at())).toBe(false);
  await records.set('mail/Ada', 'sent', AN_HOUR_MS);
  const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
  const [file = ''] = filesOf(at);
  expect([mode(at()), mode(at('.tmp')), mode(at(file))]).toEqual(['700', '700', '600']);
  expect(file).toMatch(/^mail_Ada~[0-9a-f]{64}\.record$/);
  expect(JSON.parse(readFileSync(at(file), 'utf8'))).toMatchObject({ key: 'mail/Ada', text: 'sent' });
  expect(readdirSync(at('.tmp'))).toEqual([]);
  expect(readdirSync(yard.directory).sort()).toEqual(['.records', 'jobs']);
});

test('what has ended is removed, whoever stored it, and what is not ours stays', { timeout: 60_000 }, async () => {
  const { yard, records, at } = await opened();
  const child = await Child.start({ directory: yard.directory });
  await child.call('set', 'of one that dies', 'text', 50);
  await child.kill();
  await records.set('stays', 'text', AN_HOUR_MS);
  const dead = new ProcessOwners().self.replace(/-[0-9a-z]+-[0-9a-z]+$/, '-1zzzzz-1');
  writeFileSync(at(`.tmp/job-${dead}-0a1`), 'half a rec');
  await symlink(dead, at('.tmp/some~x.record.lock'));
  for (const file of ['README', 'notes.record', '.hidden']) {
    writeFileSync(at(file), 'not ours');
    utimesSync(at(file), 1, 1);
  }
  await mkdir(at('folder.record'));
  await symlink('/nonexistent', at('link.record'));
  await records.set('ends', 'text', 50);
  await until('all that ended is removed', () => filesOf(at).filter((file) => file.includes('~')).length === 1);
  await until('what the dead one left is removed', () => readdirSync(at('.tmp')).length === 0);
  expect(await records.get('stays')).toMatchObject({ text: 'text' });
  expect(
    readdirSync(at())
      .filter((file) => !file.includes('~'))
      .sort(),
  ).toEqual(['.hidden', '.tmp', 'README', 'folder.record', 'link.record', 'notes.record'].sort());
});

test('a record whose file has another time than it says is not removed', async () => {
  const { records, at } = await opened();
  await records.set('copied', 'text', AN_HOUR_MS);
  const [file = ''] = filesOf(at);
  utimesSync(at(file), 1, 1);
  await records.set('ends', 'text', 20);
  await until('what has ended is removed', () => filesOf(at).length === 1);
  await until('its file tells its end again', () => statSync(at(file)).mtimeMs > Date.now());
  expect(await records.get('copied')).toMatchObject({ text: 'text' });
});

test.each([
  ['empty', ''],
  ['half', '{"key":"key","expiresAt":99999999'],
  ['another’s', JSON.stringify({ key: 'other', expiresAt: Date.now() + AN_HOUR_MS, text: 'x' })],
  ['no record', '[1]'],
])('a file that is %s is as good as none', async (_, content) => {
  const { records, at } = await opened();
  await records.set('key', 'first', AN_HOUR_MS);
  const [file = ''] = filesOf(at);
  writeFileSync(at(file), content);
  expect(await records.get('key')).toBeUndefined();
  expect(await records.delete('key')).toBe(false);
  expect(await records.claim('key', 'second', AN_HOUR_MS)).toBeUndefined();
  expect(await records.get('key')).toMatchObject({ text: 'second' });
  writeFileSync(at(file), content);
  await records.set('key', 'third', AN_HOUR_MS);
  expect(await records.get('key')).toMatchObject({ text: 'third' });
});

test('of processes that claim a key whose time has ended, one stores', { timeout: 60_000 }, async () => {
  const { yard, records } = await opened();
  const opening = { directory: yard.directory };
  const children = [await Child.start(opening), await Child.start(opening), await Child.start(opening)];
  for (let round = 0; round < 40; round++) {
    await records.set('key', 'before', 10);
    const ended = (await records.get('key'))?.expiresAt ?? 0;
    while (Date.now() < ended - 1) await new Promise((resolve) => void setImmediate(resolve));
    const stored = await Promise.all(
      children.map(async (child, index) => {
        // Those that come a moment early are told the record that ends.
        for (;;) {
          const living = await child.call('claim', 'key', `of ${index}`, AN_HOUR_MS);
          if (living === undefined) return [`of ${index}`];
          if (living !== 'before') return [];
        }
      }),
    );
    expect(stored.flat()).toHaveLength(1);
    expect(await records.get('key')).toMatchObject({ text: stored.flat()[0] });
  }
});

test('a process killed at any moment leaves no half record, and holds up nobody', { timeout: 60_000 }, async () => {
  const { yard, records } = await opened();
  const length = 200_000;
  for (let round = 0; round < 8; round++) {
    const child = await Child.start({ directory: yard.directory });
    await child.call('setOnAndOn', 'key', length);
    for (let look = 0; look < 20 + round * 7; look++) {
      const { text = '' } = (await records.get('key')) ?? {};
      expect(text.length).toBe(length);
      expect(text).toBe((text[0] ?? '').repeat(length));
    }
    await child.kill();
    const { text = '' } = (await records.get('key')) ?? {};
    expect(text).toBe((text[0] ?? '').repeat(length));
    await records.set('key', '0'.repeat(length), AN_HOUR_MS);
    expect(await records.delete('key', '0'.repeat(length))).toBe(true);
  }
});

test.each([
  ['ENOSPC', /\.records can't be used: its file system is full; make room \(ENOSPC\)/],
  ['EACCES', /\.records can't be used: this process may not read, write and search it/],
])('where a record can’t be written (%s) that is told, and what was there stays', async (code, message) => {
  let isBroken = false;
  const disk = watchedDisk(({ operation, paths }) => {
    if (isBroken && MAKING.has(operation) && paths.at(-1)?.includes('/.records/')) throw systemError(code);
  });
  const { records, at } = await opened({ disk });
  await records.set('key', 'before', AN_HOUR_MS);
  isBroken = true;
  const refused = { name: 'BackendError', passing: true, message: expect.stringMatching(message) as string };
  await expect(records.set('key', 'after', AN_HOUR_MS)).rejects.toMatchObject(refused);
  await expect(records.claim('other', 'text', AN_HOUR_MS)).rejects.toMatchObject(refused);
  await expect(records.delete('key')).rejects.toMatchObject(refused);
  expect(await records.get('key')).toMatchObject({ text: 'before' });
  expect(await records.claim('key', 'mine', AN_HOUR_MS)).toMatchObject({ text: 'before' });
  expect(readdirSync(at('.tmp'))).toEqual([]);
  isBroken = false;
  await records.set('key', 'after', AN_HOUR_MS);
  expect(await records.get('key')).toMatchObject({ text: 'after' });
});

test('a sync that fails is told, and leaves no draft', async () => {
  let isBroken = false;
  const disk = watchedDisk(({ operation }) => {
    if (isBroken && operation === 'syncFile') throw systemError('EIO');
  });
  const { records, at } = await opened({ disk, durable: true });
  await records.set('key', 'before', AN_HOUR_MS);
  isBroken = true;
  await expect(records.set('key', 'after', AN_HOUR_MS)).rejects.toMatchObject({ name: 'BackendError' });
  expect(await records.get('key')).toMatchObject({ text: 'before' });
  expect(readdirSync(at('.tmp'))).toEqual([]);
});

test('while the directory is away all is refused, and nobody is told that there is no record', async () => {
  const { yard, records } = await opened();
  await records.set('key', 'text', AN_HOUR_MS);
  await rename(yard.directory, `${yard.directory}-away`);
  const refused = { name: 'BackendError', passing: true, message: expect.stringContaining(yard.directory) as string };
  await expect(records.get('key')).rejects.toMatchObject(refused);
  await expect(records.set('key', 'other', AN_HOUR_MS)).rejects.toMatchObject(refused);
  await expect(records.claim('key', 'other', AN_HOUR_MS)).rejects.toMatchObject(refused);
  await rename(`${yard.directory}-away`, yard.directory);
  expect(await records.get('key')).toMatchObject({ text: 'text' });
});

test('the folder may be removed: it is made again', async () => {
  const { records, at } = await opened();
  await records.set('key', 'text', AN_HOUR_MS);
  await rm(at(), { recursive: true });
  expect(await records.get('key')).toBeUndefined();
  await rm(at(), { recursive: true });
  expect(await records.claim('key', 'again', AN_HOUR_MS)).toBeUndefined();
  expect(await records.get('key')).toMatchObject({ text: 'again' });
});

test('of sets that did not wait for each other the last counts', async () => {
  const { records } = await opened({ durable: true });
  for (let round = 0; round < 10; round++) {
    const texts = Array.from({ length: 8 }, (_, index) => `${round} ${index}`);
    await Promise.all(texts.map((text) => records.set('key', text, AN_HOUR_MS)));
    expect(await records.get('key')).toMatchObject({ text: `${round} 7` });
  }
});

test('a process with few files to open stores any number of records at once', { timeout: 60_000 }, async () => {
  const yard = await Yard.make();
  const by = ['sh', '-c', 'ulimit -n 150; exec "$@"', 'sh'];
  const child = await Child.start({ directory: yard.directory, durable: true }, { by });
  await child.call('setMany', 500, AN_HOUR_MS);
  const records = recordsOf(await yard.open());
  for (const n of [0, 250, 499]) expect(await records.get(`key ${n}`)).toMatchObject({ text: `text ${n}` });
});

test('what is asked for after close is refused', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  const records = recordsOf(backend);
  await records.set('key', 'text', AN_HOUR_MS);
  await backend.close();
  const refused = { name: 'BackendError', message: 'filer: it is closed' };
  await expect(records.get('key')).rejects.toMatchObject(refused);
  await expect(records.set('key', 'text', AN_HOUR_MS)).rejects.toMatchObject(refused);
  await expect(records.watch('key', () => undefined)).rejects.toMatchObject(refused);
});

test('a job costs the same operations on files whether there are records or not', async () => {
  const operations: string[] = [];
  const disk = watchedDisk(({ operation }) => void operations.push(operation));
  const { yard, records } = await opened({ disk, sweepMs: AN_HOUR_MS });
  const backend = await yard.open({ disk, sweepMs: AN_HOUR_MS });
  const cost = async (): Promise<string[]> => {
    operations.length = 0;
    await yard.publish(backend, { freshId: true });
    await backend.settle(await yard.takeOne(backend), { kind: 'completed' });
    return [...operations];
  };
  await cost();
  const before = await cost();
  for (let n = 0; n < 2_000; n++) await records.set(`key ${n}`, 'text', AN_HOUR_MS);
  expect(await cost()).toEqual(before);
});
