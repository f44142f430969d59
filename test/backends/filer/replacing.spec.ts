import { expect, test } from 'vitest';
import type { OwnerWatch } from '../../../lib/backends/filer/owner.js';
import type { Backend, Delivery, Settlement } from '../../../lib/core/backend.js';
import { messageOf } from '../../../lib/conformance/stage/draft.js';
import { systemError, watchedDisk } from './support/watched-disk.js';
import { json, Yard } from './support/yard.js';

const CHANGES = new Set(['create', 'write', 'symlink', 'rename', 'link', 'unlink']);

function replacement({ content }: Delivery, payload: unknown): Settlement {
  return { kind: 'replaced', message: messageOf({ id: content.id, payload }, Date.now()) };
}

/** The payloads of all that waits, each completed. */
async function completeAll(yard: Yard, backend: Backend): Promise<unknown[]> {
  const all = await yard.takeAll(backend);
  for (const delivery of all) expect(await backend.settle(delivery, { kind: 'completed' })).toBe(true);
  return all.map(({ content }) => ('payload' in content ? content.payload : undefined));
}

function owner(self: string, dead: string | undefined): OwnerWatch {
  return { self, isDead: (other) => other === dead, isAlive: (other) => other === self };
}

for (const [which, draft] of Object.entries({ 'made here': { freshId: true }, 'given by the user': { id: 'named' } })) {
  test(`a process that ends at any moment leaves the job or what replaces it; the id was ${which}`, async () => {
    const seen: unknown[][] = [];
    for (let last = 0, failed = true; failed; last++) {
      const yard = await Yard.make();
      let left = Infinity;
      const disk = watchedDisk(({ operation }) => {
        if (CHANGES.has(operation) && left-- <= 0) throw systemError('EIO', 'it has ended');
      });
      const dying = await yard.open({ disk, owners: owner('h-1-1', undefined) });
      await yard.publish(dying, { ...draft, payload: 'job' });
      const delivery = await yard.takeOne(dying);
      left = last;
      failed = await dying.settle(delivery, replacement(delivery, 'next')).then(
        () => left < 0,
        () => true,
      );
      const after = await yard.open({ owners: owner('h-2-2', 'h-1-1') });
      const payloads = await completeAll(yard, after);
      expect(payloads).toHaveLength(1);
      seen.push(payloads);
      expect(await yard.publish(after, { id: delivery.content.id })).toEqual([{ duplicate: false }]);
    }
    expect(seen[0]).toEqual(['job']);
    expect(seen.at(-1)).toEqual(['next']);
  });
}

test('a full disk leaves the job as it was, and it can still be replaced', async () => {
  const yard = await Yard.make();
  let isFull = false;
  const disk = watchedDisk(({ operation, paths: [path = ''] }) => {
    if (isFull && operation === 'create' && path.includes('/tmp/')) throw systemError('ENOSPC');
  });
  const backend = await yard.open({ disk });
  await yard.publish(backend, { id: 'named', payload: 'job' });
  const delivery = await yard.takeOne(backend);
  isFull = true;
  await expect(backend.settle(delivery, replacement(delivery, 'next'))).rejects.toMatchObject({
    name: 'BackendError',
    passing: true,
    message: expect.stringMatching(/can't be used: its file system is full; make room \(ENOSPC\)/) as string,
  });
  expect(await backend.extend(delivery)).toBe(true);
  isFull = false;
  expect(await backend.settle(delivery, replacement(delivery, 'next'))).toBe(true);
  expect(await yard.list('tmp')).toEqual([]);
  expect(await yard.publish(backend, { id: 'named' })).toEqual([{ duplicate: true }]);
  expect(await completeAll(yard, backend)).toEqual(['next']);
  expect(await yard.publish(backend, { id: 'named' })).toEqual([{ duplicate: false }]);
});

test('the folder of waiting jobs may be gone: it is made again, and the next job waits there', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  await yard.publish(backend, { id: 'named', payload: 'job' });
  const delivery = await yard.takeOne(backend);
  await yard.shell('rm -r incoming');
  expect(await backend.settle(delivery, replacement(delivery, 'next'))).toBe(true);
  expect(await completeAll(yard, backend)).toEqual(['next']);
});

test('what another program put in is replaced under the id that it has', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  yard.put('file', json({}, { id: 'theirs' }));
  const delivery = await yard.takeOne(backend);
  expect(delivery.content.id).toBe('theirs');
  expect(await backend.settle(delivery, replacement(delivery, 'next'))).toBe(true);
  expect(await yard.publish(backend, { id: 'theirs' })).toEqual([{ duplicate: true }]);
  expect((await yard.list('incoming'))[0]).toMatch(/,theirs$/);
  expect(await completeAll(yard, backend)).toEqual(['next']);
});

test('the failures that were kept of the job before are removed with it', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  await yard.publish(backend, { id: 'named' });
  const failures = [{ at: '', worker: 'w', attempt: 1, durationMs: 1, error: { name: 'E', message: 'no' } }];
  const first = await yard.takeOne(backend);
  await backend.settle(first, { kind: 'again', at: 0, countsAttempt: true, failures });
  const second = await yard.takeOne(backend);
  expect(await yard.shell('ls -A delayed')).toMatch(/\.meta/);
  expect(await backend.settle(second, replacement(second, 'next'))).toBe(true);
  expect(await yard.shell('ls -A delayed')).toBe('');
});
