import assert from 'node:assert/strict';
import type { FailureRecord } from '../core/failure-record.js';
import { chapter, keepsHistory } from './scenario.js';
import { numbers } from './stage/draft.js';

/** What the core keeps of an attempt that failed. */
function failure(attempt: number): FailureRecord {
  return {
    at: '2026-11-21T09:00:00.000Z',
    worker: 'host:1/é',
    attempt,
    durationMs: 12,
    error: { name: 'MailboxBusy', message: `450 "busy"\r\n\0🙂 ${attempt}`, stack: 'MailboxBusy\n    at x' },
  };
}

export const attempts = chapter('attempts', (scenario) => {
  scenario('each delivery that failed counts', async ({ worker }) => {
    await worker.publish({});
    for (const attempt of [1, 2, 3, 4, 5]) {
      const delivery = await worker.takeOne();
      assert.equal(delivery.attempt, attempt);
      await worker.putBack(delivery);
    }
  });

  scenario('a delivery given back costs no attempt', async ({ worker, clock, delayMs }) => {
    await worker.publish({});
    for (const at of [0, clock.now(), clock.now() + delayMs, 0]) {
      const delivery = await worker.takeOne();
      assert.equal(delivery.attempt, 1);
      await worker.putBack(delivery, { at, countsAttempt: false });
    }
    assert.equal((await worker.takeOne()).attempt, 1);
  });

  scenario('failed and given back deliveries add up', async ({ worker }) => {
    await worker.publish({});
    let expected = 1;
    for (const countsAttempt of [true, false, true, true, false, false, true]) {
      const delivery = await worker.takeOne();
      assert.equal(delivery.attempt, expected);
      await worker.putBack(delivery, { countsAttempt });
      if (countsAttempt) expected += 1;
    }
    assert.equal((await worker.takeOne()).attempt, 5);
  });

  scenario('attempts used up elsewhere count', async ({ worker }) => {
    await worker.publish({ attemptsUsed: 3 });
    const first = await worker.takeOne();
    assert.equal(first.attempt, 4);
    await worker.putBack(first, { countsAttempt: false });
    const second = await worker.takeOne();
    assert.equal(second.attempt, 4);
    await worker.putBack(second);
    assert.equal((await worker.takeOne()).attempt, 5);
  });

  scenario('each job has attempts of its own', async ({ worker }) => {
    await worker.publish({ payload: 'a', priority: 1 }, { payload: 'b', priority: 2 });
    await worker.putBack(await worker.takeOne());
    await worker.putBack(await worker.takeOne());
    const [a, b] = await worker.take(2);
    assert.deepEqual([a?.attempt, b?.attempt], [3, 1]);
  });

  scenario('a new job of a free id starts afresh', async ({ worker }) => {
    await worker.publish({ id: 'reused' });
    await worker.putBack(await worker.takeOne(), { failures: [failure(1)] });
    await worker.complete(await worker.takeOne());
    await worker.publish({ id: 'reused' });
    const delivery = await worker.takeOne();
    assert.deepEqual([delivery.attempt, delivery.failures], [1, []]);
  });

  scenario('failures come back with their job', keepsHistory, async ({ worker }) => {
    await worker.publish({ payload: 'a' }, { payload: 'b' });
    const [a, b] = await worker.take(2);
    assert.ok(a && b);
    assert.deepEqual([a.failures, b.failures], [[], []]);
    const failures = numbers(10).map((index) => failure(index + 1));
    await worker.putBack(a, { failures: failures.slice(0, 1) });
    const second = await worker.takeOne();
    assert.deepEqual(second.failures, failures.slice(0, 1));
    await worker.putBack(second, { failures });
    const third = await worker.takeOne();
    assert.deepEqual(third.failures, failures);
    await worker.putBack(third, { countsAttempt: false, failures });
    assert.deepEqual((await worker.takeOne()).failures, failures);
    await worker.putBack(b);
    assert.deepEqual((await worker.takeOne()).failures, []);
  });

  scenario(
    'a backend without history gives no failures',
    { exempt: ({ traits }) => (traits.history ? 'traits.history is true' : undefined) },
    async ({ worker }) => {
      await worker.publish({});
      await worker.putBack(await worker.takeOne(), { failures: [failure(1)] });
      assert.deepEqual((await worker.takeOne()).failures, []);
    },
  );
});
