import { linkSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { messageOf } from '../../../lib/conformance/stage/draft.js';
import { newId } from '../../../lib/core/id.js';
import { Child } from './support/child.js';
import { until } from './support/until.js';
import { AN_HOUR_MS, json, Yard } from './support/yard.js';

test('a job from another process is seen without the sweep', async () => {
  const yard = await Yard.make();
  const backend = await yard.open({ sweepMs: AN_HOUR_MS });
  const child = await Child.start({ directory: yard.directory, sweepMs: AN_HOUR_MS });
  for (const id of ['a', 'b', 'c']) {
    const taking = yard.takeOne(backend);
    await child.call('publish', { id });
    expect((await taking).content.id).toBe(id);
  }
  const later = yard.takeOne(backend);
  await child.call('publish', { id: 'd', readyAt: Date.now() + 50 });
  expect((await later).content.id).toBe('d');
});

test('a job that another process puts back is seen without the sweep', async () => {
  const yard = await Yard.make();
  const backend = await yard.open({ sweepMs: AN_HOUR_MS });
  await yard.publish(backend, { id: 'warm' });
  await backend.settle(await yard.takeOne(backend), { kind: 'completed' });
  const child = await Child.start({ directory: yard.directory, sweepMs: AN_HOUR_MS });
  for (let round = 0; round < 3; round++) {
    await yard.publish(backend, { id: 'a' });
    expect(await child.call('take', 1)).toEqual([{ id: 'a', attempt: 1 }]);
    const taking = yard.takeOne(backend);
    const back = { kind: 'again', at: 0, countsAttempt: false, failures: [] } as const;
    expect(await child.call('settle', 'a', back)).toBe(true);
    const again = await taking;
    expect(again).toMatchObject({ attempt: 1, content: { id: 'a' } });
    await backend.settle(again, { kind: 'completed' });
  }
});

test('an urgent job of another process is served first though 5,000 wait', async () => {
  const yard = await Yard.make();
  const backend = await yard.open({ sweepMs: AN_HOUR_MS });
  const child = await Child.start({ directory: yard.directory, sweepMs: AN_HOUR_MS });
  await child.call('publishMany', 5_000, { priority: 1024 });
  await yard.takeOne(backend);
  await child.call('publish', { id: 'urgent', priority: 1 });
  const next = await until('the urgent job comes', async () => {
    const delivery = await yard.takeOne(backend);
    return delivery.content.id === 'urgent' && delivery;
  });
  expect(next.attempt).toBe(1);
  expect((await yard.list('incoming')).length).toBeGreaterThan(4_000);
});

test('a burst of files of others leaves the event loop its turns', async () => {
  const yard = await Yard.make();
  const backend = await yard.open({ sweepMs: AN_HOUR_MS });
  yard.put('first', json());
  await yard.takeOne(backend);
  const content = json({}, { body: 'x'.repeat(50_000) });
  const taking = yard.take(backend, 1_000);
  for (let n = 0; n < 1_000; n++) yard.put(`burst-${n}`, content);
  let turns = 0;
  let isOver = false;
  void taking.then(() => (isOver = true));
  while (!isOver) {
    await new Promise((resolve) => void setImmediate(resolve));
    turns += 1;
  }
  expect(turns).toBeGreaterThan(5);
});

const longest = ((): number => {
  try {
    return Number(readFileSync('/proc/sys/fs/inotify/max_queued_events', 'latin1'));
  } catch {
    return Infinity;
  }
})();

test.skipIf(longest > 40_000)('an overflow of the system’s queue of notices loses nothing', async () => {
  const yard = await Yard.make();
  const backend = await yard.open({ sweepMs: AN_HOUR_MS });
  // Three queues share the kernel's queue of notices, and no single one fills half of it.
  const queues = ['jobs', 'others', 'more'];
  const take = async (queue: string): Promise<string[]> => {
    const taken = await backend.reserve(queue, 1_000, AbortSignal.timeout(15_000));
    return taken.map(({ content }) => content.id);
  };
  for (const queue of queues) {
    await backend.publish(queue, [messageOf({ id: 'warm' }, Date.now())]);
    expect(await take(queue)).toEqual(['warm']);
  }
  const waiting = queues.map(take);
  writeFileSync(yard.path('tmp', 'source'), json());
  const each = Math.ceil(longest / 3) + 500;
  // While these come, the event loop has no turn; the last are beyond what the kernel queues.
  for (let n = 0; n < each; n++) {
    for (const queue of queues) {
      const name = `0000001024,${newId().replaceAll('-', '')},0,${n}`;
      linkSync(yard.path('tmp', 'source'), join(yard.directory, queue, 'incoming', name));
    }
  }
  for (const [index, queue] of queues.entries()) {
    const ids = new Set(await waiting[index]);
    while (ids.size < each) for (const id of await take(queue)) ids.add(id);
  }
});
