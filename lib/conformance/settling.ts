import assert from 'node:assert/strict';
import type { Settlement } from '../core/backend.js';
import { chapter, lapsing } from './scenario.js';
import { attemptsOf, contentOf, numbers, payloadsOf, sorted } from './stage/draft.js';
import { again } from './stage/worker.js';

/** Receipts that no backend gives. */
const FORGED = ['', 'forged', '0', '-1', '../../etc/passwd', 'a\0b', '\r\n', '*', '__proto__', 'x'.repeat(10_000)];

const FAILED: Settlement = { kind: 'failed', reason: 'no good', failures: [] };
const EXPIRED: Settlement = { kind: 'expired', reason: 'too late', failures: [] };
const PUT_BACK: Settlement = { kind: 'again', at: 0, countsAttempt: true, failures: [] };
const COMPLETED: Settlement = { kind: 'completed' };
const ALL: readonly Settlement[] = [COMPLETED, FAILED, EXPIRED, PUT_BACK];

export const settling = chapter('settling', (scenario) => {
  scenario('a completed job is gone', lapsing, async (stage) => {
    const { worker } = stage;
    await worker.publish({});
    await worker.complete(await worker.takeOne());
    await worker.takesNothing('the job was completed');
    await stage.passLease(1.5);
    await worker.takesNothing('the job was completed');
  });

  scenario('a failed job is never handed out again', lapsing, async (stage) => {
    const { worker } = stage;
    await worker.publish({});
    await worker.fail(await worker.takeOne());
    await worker.takesNothing('the job failed');
    await stage.passLease(1.5);
    await worker.takesNothing('the job failed');
  });

  scenario('an expired job is gone', lapsing, async (stage) => {
    const { worker } = stage;
    await worker.publish({});
    await worker.expire(await worker.takeOne());
    await worker.takesNothing('the job expired');
    await stage.passLease(1.5);
    await worker.takesNothing('the job expired');
  });

  scenario('a job put back without a delay is handed out again at once', async ({ worker, time }) => {
    await worker.publish({ payload: 'again' });
    await worker.putBack(await worker.takeOne(), { at: 0 });
    const taken = await time.promptly('the job to be handed out again', worker.take(1));
    assert.deepEqual(payloadsOf(taken), ['again']);
  });

  scenario('a job put back for later is handed out again, and not before its time', async (stage) => {
    const { worker, clock, delayMs } = stage;
    await worker.publish({ payload: 'again' });
    const at = clock.now() + delayMs;
    await worker.putBack(await worker.takeOne(), { at });
    const second = await worker.takeOne();
    assert.equal(contentOf(second).payload, 'again');
    assert.ok(worker.takenAtOf(second) >= at, `handed out ${at - worker.takenAtOf(second)} ms before its time`);
    assert.equal(second.attempt, 2);
  });

  scenario('a job put back is handed out to a reserve that waits', async ({ worker, time, clock, delayMs }) => {
    await worker.publish({ payload: 'soon' }, { payload: 'now' });
    const [soon, now] = await worker.take(2);
    assert.ok(soon && now);
    const taking = worker.take(2, 1);
    await time.pass(worker.quietMs);
    await worker.putBack(soon, { at: clock.now() + delayMs });
    await worker.putBack(now);
    assert.deepEqual(payloadsOf(await taking), ['now', 'soon']);
  });

  scenario('a job put back for a far time stays away, and holds up no other', async ({ worker, clock }) => {
    await worker.publish({ payload: 'far', priority: 0 });
    await worker.putBack(await worker.takeOne(), { at: clock.now() + 50 * 24 * 3_600_000 });
    await worker.publish({ payload: 'other' });
    assert.deepEqual(payloadsOf(await worker.take(1)), ['other']);
    await worker.takesNothing('the job was put back for a far time');
  });

  for (const kind of ['completed', 'failed', 'expired'] as const) {
    scenario(`what is ${kind} can’t be settled again`, async ({ worker }) => {
      await worker.publish({});
      const delivery = await worker.takeOne();
      if (kind === 'completed') await worker.complete(delivery);
      else if (kind === 'failed') await worker.fail(delivery);
      else await worker.expire(delivery);
      for (const settlement of ALL) {
        assert.equal(await worker.settle(delivery, settlement), false, `${settlement.kind} after ${kind}`);
      }
      await worker.takesNothing(`the job is ${kind}`);
    });
  }

  scenario('what was put back can’t be settled by the old delivery', async ({ worker, clock }) => {
    await worker.publish({ payload: 'again' });
    const first = await worker.takeOne();
    await worker.putBack(first);
    for (const settlement of [COMPLETED, FAILED, EXPIRED, again(clock.now() + 3_600_000)]) {
      assert.equal(await worker.settle(first, settlement), false, `${settlement.kind} after again`);
    }
    const second = await worker.takeOne();
    for (const settlement of [COMPLETED, FAILED, EXPIRED, again(clock.now())]) {
      assert.equal(await worker.settle(first, settlement), false, `${settlement.kind} by the delivery before`);
    }
    await worker.takesNothing('the job is held by its second delivery');
    await worker.putBack(second);
    assert.equal((await worker.takeOne()).attempt, 3);
  });

  scenario('of two settlements at the same time one counts', async ({ worker, time }) => {
    const count = 20;
    await worker.publish(...numbers(count).map((payload) => ({ payload })));
    for (const delivery of await worker.take(count)) {
      const settled: boolean[] = await time.wait(
        'both settlements to resolve',
        Promise.all([COMPLETED, FAILED].map((settlement) => worker.backend.settle(delivery, settlement))),
      );
      assert.deepEqual(sorted(settled), [false, true]);
    }
    await worker.takesNothing('all were settled');
  });

  scenario('a receipt that was never given settles and renews nothing', async ({ worker }) => {
    await worker.publish({});
    const delivery = await worker.takeOne();
    for (const receipt of FORGED) {
      const forged = { ...delivery, receipt };
      for (const settlement of ALL) {
        assert.equal(await worker.settle(forged, settlement), false, `receipt ${JSON.stringify(receipt.slice(0, 20))}`);
      }
      assert.equal(await worker.extend(forged), false, `receipt ${JSON.stringify(receipt.slice(0, 20))}`);
    }
    await worker.takesNothing('its delivery holds');
    await worker.putBack(delivery);
    assert.deepEqual(attemptsOf(await worker.take(1)), [2]);
  });

  scenario('settling one delivery leaves the others alone', async ({ worker }) => {
    await worker.publish(...numbers(6).map((payload) => ({ payload })));
    const deliveries = await worker.take(6);
    const [completed, failed, expired, back, ...held] = deliveries;
    assert.ok(completed && failed && expired && back);
    await worker.complete(completed);
    await worker.fail(failed);
    await worker.expire(expired);
    await worker.putBack(back);
    assert.deepEqual(payloadsOf(await worker.rest()), [contentOf(back).payload]);
    for (const delivery of held) assert.equal(await worker.extend(delivery), true, 'its lease holds');
    await worker.complete(...held);
  });

  scenario('many deliveries settle at the same time, in any order', async ({ worker, time, traits }) => {
    const drafts = numbers(120).map((payload) => ({ payload, id: `id-${payload}` }));
    await worker.publish(...drafts);
    const deliveries = await worker.take(drafts.length, 50);
    const settlements: Promise<boolean>[] = numbers(drafts.length).map((index) =>
      worker.backend.settle(deliveries[(index * 77) % drafts.length], COMPLETED),
    );
    const settled = await time.wait('all settlements to resolve', Promise.all(settlements));
    assert.deepEqual([...new Set(settled)], [true]);
    await worker.takesNothing('all were completed');
    if (!traits.findsDuplicates) return;
    const receipts = await worker.publish(...drafts);
    assert.ok(
      receipts.every(({ duplicate }) => duplicate === false),
      'their ids are free',
    );
  });
});
