import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { encodeRecord, recordName } from '../../../lib/backends/filer/record-file.js';
import { Child } from './support/child.js';
import { until } from './support/until.js';
import { watchedDisk } from './support/watched-disk.js';
import { AN_HOUR_MS, Yard } from './support/yard.js';

test('a set of another process is told without the sweep', { timeout: 60_000 }, async () => {
  const yard = await Yard.make();
  const { records } = await yard.open({ sweepMs: AN_HOUR_MS });
  const child = await Child.start({ directory: yard.directory });
  let told = 0;
  const end = await records?.watch('key', () => (told += 1));
  for (let round = 0; round < 5; round++) {
    const before = told;
    await child.call('set', 'key', `${round}`, AN_HOUR_MS);
    await until('it is told', () => told > before);
    expect(await records?.get('key')).toMatchObject({ text: `${round}` });
  }
  end?.();
});

test(
  'who watches while the folder is removed and made again is told of what is set there',
  { timeout: 60_000 },
  async () => {
    const yard = await Yard.make();
    const { records } = await yard.open({ sweepMs: 20 });
    const child = await Child.start({ directory: yard.directory });
    let told = 0;
    const end = await records?.watch('key', () => (told += 1));
    await rm(join(yard.directory, '.records'), { recursive: true });
    await child.call('set', 'key', 'first', AN_HOUR_MS);
    await until('the first is told', () => told > 0);
    await until('notices come from the new folder', async () => {
      const before = told;
      await child.call('set', 'key', 'second', AN_HOUR_MS);
      await setTimeout(30);
      return told > before;
    });
    end?.();
  },
);

test('who does not watch looks at nothing; who watches looks at the folder alone while nothing changes', async () => {
  const yard = await Yard.make();
  const looked: string[] = [];
  const disk = watchedDisk(({ operation, paths }) => {
    if (paths.some((path) => path.includes('/.records'))) looked.push(`${operation} ${paths[0]?.split('/').at(-1)}`);
  });
  const { records } = await yard.open({ sweepMs: 10, disk });
  for (let n = 0; n < 50; n++) await records?.set(`key ${n}`, 'text', AN_HOUR_MS);
  looked.length = 0;
  await setTimeout(300);
  expect(looked).toEqual([]);
  const end = await records?.watch('key 1', () => undefined);
  await until('it has looked whether the record has changed', () => looked.includes('stat .records'));
  // Changes within a tick of the file system's clock can't be told apart: until then it looks again.
  await setTimeout(200);
  looked.length = 0;
  await until('it has looked again', () => looked.length > 5);
  expect(new Set(looked)).toEqual(new Set(['stat .records']));
  end?.();
  looked.length = 0;
  await setTimeout(100);
  expect(looked).toEqual([]);
});

test(
  'a process that gets no notices says so once, and is told of others’ sets by the sweep',
  { timeout: 60_000 },
  async ({ skip }) => {
    const yard = await Yard.make();
    const child = await Child.withoutNotices('instances', { directory: yard.directory, sweepMs: 50 }, skip);
    const { records } = await yard.open();
    await child.call('watch', 'key');
    for (const text of ['a', 'b']) {
      const before = await child.call('heard');
      await records?.set('key', text, AN_HOUR_MS);
      await until('it is told of another’s', async () => (await child.call('heard')) > before);
    }
    const before = await child.call('heard');
    await child.call('set', 'key', 'c', AN_HOUR_MS);
    expect(await child.call('heard')).toBeGreaterThan(before);
    expect(await child.call('told')).toEqual([
      expect.stringMatching(/no notices of changes in .*\.records: .*Records .* are seen by the sweep, every 50 ms/),
    ]);
  },
);

const longest = ((): number => {
  try {
    return Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'latin1'));
  } catch {
    return Infinity;
  }
})();

test.skipIf(longest > 40_000)('an overflow of the system’s queue of notices hides no set', async () => {
  const yard = await Yard.make();
  const { records } = await yard.open({ sweepMs: AN_HOUR_MS });
  const at = (file: string): string => join(yard.directory, '.records', file);
  let told = 0;
  const end = await records?.watch('key', () => (told += 1));
  writeFileSync(at('.tmp/source'), encodeRecord('key', 'text', Date.now() + AN_HOUR_MS));
  // While these come, the event loop has no turn; the last is beyond what the kernel queues.
  writeFileSync(at('name'), '');
  for (let n = 0; n < longest / 2 + 500; n++) {
    renameSync(at('name'), at('other'));
    renameSync(at('other'), at('name'));
  }
  renameSync(at('.tmp/source'), at(recordName('key')));
  await until('it is told', () => told > 0);
  expect(await records?.get('key')).toMatchObject({ text: 'text' });
  end?.();
});
