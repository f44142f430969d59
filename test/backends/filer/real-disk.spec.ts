import { mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { RealDisk } from '../../../lib/backends/filer/real-disk.js';
import { temporaryFolder } from './support/temporary.js';

const disk = new RealDisk();

test('a text is written where there is no file, for its owner alone, and never over another', async () => {
  const path = join(await temporaryFolder(), 'file');
  disk.write(path, 'ours ✓');
  expect(() => disk.write(path, 'another')).toThrow(/EEXIST/);
  expect(readFileSync(path, 'utf8')).toBe('ours ✓');
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test('a text is read as it was written, and of all else nothing', async () => {
  const folder = await temporaryFolder();
  const path = (name: string): string => join(folder, name);
  disk.write(path('text'), 'ours ✓');
  writeFileSync(path('bytes'), Buffer.from([0x61, 0xff]));
  writeFileSync(path('empty'), '');
  symlinkSync('text', path('link'));
  mkdirSync(path('folder'));
  expect(disk.readText(path('text'))).toBe('ours ✓');
  const others = ['bytes', 'empty', 'link', 'folder', 'none'].map((name) => disk.readText(path(name)));
  expect(others).toEqual([undefined, undefined, undefined, undefined, undefined]);
});
