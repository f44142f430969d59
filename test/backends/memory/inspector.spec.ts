import { expect, test } from 'vitest';
import { memory, VirtualClock } from '../../../lib/backends/memory/index.js';
import type { Backend, Delivery } from '../../../lib/core/backend.js';
import { InspectedQueue } from '../../../lib/conformance/stage/inspected-queue.js';
import { messageOf } from '../../../lib/conformance/stage/draft.js';
import { Time } from '../../../lib/conformance/stage/time.js';

const LEASE_MS = 1_000;

async function opened(): Promise<{ clock: VirtualClock; backend: Backend; jobs: InspectedQueue }> {
  const clock = new VirtualClock();
  const backend = await memory({ clock, lease: LEASE_MS }).open({ worker: 'host:1', warn: () => undefined });
  if (!backend.inspector) throw new Error('expected an inspector');
  const time = new Time(clock, (ms) => clock.advance(ms), 1_000, 10);
  return { clock, backend, jobs: new InspectedQueue(backend.inspector, 'q', time) };
}

async function take(backend: Backend, clock: VirtualClock, count: number): Promise<readonly Delivery[]> {
  await backend.publish(
    'q',
    Array.from({ length: count }, (_, n) => messageOf({ id: `job-${n}` }, clock.now())),
  );
  return backend.reserve('q', count, AbortSignal.abort());
}

test('a job whose lease has lapsed waits', async () => {
  const { clock, backend, jobs } = await opened();
  await take(backend, clock, 1);
  const active = await jobs.single('active');
  expect([active.worker, active.leaseEndsAt]).toEqual(['host:1', clock.now() + LEASE_MS]);
  await clock.advance(LEASE_MS);
  expect(await jobs.counts()).toMatchObject({ waiting: 1, active: 0 });
  expect((await jobs.single('waiting')).attempts).toBe(1);
  await jobs.changes({ kind: 'remove' }, await jobs.single('waiting'));
  expect(await jobs.counts()).toMatchObject({ waiting: 0, active: 0 });
});

test('of completed and expired jobs the last thousand of each are remembered', async () => {
  const { clock, backend, jobs } = await opened();
  const deliveries = await take(backend, clock, 2_400);
  for (const [index, delivery] of deliveries.entries()) {
    const ended = index % 2 === 0 ? 'completed' : 'expired';
    await backend.settle(
      delivery,
      ended === 'completed' ? { kind: ended } : { kind: ended, reason: 'late', failures: [] },
    );
  }
  expect(await jobs.counts()).toMatchObject({ active: 0, completed: 1_000, expired: 1_000 });
  const ids = await jobs.ids('completed');
  expect([ids.length, ids[0], ids.at(-1)]).toEqual([1_000, 'job-2398', 'job-400']);
});

test('what ended with large payloads is forgotten before it fills the memory', async () => {
  const { clock, backend, jobs } = await opened();
  for (let n = 0; n < 12; n++) {
    await backend.publish('q', [messageOf({ payload: 'x'.repeat(1_000_000) }, clock.now())]);
    const [delivery] = await backend.reserve('q', 1, AbortSignal.abort());
    await backend.settle(delivery, { kind: 'completed' });
  }
  expect((await jobs.counts()).completed).toBe(9);
});
