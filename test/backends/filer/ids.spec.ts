import { linkSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ProcessOwners } from '../../../lib/backends/filer/owner.js';
import type { Backend, Delivery } from '../../../lib/core/backend.js';
import { newId } from '../../../lib/core/id.js';
import { publisherOn } from './support/shift.js';
import { watchedDisk, systemError } from './support/watched-disk.js';
import { json, Yard } from './support/yard.js';

type Bring = (yard: Yard, backend: Backend, id: string) => Promise<void>;

const publish: Bring = async (yard, backend, id) => void (await yard.publish(backend, { id }));
const publishFresh: Bring = async (yard, backend, id) => void (await yard.publish(backend, { id, freshId: true }));
const move: Bring = (yard, _, id) => Promise.resolve(yard.put(id, json()));

const STATES: Readonly<Record<string, (yard: Yard, backend: Backend) => Promise<Delivery | undefined>>> = {
  waiting: () => Promise.resolve(undefined),
  active: (yard, backend) => yard.takeOne(backend),
  delayed: async (yard, backend) => {
    const delivery = await yard.takeOne(backend);
    const at = Date.now() + 3_600_000;
    await backend.settle(delivery, { kind: 'again', at, countsAttempt: true, failures: [] });
    return undefined;
  },
  'waiting again': async (yard, backend) => {
    const delivery = await yard.takeOne(backend);
    await backend.settle(delivery, { kind: 'again', at: 0, countsAttempt: true, failures: [] });
    return undefined;
  },
  failed: async (yard, backend) => {
    await yard.fail(backend, await yard.takeOne(backend));
    return undefined;
  },
};

test.each(
  Object.keys(STATES).flatMap((state) => [
    ['published with it', state, publish, 'x'] as const,
    ['published with an id made here', state, publishFresh, newId()] as const,
    ['moved in as a file of this name', state, move, 'x'] as const,
  ]),
)('an id is taken by a job %s that is %s', async (_, state, bring, id) => {
  const yard = await Yard.make();
  const [backend, other] = [await yard.open(), await yard.open()];
  await bring(yard, backend, id);
  await STATES[state]?.(yard, backend);
  expect(await yard.publish(other, { id })).toEqual([{ duplicate: true }]);
  expect(await yard.publish(backend, { id })).toEqual([{ duplicate: true }]);
});

test.each([
  ['published with it', publish],
  ['moved in as a file of this name', move],
])('an id is free again after the job %s has ended', async (_, bring) => {
  for (const kind of ['completed', 'expired'] as const) {
    const yard = await Yard.make();
    const backend = await yard.open();
    await bring(yard, backend, 'x');
    const settlement = kind === 'completed' ? { kind } : { kind, reason: 'late', failures: [] };
    expect(await backend.settle(await yard.takeOne(backend), settlement)).toBe(true);
    expect(await yard.publish(backend, { id: 'x' })).toEqual([{ duplicate: false }]);
    expect(await yard.publish(backend, { id: 'x' })).toEqual([{ duplicate: true }]);
  }
});

test('an id is free again once a shell has removed its failed job', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  await yard.publish(backend, { id: 'x' });
  await yard.fail(backend, await yard.takeOne(backend));
  await yard.shell('rm errors/x errors/x.meta');
  expect(await yard.publish(backend, { id: 'x' })).toEqual([{ duplicate: false }]);
});

test('of many publishers at once of one id, one stores', async () => {
  const yard = await Yard.make();
  const backends = await Promise.all(Array.from({ length: 8 }, () => yard.open()));
  const ids = Array.from({ length: 20 }, (_, n) => `id-${n}`);
  const receipts = await Promise.all(
    ids.flatMap((id) => backends.map(async (backend) => (await yard.publish(backend, { id }))[0])),
  );
  expect(receipts.filter((receipt) => receipt?.duplicate === false)).toHaveLength(ids.length);
  expect(await yard.list('incoming')).toHaveLength(ids.length);
  expect(await yard.shell('ls -A tmp')).toBe('');
});

/** What a publisher leaves that dies between registering an id and moving its draft in. */
function halfRegister(yard: Yard, id: string, owner: string): void {
  const draft = yard.path('tmp', `job-${owner}-1`);
  writeFileSync(draft, json({}, { id }));
  linkSync(draft, yard.path('.ids', id));
}

