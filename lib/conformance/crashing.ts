import assert from 'node:assert/strict';
import type { FailureRecord } from '../core/failure-record.js';
import { chapter, lapsing } from './scenario.js';
import { attemptsOf, contentOf, numbers, payloadsOf, sorted } from './stage/draft.js';

// A worker that dies is played by one that is never heard of again: it neither settles nor renews, nor closes.
export const crashing = chapter('crashing', (scenario) => {
  scenario('all that a dead worker held comes again, each job once', lapsing, async (stage) => {
    const { worker } = stage;
    const dead = await stage.another();
    await worker.publish(...numbers(12).map((payload) => ({ payload })));
    const [held] = await dead.take(8);
    const rest = await worker.take(4);
    stage.assumeLeased(held);
    assert.deepEqual([...new Set(attemptsOf(rest))], [1]);
    await worker.complete(...rest);
    const taken = await worker.take(8);
    const more = await worker.rest();
    for (const delivery of taken) stage.assumeLeased(delivery);
    assert.deepEqual(sorted(payloadsOf(taken)), numbers(8));
    assert.deepEqual(payloadsOf(more), [], 'each comes once');
  });

  scenario('each death costs the job an attempt', lapsing, async (stage) => {
    await stage.worker.publish({ attemptsUsed: 1 });
    for (const attempt of [2, 3, 4]) {
      const dying = await stage.another();
      assert.equal((await dying.takeOne()).attempt, attempt);
    }
  });

  scenario('a job rescued from a dead worker is whole', lapsing, async (stage) => {
    const { worker, clock, traits } = stage;
    const dead = await stage.another();
    const failures: FailureRecord[] = [
      { at: '2026-11-21T09:00:00.000Z', worker: 'w', attempt: 1, durationMs: 1, error: { name: 'E', message: 'm' } },
    ];
    const draft = { id: 'kept', name: 'rescue', priority: 9, maxAttempts: 5, expiresAt: clock.now() + 3_600_000 };
    await worker.publish({ ...draft, payload: { text: 'é\0' }, headers: { a: 'b' } });
    const first = await dead.takeOne();
    await dead.putBack(first, { failures });
    await dead.takeOne();
    const rescued = await worker.takeOne();
    assert.equal(rescued.attempt, 3);
    assert.deepEqual({ ...contentOf(rescued), readyAt: undefined }, { ...contentOf(first), readyAt: undefined });
    assert.deepEqual(rescued.failures, traits.history ? failures : []);
    await worker.complete(rescued);
  });

  scenario('handing back at shutdown costs nothing, dying after it does', lapsing, async (stage) => {
    const { worker } = stage;
    const dead = await stage.another();
    await worker.publish({});
    await dead.putBack(await dead.takeOne(), { countsAttempt: false });
    assert.equal((await dead.takeOne()).attempt, 1);
    assert.equal((await worker.takeOne()).attempt, 2);
  });

  scenario('a worker that dies while it waits takes no job with it', lapsing, async (stage) => {
    const { worker, time } = stage;
    const dead = await stage.another();
    const forgotten = dead.backend.reserve(dead.queue, 5, new AbortController().signal);
    forgotten.catch(() => undefined);
    await time.pass(dead.quietMs);
    await worker.publish(...numbers(5).map((payload) => ({ payload })));
    for (let left = 5; left > 0; left--) {
      const delivery = await worker.takeOne();
      assert.ok(delivery.attempt <= 2);
      await worker.complete(delivery);
    }
    await worker.takesNothing('all five came');
  });

  scenario('what a worker published and put off before it died still comes', async (stage) => {
    const { worker, clock, delayMs } = stage;
    const dead = await stage.another();
    await dead.publish({ payload: 'waiting' }, { payload: 'put off', priority: 0 });
    await dead.putBack(await dead.takeOne(), { at: clock.now() + delayMs });
    await dead.publish({ payload: 'delayed', readyAt: clock.now() + delayMs });
    assert.deepEqual(sorted(payloadsOf(await worker.take(3))), ['delayed', 'put off', 'waiting']);
  });

  scenario('what a worker settled before it died stays settled', lapsing, async (stage) => {
    const { worker } = stage;
    const dead = await stage.another();
    await worker.publish(...numbers(3).map((payload) => ({ payload })));
    const [completed, failed, expired] = await dead.take(3);
    assert.ok(completed && failed && expired);
    await dead.complete(completed);
    await dead.fail(failed);
    await dead.expire(expired);
    await stage.passLease(1.5);
    await worker.takesNothing('all three are settled');
  });
});
