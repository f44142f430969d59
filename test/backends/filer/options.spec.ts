import { resolve } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { filer, type FilerOptions } from '../../../lib/backends/filer/index.js';
import { Yard } from './support/yard.js';

afterEach(() => vi.unstubAllGlobals());

test.each([
  [undefined, /filer: expected \{ directory, … \}, got undefined/],
  [{}, /directory: expected a path, got undefined/],
  [{ directory: '' }, /directory: expected a path, got ""/],
  [{ directory: 'a\0b' }, /directory: expected a path/],
  [{ directory: 'x', durable: 'yes' }, /durable: expected true or false, got "yes"/],
  [{ directory: 'x', lease: 'soon' }, /lease: expected milliseconds or a duration/],
  [{ directory: 'x', lease: 1 }, /lease: expected at least 10 ms, got 1/],
  [{ directory: 'x', sweep: 0 }, /sweep: expected at least 10 ms, got 0/],
  [{ directory: 'x', path: 'y' }, /unknown option "path"; known are directory, durable, lease, sweep/],
])('a bad option is refused: %j', (options, reason) => {
  expect(() => filer(options as unknown as FilerOptions)).toThrow(reason);
});

test('the defaults are those of the README', async () => {
  const yard = await Yard.make();
  const backend = await filer({ directory: yard.directory }).open({ worker: 'test', warn: () => undefined });
  expect(backend.traits).toEqual({
    name: 'filer',
    durability: 'power cut',
    shared: true,
    leaseMs: 30_000,
    delayStepMs: 1,
    exactPriorities: 4_294_967_295,
    findsDuplicates: true,
    history: true,
  });
  await backend.close();
});

test('a relative directory is that of the moment when it was given', async () => {
  const yard = await Yard.make();
  const before = process.cwd();
  process.chdir(resolve(yard.directory, '..'));
  const description = filer({ directory: 'var', durable: false });
  process.chdir(before);
  const backend = await description.open({ worker: 'test', queues: ['jobs'], warn: () => undefined });
  expect(backend.traits.durability).toBe('process');
  expect(await yard.list('incoming')).toEqual([]);
  await backend.close();
});

test('on Windows it refuses aloud', () => {
  vi.stubGlobal('process', { ...process, platform: 'win32' });
  expect(() => filer({ directory: 'x' })).toThrow(/does not work on Windows/);
});
