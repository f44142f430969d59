import { Queue } from 'bullmq';
import { expect, test } from 'vitest';
import type { InspectedJob, StoredState } from '../../../../lib/core/inspector.js';
import { isUnreadable } from '../../../../lib/core/message.js';
import { COMPLETED, message, readable, takeOne } from '../support.js';
import { failure, listAll, onInspector } from './support.js';

const on = onInspector();

const HOUR_MS = 3_600_000;

const now = Date.now();

/** One of each state; times of the past, but for the delay. */
const STATES: readonly StoredState[] = [
  {
    ...{
      state: 'waiting',
      attempts: 3,
      storedAt: now - 9_000,
      readyAt: now - 5_000,
      failures: [failure(2), failure(3)],
    },
    content: message({
      id: 'w-1',
      payload: { n: 1.5, text: '\uD83D\uDE00 \uD800' },
      headers: { a: 'b' },
      maxAttempts: 9,
    }),
  },
  {
    ...{ state: 'delayed', attempts: 1, storedAt: now - 8_000, readyAt: now + HOUR_MS, failures: [failure(1)] },
    content: message({ id: 'd-1', priority: 5, readyAt: now - 7_000, expiresAt: now + 9 * HOUR_MS }),
  },
  {
    ...{ state: 'completed', attempts: 1, storedAt: now - 7_000, endedAt: now - 6_000, failures: [] },
    content: message({ id: 'c-1' }),
  },
  {
    ...{ state: 'failed', attempts: 20, storedAt: now - 6_000, endedAt: now - 5_000, failures: [failure(20)] },
    ...{ content: message({ id: 'f-1', readyAt: now - 5_500 }), reason: 'attempts spent' },
  },
  {
    ...{ state: 'expired', attempts: 0, storedAt: now - 5_000, endedAt: now - 4_000, failures: [] },
    ...{ content: message({ id: 'e-1' }), reason: 'too late' },
  },
];

/** What is to be stored of a job to have the same elsewhere. */
function stateOf({ content, state, attempts, storedAt, readyAt, endedAt, reason, failures }: InspectedJob): unknown {
  return { content, state, attempts, storedAt, readyAt, endedAt, reason, failures };
}

async function all(): Promise<InspectedJob[]> {
  const states = ['waiting', 'delayed', 'completed', 'failed', 'expired'] as const;
  return (await Promise.all(states.map((state) => listAll(on.inspector, on.bench.queue, state)))).flat();
}

test('jobs stand as they stood elsewhere, and are there when they are stored again', async () => {
  const { queue } = on.bench;
  expect(await on.inspector.store(queue, STATES)).toEqual(STATES.map(() => 'stored'));
  const stored = await all();
  expect(stored.map(stateOf)).toEqual(
    STATES.map(({ content, ...rest }) => {
      if (isUnreadable(content)) throw new Error('expected a message');
      const { body, ...envelope } = content;
      return {
        reason: undefined,
        readyAt: undefined,
        endedAt: undefined,
        ...rest,
        content: { ...envelope, payload: JSON.parse(body) as unknown },
      };
    }),
  );
  const others = STATES.map((state) => ({ ...state, state: 'waiting' as const, attempts: 7 }));
  expect(await on.inspector.store(queue, others)).toEqual(STATES.map(() => 'there'));
  expect(await all()).toEqual(stored);
});

test('what was stored goes on where it was: attempts, failures, times and the place of its id', async () => {
  const { queue } = on.bench;
  await on.inspector.store(queue, STATES);
  const waiting = await takeOne(on.backend, queue);
  expect(waiting).toMatchObject({ attempt: 4, failures: [failure(2), failure(3)] });
  expect(readable(waiting)).toMatchObject({ id: 'w-1', maxAttempts: 9 });
  await on.backend.settle(waiting, COMPLETED);
  const [delayed] = await on.inspector.get(queue, 'd-1');
  await on.inspector.change(queue, delayed ? [delayed] : [], { kind: 'reschedule', at: 0 });
  expect(await takeOne(on.backend, queue)).toMatchObject({ attempt: 2 });
  const [dead] = await on.inspector.get(queue, 'f-1');
  await on.inspector.change(queue, dead ? [dead] : [], { kind: 'retry' });
  expect(await takeOne(on.backend, queue)).toMatchObject({ attempt: 1, failures: [failure(20)] });
  const receipts = await on.backend.publish(
    queue,
    ['f-1', 'd-1', 'c-1', 'e-1'].map((id) => message({ id })),
  );
  expect(receipts.map(({ duplicate }) => duplicate)).toEqual([true, true, false, false]);
});

test('what is active here is there, too', async () => {
  const { queue } = on.bench;
  await on.backend.publish(queue, [message({ id: 'w-1' })]);
  const delivery = await takeOne(on.backend, queue);
  expect(await on.inspector.store(queue, STATES.slice(0, 1))).toEqual(['there']);
  expect(await on.backend.settle(delivery, COMPLETED)).toBe(true);
});

test('what could not be read is stored as it came, and fails again as it did', async () => {
  const { queue } = on.bench;
  const bytes = Buffer.from([0xff, 0x7b, 0x00]);
  const json = Buffer.from('{"header":{"request_type":"job","version":2}}');
  const states = [
    { kind: 'foreign' as const, id: 'foreign-1', bytes },
    { kind: 'damaged' as const, id: 'damaged-1', bytes: json },
  ].map((content) => ({
    ...{
      state: 'failed' as const,
      content: { ...content, unreadable: 'why' },
      attempts: 1,
      reason: 'why',
      failures: [],
    },
  }));
  expect(await on.inspector.store(queue, states)).toEqual(['stored', 'stored']);
  for (const { content } of states) {
    const [job] = await on.inspector.get(queue, content.id);
    expect(job).toMatchObject({ state: 'failed', reason: 'why', content: { kind: content.kind, id: content.id } });
    expect(job && isUnreadable(job.content) && Buffer.from(job.content.bytes)).toEqual(content.bytes);
    expect(await on.inspector.change(queue, job ? [job] : [], { kind: 'retry' })).toEqual(['done']);
    const delivery = await takeOne(on.backend, queue);
    expect(delivery.content).toMatchObject({ kind: content.kind, id: content.id });
  }
  const waiting = states.map((state) => ({ ...state, state: 'waiting' as const }));
  expect(await on.inspector.store('other', waiting)).toEqual(['stored', 'stored']);
  for (const { content } of states) {
    const delivery = await takeOne(on.backend, 'other');
    expect(delivery).toMatchObject({ attempt: 2, content: { kind: content.kind, id: content.id } });
    expect(isUnreadable(delivery.content) && Buffer.from(delivery.content.bytes)).toEqual(content.bytes);
  }
});

test('BullMQ reads what was stored', async () => {
  const { queue } = on.bench;
  await on.inspector.store(queue, STATES);
  const theirs = new Queue(queue, { connection: { url: on.server.url }, prefix: on.bench.prefix });
  const job = await theirs.getJob('f-1');
  expect(await job?.getState()).toBe('failed');
  expect(job).toMatchObject({ name: 'job', attemptsMade: 20, failedReason: 'attempts spent', finishedOn: now - 5_000 });
  expect(job?.stacktrace).toEqual(['TypeError: boom\n    at here']);
  expect(await theirs.getJobCounts()).toMatchObject({ prioritized: 1, delayed: 1, completed: 1, failed: 1 });
  await theirs.close();
});
