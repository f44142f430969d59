import assert from 'node:assert/strict';
import type { Delivery } from '../core/backend.js';
import { chapter, lapsing } from './scenario.js';
import { attemptsOf, contentOf, numbers, payloadsOf, sorted } from './stage/draft.js';

export const leasing = chapter('leasing', (scenario) => {
  scenario('nobody else gets a leased job', async (stage) => {
    const { worker } = stage;
    const other = await stage.another();
    await worker.publish(...numbers(5).map((payload) => ({ payload })));
    const held = await worker.take(5);
    await other.takesNothing('all jobs are leased');
    await worker.takesNothing('all jobs are leased');
    await worker.complete(...held);
  });

  scenario('a lease lasts as long as traits.leaseMs says', lapsing, async (stage) => {
    const { worker } = stage;
    const other = await stage.another();
    await worker.publish({});
    const held = await worker.takeOne();
    await stage.passLease(stage.time.isVirtual ? 0.85 : 0.6);
    const taken = await other.rest();
    stage.assumeLeased(held);
    assert.deepEqual(payloadsOf(taken), [], 'its lease lasts still');
    const settled = await worker.settle(held, { kind: 'completed' });
    stage.assumeLeased(held);
    assert.equal(settled, true, 'its lease lasts still');
  });

  scenario('a job whose lease lapses is handed out again, and the attempt counts', lapsing, async (stage) => {
    const { worker } = stage;
    const other = await stage.another();
    await worker.publish({ payload: 'lapses' });
    await worker.takeOne();
    const second = await other.takeOne();
    assert.equal(contentOf(second).payload, 'lapses');
    assert.equal(second.attempt, 2);
    await other.complete(second);
  });

  scenario('a lease lapses for a reserve that waits already', lapsing, async (stage) => {
    const { worker, time } = stage;
    const other = await stage.another();
    await worker.publish({ payload: 'lapses' });
    await worker.takeOne();
    const taking = other.take(1);
    await time.pass(1);
    assert.deepEqual(attemptsOf(await taking), [2]);
  });

  scenario('a lease lapses while nobody reserves', lapsing, async (stage) => {
    const { worker } = stage;
    await worker.publish({ payload: 'lapses' });
    await worker.takeOne();
    await stage.passLease(2.5);
    const second = await worker.takeOne();
    assert.deepEqual([contentOf(second).payload, second.attempt], ['lapses', 2]);
  });

  scenario('a lease that is renewed outlasts several lengths', lapsing, async (stage) => {
    const { worker, clock } = stage;
    const other = await stage.another();
    await worker.publish({ payload: 'long' });
    const held = await worker.takeOne();
    let renewedAt = held.leasedAt;
    for (const round of numbers(9)) {
      await stage.passLease(1 / 3);
      const before = clock.monotonic();
      const kept = await worker.extend(held);
      stage.assumeLeased(held, renewedAt);
      assert.equal(kept, true, `renewed in time, round ${round}`);
      renewedAt = before;
    }
    const taken = await other.rest();
    stage.assumeLeased(held, renewedAt);
    assert.deepEqual(payloadsOf(taken), [], 'its lease was renewed');
    await worker.complete(held);
  });

  scenario('renewing begins a whole lease', lapsing, async (stage) => {
    const { worker, clock } = stage;
    const other = await stage.another();
    await worker.publish({});
    const held = await worker.takeOne();
    await stage.passLease(0.6);
    const renewedAt = clock.monotonic();
    const kept = await worker.extend(held);
    stage.assumeLeased(held);
    assert.equal(kept, true);
    await stage.passLease(0.6);
    const taken = await other.rest();
    stage.assumeLeased(held, renewedAt);
    assert.deepEqual(payloadsOf(taken), [], 'its lease was renewed');
  });

  scenario('a lease that is renewed no more lapses', lapsing, async (stage) => {
    const { worker, clock, time, traits } = stage;
    const other = await stage.another();
    await worker.publish({});
    const held = await worker.takeOne();
    await stage.passLease(0.3);
    const kept = await worker.extend(held);
    stage.assumeLeased(held);
    assert.equal(kept, true);
    const renewedAt = clock.monotonic();
    assert.deepEqual(attemptsOf(await other.take(1)), [2]);
    if (!time.isVirtual) return;
    const leases = (clock.monotonic() - renewedAt) / traits.leaseMs;
    assert.ok(leases > 0.99 && leases < 1.5, `it lapsed after ${leases} of its length`);
  });

  scenario('each delivery has a lease of its own', lapsing, async (stage) => {
    const { worker, clock } = stage;
    const other = await stage.another();
    await worker.publish({ payload: 'renewed' }, { payload: 'left' });
    const [renewed] = await worker.take(2);
    assert.ok(renewed);
    let renewedAt = renewed.leasedAt;
    const taking = other.take(1);
    for (let lapsed = false; !lapsed;) {
      lapsed = await Promise.race([taking.then(() => true), stage.passLease(0.25).then(() => false)]);
      const before = clock.monotonic();
      const kept = await worker.extend(renewed);
      stage.assumeLeased(renewed, renewedAt);
      assert.equal(kept, true);
      renewedAt = before;
    }
    assert.deepEqual(payloadsOf(await taking), ['left']);
  });

  scenario('an old delivery neither settles nor renews what another holds', lapsing, async (stage) => {
    const { worker, clock } = stage;
    const other = await stage.another();
    await worker.publish({ payload: 'lapses' });
    const old = await worker.takeOne();
    const held = await other.takeOne();
    const now = clock.now();
    const kinds = [
      { kind: 'completed' },
      { kind: 'again', at: now, countsAttempt: false, failures: [] },
      { kind: 'failed', reason: 'late', failures: [] },
      { kind: 'expired', reason: 'late', failures: [] },
    ] as const;
    const refused = [];
    for (const settlement of kinds) refused.push(await worker.settle(old, settlement));
    refused.push(await worker.extend(old));
    stage.assumeLeased(held);
    assert.deepEqual(refused, [false, false, false, false, false]);
    const taken = await worker.rest();
    stage.assumeLeased(held);
    assert.deepEqual(payloadsOf(taken), [], 'another holds it');
    const settled = await other.settle(held, { kind: 'again', at: now, countsAttempt: true, failures: [] });
    stage.assumeLeased(held);
    assert.equal(settled, true);
    assert.equal((await other.takeOne()).attempt, 3);
  });

  scenario('renewing what was settled is refused', async ({ worker }) => {
    await worker.publish(...numbers(4).map((payload) => ({ payload })));
    const [completed, failed, expired, back] = await worker.take(4);
    assert.ok(completed && failed && expired && back);
    await worker.complete(completed);
    await worker.fail(failed);
    await worker.expire(expired);
    await worker.putBack(back, { at: 0 });
    for (const delivery of [completed, failed, expired, back]) assert.equal(await worker.extend(delivery), false);
    await worker.takeOne();
    assert.equal(await worker.extend(back), false, 'another delivery holds it');
  });

  // A backend need not tell; one that does has to be right.
  scenario('who listens for the loss of a lease hears of it once, and of no other end', lapsing, async (stage) => {
    const { worker, time } = stage;
    const other = await stage.another();
    const names = ['completed', 'failed', 'lapses', 'has lapsed'];
    await worker.publish(...names.map((payload) => ({ payload })));
    const [completed, failed, lapses, lapsed] = await worker.take(4);
    assert.ok(completed && failed && lapses && lapsed);
    const heard: unknown[] = [];
    const listen = (delivery: Delivery): void =>
      delivery.onLeaseLost?.(() => void heard.push(contentOf(delivery).payload));
    for (const delivery of [completed, failed, lapses]) listen(delivery);
    await worker.complete(completed);
    await worker.fail(failed);
    const kept = await worker.extend(lapses);
    const early = [...heard];
    stage.assumeLeased(lapses);
    assert.deepEqual([kept, early], [true, []], 'its lease lasts still');
    const again = await other.take(2);
    assert.deepEqual(sorted(payloadsOf(again)), ['has lapsed', 'lapses']);
    listen(lapsed);
    await other.complete(...again);
    const tells = [lapses, lapsed].filter(({ onLeaseLost }) => onLeaseLost);
    await time.until('each loss to be told', () => heard.length >= tells.length);
    await stage.passLease(0.5);
    assert.deepEqual(sorted(heard), sorted(payloadsOf(tells)));
  });

  scenario('each delivery has a receipt of its own', async (stage) => {
    const { worker } = stage;
    await worker.publish({ id: 'same' }, ...numbers(20).map(() => ({})));
    const receipts: string[] = [];
    for (const round of [0, 1, 2]) {
      const deliveries = await worker.take(21);
      receipts.push(...deliveries.map(({ receipt }) => receipt));
      for (const delivery of deliveries) {
        if (round < 2) await worker.putBack(delivery);
        else await worker.complete(delivery);
      }
    }
    await worker.publish({ id: 'same' });
    receipts.push((await worker.takeOne()).receipt);
    assert.equal(new Set(receipts).size, 64);
  });
});
