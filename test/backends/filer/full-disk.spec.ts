import { mkdirSync, readdirSync, renameSync, rmSync, statfsSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { publisherOn, Shift } from './support/shift.js';
import { mayMount, mountSmall, temporaryFolder } from './support/temporary.js';
import { until } from './support/until.js';
import { json, Yard } from './support/yard.js';

/** A queue on a file system of its own. */
async function yardOn(options: string): Promise<Yard> {
  const folder = join(await temporaryFolder(), 'small');
  mkdirSync(folder);
  mountSmall(folder, options);
  return new Yard(folder);
}

/** Leaves no room for another byte, until what it returns is called. */
function fill(yard: Yard): () => void {
  const path = join(yard.directory, 'filler');
  const { bavail, bsize } = statfsSync(yard.directory);
  writeFileSync(path, Buffer.alloc(bavail * bsize));
  return () => unlinkSync(path);
}

/** Leaves no room for another file, until what it returns is called. */
function fillWithFiles(yard: Yard): () => void {
  const path = join(yard.directory, 'filler');
  mkdirSync(path);
  try {
    for (let n = 0; ; n++) writeFileSync(join(path, `${n}`), '');
  } catch {
    return () => rmSync(path, { recursive: true });
  }
}

const KINDS = [
  ['bytes', 'size=256k', fill],
  ['files', 'nr_inodes=60', fillWithFiles],
] as const;

describe.skipIf(!mayMount).each(KINDS)('a file system without room for more %s', (_, options, use) => {
  test.each([true, false])('refuses publishes clearly, and nothing of them is stored; durable: %s', async (durable) => {
    const yard = await yardOn(options);
    const backend = await yard.open({ durable });
    await yard.publish(backend, { id: 'before' });
    const makeRoom = use(yard);
    for (const drafts of [[{ id: 'a' }], [{ freshId: true }], [{ id: 'a' }, {}, {}]]) {
      await expect(yard.publish(backend, ...drafts)).rejects.toMatchObject({
        message: expect.stringMatching(/can't be used: its file system is full; make room \(ENOSPC\)/) as string,
        passing: true,
        stored: 0,
        maybeStored: false,
      });
    }
    await expect(publisherOn(backend).publish('job', 1)).rejects.toMatchObject({ maybeStored: false, stored: 0 });
    expect(await yard.shell('ls -A tmp; ls incoming | wc -l')).toMatch(/^\s*1\n$/);
    makeRoom();
    expect(await yard.publish(backend, { id: 'a' })).toEqual([{ duplicate: false }]);
    expect((await yard.take(backend, 2, 1)).map(({ content }) => content.id)).toEqual(['before', 'a']);
  });

  test('lets what waits be handled, and keeps what fails until there is room for its meta', async () => {
    const yard = await yardOn(options);
    const backend = await yard.open({ leaseMs: 400, sweepMs: 20 });
    await yard.publish(backend, { id: 'bad', name: 'bad' }, { id: 'good', readyAt: Date.now() + 300 });
    const foreign = ['short', 'n'.repeat(200)];
    for (const name of foreign) writeFileSync(yard.path('tmp', name), json());
    const makeRoom = use(yard);
    const shift = new Shift(backend, { job: () => undefined, bad: () => Promise.reject(new Error('bad')) });
    await until('the worker of the bad one waits', () => shift.said.length > 0);
    expect(await yard.list('errors')).toEqual([]);
    for (const name of foreign) renameSync(yard.path('tmp', name), yard.path('incoming', name));
    await until('two are handled', () => ['good', 'short'].every((id) => shift.calls.some((job) => job.id === id)));
    makeRoom();
    await shift.hears('failed');
    await shift.hears('completed', 3);
    expect(await yard.list('errors')).toEqual(['bad', 'bad.meta']);
    expect(await yard.meta('errors', 'bad')).toMatchObject({ id: 'bad', state: 'failed' });
    await until('the return is told', () => shift.said.at(-1)?.startsWith('filer is back'));
    expect(readdirSync(yard.path('tmp'))).toEqual([]);
    expect(await yard.publish(backend, { id: 'good' })).toEqual([{ duplicate: false }]);
  });
});