test('an id that a dead publisher left half registered is free', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  const dead = new ProcessOwners().self.replace(/-[0-9a-z]+-[0-9a-z]+$/, '-1zzzzz-1');
  halfRegister(yard, 'x', dead);
  expect(await yard.publish(backend, { id: 'x', payload: 'new' })).toEqual([{ duplicate: false }]);
  expect((await yard.takeAll(backend)).map(({ content }) => content)).toMatchObject([{ id: 'x', payload: 'new' }]);
});

test('a publisher waits for another that is storing a job of its id, and stores its own where that one fails', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  halfRegister(yard, 'x', new ProcessOwners().self);
  const publishing = yard.publish(backend, { id: 'x' });
  expect(await Promise.race([publishing, yard.shell('sleep 0.1; echo waiting')])).toBe('waiting\n');
  await yard.shell('rm tmp/job-*-1');
  expect(await publishing).toEqual([{ duplicate: false }]);
});

test('an id is free where its job could not be moved in', async () => {
  const yard = await Yard.make();
  let isBroken = true;
  const disk = watchedDisk(({ operation, paths: [, to = ''] }) => {
    if (isBroken && operation === 'rename' && to.includes('/incoming/')) throw systemError('ENOSPC');
  });
  const backend = await yard.open({ disk });
  await expect(yard.publish(backend, { id: 'x' })).rejects.toMatchObject({ maybeStored: false, stored: 0 });
  isBroken = false;
  expect(await yard.publish(backend, { id: 'x' })).toEqual([{ duplicate: false }]);
  expect(await yard.shell('ls -A tmp')).toBe('');
});

test('an expired job does not free the id of a later one', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  await yard.publish(backend, { id: 'x' });
  const first = await yard.takeOne(backend);
  await yard.shell('rm .ids/x');
  await yard.publish(backend, { id: 'x' });
  expect(await backend.settle(first, { kind: 'expired', reason: 'late', failures: [] })).toBe(true);
  expect(await yard.publish(backend, { id: 'x' })).toEqual([{ duplicate: true }]);
});

test.each(['x.meta', 'x~2', '-x', '.x', '..', '.', 'a/b', '../../x', 'a\nb', 'é', 'n'.repeat(101), ''])(
  'the core refuses a bad id: %j',
  async (id) => {
    const yard = await Yard.make();
    const publisher = publisherOn(await yard.open());
    if (id === 'x.meta') return expect(await publisher.publish('job', 1, { id })).toMatchObject({ id });
    await expect(publisher.publish('job', 1, { id })).rejects.toThrow(/job id: expected 1 to 100 of/);
    return expect(await yard.list('incoming')).toEqual([]);
  },
);

test.each(['x.meta', 'n'.repeat(1000), '🙂'.repeat(250), '../../../x', '/etc/x', '.', '..', '.x', '-x', 'a/b\n%,~\0'])(
  'the backend takes any id of up to 1,000 bytes: %j',
  async (id) => {
    const yard = await Yard.make();
    const backend = await yard.open({ leaseMs: 100, sweepMs: 20 });
    expect(await yard.publish(backend, { id, payload: 7 })).toEqual([{ duplicate: false }]);
    expect(await yard.publish(backend, { id })).toEqual([{ duplicate: true }]);
    await yard.takeOne(backend);
    const delivery = await yard.takeOne(backend);
    expect(delivery).toMatchObject({ attempt: 2, content: { id, payload: 7 } });
    expect(await yard.fail(backend, delivery)).toBe(true);
    const [name = ''] = await yard.list('errors');
    expect(name).toMatch(/^[\w%.~-]{1,150}$/);
    expect(await yard.meta('errors', name)).toMatchObject({ id });
    expect(await yard.publish(backend, { id })).toEqual([{ duplicate: true }]);
    expect(await yard.shell('find ../.. -type f | grep -vE "/var/jobs/(errors|\\.ids)/" || true')).toBe('');
  },
);

test('equals keep the order of their publishing, whether an id was given or made', async () => {
  const yard = await Yard.make();
  const backend = await yard.open();
  const publisher = publisherOn(backend);
  const options = (n: number): object => ({ queue: 'jobs', ...(n % 3 === 1 ? { id: `given-${n}` } : {}) });
  await publisher.publishMany(
    Array.from({ length: 100 }, (_, n) => ({ name: 'job', payload: n, options: options(n) })),
  );
  await Promise.all(Array.from({ length: 100 }, (_, n) => publisher.publish('job', 100 + n, options(100 + n))));
  const payloads = (await yard.take(backend, 200)).map(({ content }) => 'payload' in content && content.payload);
  expect(payloads).toEqual(Array.from({ length: 200 }, (_, n) => n));
});
