import { expect, test } from 'vitest';
import { Child } from './support/child.js';
import { AN_HOUR_MS, json, Yard } from './support/yard.js';

const FEW_FILES = ['sh', '-c', 'ulimit -n 100; exec "$@"', 'sh'];

test.each([true, false])('a process without files to open refuses publishes clearly; durable: %s', async (durable) => {
  const yard = await Yard.make();
  const child = await Child.start({ directory: yard.directory, durable }, { by: FEW_FILES });
  expect(await child.call('publish', { id: 'before' })).toEqual([{ duplicate: false }]);
  expect(await child.call('useUpFiles')).toBeGreaterThan(10);
  const refusal = /can't be used: this process has too many open files; raise its limit \(ulimit -n\) \(EMFILE\)/;
  await expect(child.call('publish', { id: 'a' })).rejects.toThrow(refusal);
  await expect(child.call('publish', {})).rejects.toThrow(refusal);
  expect(await yard.list('tmp')).toEqual([]);
  expect(await yard.list('incoming')).toHaveLength(1);
  await child.call('freeFiles');
  expect(await child.call('publish', { id: 'a' })).toEqual([{ duplicate: false }]);
  expect((await child.call('take', 2)).map(({ id }) => id)).toEqual(['before', 'a']);
});

test('a worker without files to open takes nothing, loses nothing, and goes on when it has', async () => {
  const yard = await Yard.make();
  const child = await Child.start({ directory: yard.directory }, { by: FEW_FILES });
  await child.call('publish', { id: 'warm' });
  await child.call('take', 1);
  await child.call('publish', { id: 'ours' });
  yard.put('theirs', json());
  await child.call('useUpFiles');
  await expect(child.call('take', 1)).rejects.toThrow(/too many open files/);
  expect(await yard.list('incoming')).toHaveLength(2);
  await child.call('freeFiles');
  const taken = await child.call('take', 2);
  expect(taken.map(({ id, attempt }) => `${id} ${attempt}`).sort()).toEqual(['ours 1', 'theirs 1']);
});

test('a worker that gets no notices says so once, and finds jobs by the sweep', async ({ skip }) => {
  const yard = await Yard.make();
  const child = await Child.withoutNotices('instances', { directory: yard.directory, sweepMs: 50 }, skip);
  const other = await yard.open();
  for (const id of ['a', 'b']) {
    const taking = child.call('take', 1);
    await yard.publish(other, { id });
    expect(await taking).toEqual([{ id, attempt: 1 }]);
  }
  yard.put('c', json());
  expect(await child.call('take', 1)).toEqual([{ id: 'c', attempt: 1 }]);
  expect(await child.call('told')).toEqual([
    expect.stringMatching(/no notices of changes in .*incoming: .*New jobs of other processes are seen by the sweep/),
  ]);
});

test('a notice that can’t come is not waited for where the job is this process’s own', async ({ skip }) => {
  const yard = await Yard.make();
  const child = await Child.withoutNotices('watches', { directory: yard.directory, sweepMs: AN_HOUR_MS }, skip);
  const taking = child.call('take', 2);
  await child.call('publish', { id: 'a' });
  await child.call('publish', { id: 'b', readyAt: Date.now() + 50 });
  expect((await taking).map(({ id }) => id)).toEqual(['a', 'b']);
  expect(await child.call('told')).toHaveLength(1);
});
