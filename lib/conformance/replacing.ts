import assert from 'node:assert/strict';
import type { Settlement } from '../core/backend.js';
import type { FailureRecord } from '../core/failure-record.js';
import { chapter, findsDuplicates, lapsing } from './scenario.js';
import { attemptsOf, contentOf, numbers, payloadsOf, sorted } from './stage/draft.js';
import { again } from './stage/worker.js';

const FAILURE: FailureRecord = {
  at: '2026-11-21T09:00:00.000Z',
  worker: 'host:1',
  attempt: 1,
  durationMs: 1,
  error: { name: 'E', message: 'of the job before' },
};

const FAILED: Settlement = { kind: 'failed', reason: 'no good', failures: [] };
const COMPLETED: Settlement = { kind: 'completed' };

export const replacing = chapter('replacing', (scenario) => {
  scenario('a message stands in the place of its job, with all that it says', async ({ worker, clock }) => {
    await worker.publish({ id: 'one', name: 'enrich', payload: 'before', priority: 9, headers: { a: '1', b: '2' } });
    const expiresAt = clock.now() + 3_600_000;
    const next = { name: 'store', priority: 7, headers: { b: '3' }, maxAttempts: 4, timeoutMs: 5_000, expiresAt };
    await worker.replace(await worker.takeOne(), { ...next, payload: { text: 'é\0' } });
    const delivery = await worker.takeOne();
    const { id, name, payload, priority, headers, maxAttempts, timeoutMs, expiresAt: until } = contentOf(delivery);
    const found = { name, priority, headers: { ...headers }, maxAttempts, timeoutMs, expiresAt: until };
    assert.deepEqual([id, payload, found], ['one', { text: 'é\0' }, next]);
    await worker.complete(delivery);
    await worker.takesNothing('one message took the place of one job');
  });

  scenario('what takes a job’s place starts afresh: its first attempt, without failures', async ({ worker }) => {
    await worker.publish({ payload: 'before' });
    for (const _ of numbers(3)) await worker.putBack(await worker.takeOne(), { failures: [FAILURE] });
    await worker.replace(await worker.takeOne(), { payload: 'next' });
    const first = await worker.takeOne();
    assert.deepEqual([contentOf(first).payload, first.attempt, first.failures], ['next', 1, []]);
    await worker.putBack(first);
    const second = await worker.takeOne();
    assert.deepEqual([contentOf(second).payload, second.attempt, second.failures], ['next', 2, []]);
  });

  scenario('attempts that the message has used up count', async ({ worker }) => {
    await worker.publish({});
    await worker.replace(await worker.takeOne(), { attemptsUsed: 2 });
    assert.equal((await worker.takeOne()).attempt, 3);
  });

  scenario('what takes a job’s place waits until it is due', async ({ worker, clock, delayMs }) => {
    await worker.publish({ payload: 'before', priority: 0 });
    await worker.replace(await worker.takeOne(), { payload: 'far', priority: 0, readyAt: clock.now() + 3_600_000 });
    await worker.publish({ payload: 'before' });
    const readyAt = clock.now() + delayMs;
    await worker.replace(await worker.takeOne(), { payload: 'later', readyAt });
    const later = await worker.takeOne();
    assert.equal(contentOf(later).payload, 'later');
    const early = readyAt - worker.takenAtOf(later);
    assert.ok(early <= 0, `handed out ${early} ms before its time`);
    await worker.takesNothing('the other is due in an hour');
  });

  scenario('what takes a job’s place waits as the newest among its equals', async ({ worker }) => {
    await worker.publish({ payload: 'a' }, { payload: 'b' }, { payload: 'c' });
    await worker.replace(await worker.takeOne(), { payload: 'next of a' });
    await worker.publish({ payload: 'd' });
    assert.deepEqual(payloadsOf(await worker.take(4, 1)), ['b', 'c', 'next of a', 'd']);
  });

  scenario('what takes a job’s place is served by a priority of its own', async ({ worker }) => {
    await worker.publish({ payload: 'least', priority: 1 }, { payload: 'urgent', priority: 2 });
    const [least, urgent] = await worker.take(2);
    await worker.publish({ payload: 'between', priority: 5 });
    await worker.replace(least, { payload: 'least', priority: 9 });
    await worker.replace(urgent, { payload: 'urgent', priority: 0 });
    assert.deepEqual(payloadsOf(await worker.take(3, 1)), ['urgent', 'between', 'least']);
  });

  scenario('a waiting reserve of another worker is given it at once', async (stage) => {
    const { worker, time } = stage;
    const other = await stage.another();
    await worker.publish({ payload: 'before' });
    const held = await worker.takeOne();
    const taking = other.take(1);
    await time.pass(other.quietMs);
    await worker.replace(held, { payload: 'next' });
    assert.deepEqual(payloadsOf(await time.promptly('the next to be handed out', taking)), ['next']);
  });

  scenario('the id stays taken until what took the place is settled', findsDuplicates, async (stage) => {
    const { worker, clock } = stage;
    const other = await stage.another();
    const isTaken = async (): Promise<unknown[]> =>
      [...(await worker.publish({ id: 'an-id' })), ...(await other.publish({ id: 'an-id' }))].map(
        ({ duplicate }) => duplicate,
      );
    await worker.publish({ id: 'an-id' });
    await worker.replace(await worker.takeOne(), { payload: 1 });
    assert.deepEqual(await isTaken(), [true, true], 'it waits');
    const held = await worker.takeOne();
    assert.deepEqual(await isTaken(), [true, true], 'it is active');
    await worker.replace(held, { payload: 2, readyAt: clock.now() + 3_600_000 });
    assert.deepEqual(await isTaken(), [true, true], 'it is delayed');
    await worker.takesNothing('none but the delayed one is stored');
    await worker.publish({ id: 'other' });
    await worker.replace(await worker.takeOne(), { payload: 3 });
    await worker.complete(await worker.takeOne());
    const [receipt] = await other.publish({ id: 'other' });
    assert.equal(receipt?.duplicate, false, 'the id of what was completed is free');
  });

  scenario('an id that the core made is taken by what took its job’s place', findsDuplicates, async (stage) => {
    const other = await stage.another();
    const { id } = await stage.publish('job', 'first');
    await stage.worker.replace(await stage.worker.takeOne(), { payload: 'next' });
    assert.equal((await stage.publish('job', 'second', { id }, other)).duplicate, true);
    await stage.worker.complete(await stage.worker.takeOne());
    await stage.worker.takesNothing('the second was a duplicate');
    assert.equal((await stage.publish('job', 'second', { id }, other)).duplicate, false);
  });

  scenario('nothing takes the place of what was settled before', async ({ worker, clock }) => {
    await worker.publish(...numbers(4).map((payload) => ({ payload })));
    const held = await worker.take(4);
    const ends = [COMPLETED, FAILED, again(clock.now() + 3_600_000), worker.replacement(held[3], { payload: 'next' })];
    for (const [index, end] of ends.entries()) {
      assert.equal(await worker.settle(held[index], end), true);
      const late = worker.replacement(held[index], { payload: `late after ${end.kind}` });
      assert.equal(await worker.settle(held[index], late), false, `replaced after ${end.kind}`);
    }
    assert.deepEqual(payloadsOf(await worker.take(1)), ['next']);
    await worker.takesNothing('one of four was replaced in time');
  });

  scenario('nothing takes the place of what another holds', lapsing, async (stage) => {
    const { worker, time } = stage;
    const other = await stage.another();
    await worker.publish({ payload: 'first' });
    const first = await worker.takeOne();
    await stage.passLease(1.1);
    const second = await other.takeOne();
    assert.equal(await worker.settle(first, worker.replacement(first, { payload: 'late' })), false);
    assert.equal(second.attempt, 2);
    await time.wait('another’s settlement', other.complete(second));
    await worker.takesNothing('another has completed it');
    await stage.passLease(1.5);
    await worker.takesNothing('another has completed it');
  });

  scenario('a delivery whose job was replaced neither settles nor renews what took its place', async ({ worker }) => {
    await worker.publish({ payload: 'before' });
    const before = await worker.takeOne();
    await worker.replace(before, { payload: 'next' });
    for (const settlement of [COMPLETED, FAILED, again(0), worker.replacement(before, { payload: 'more' })]) {
      assert.equal(await worker.settle(before, settlement), false, `${settlement.kind} after replaced`);
    }
    assert.equal(await worker.extend(before), false);
    const next = await worker.takeOne();
    assert.equal(contentOf(next).payload, 'next');
    assert.equal(await worker.settle(before, COMPLETED), false, 'by the delivery before');
    await worker.complete(next);
    await worker.takesNothing('all is completed');
  });

  scenario('a worker that dies right after leaves what took the place, and that alone', lapsing, async (stage) => {
    const { worker } = stage;
    const dead = await stage.another();
    await dead.publish({ id: 'an-id', payload: 'before' });
    await dead.replace(await dead.takeOne(), { payload: 'next' });
    const next = await worker.takeOne();
    assert.deepEqual([contentOf(next).payload, next.attempt], ['next', 1]);
    await worker.complete(next);
    await stage.passLease(1.5);
    await worker.takesNothing('what it had before is gone');
  });

  scenario('of replacing and completing at the same time one counts', async ({ worker, time }) => {
    const count = 20;
    await worker.publish(...numbers(count).map((payload) => ({ payload })));
    const replaced: unknown[] = [];
    for (const [index, delivery] of (await worker.take(count)).entries()) {
      const both: readonly Settlement[] = [worker.replacement(delivery, { payload: index }), COMPLETED];
      const order = index % 2 === 0 ? both : [...both].reverse();
      const ends = order.map((end) => worker.backend.settle(delivery, end));
      const settled = await time.wait('both settlements to resolve', Promise.all(ends));
      assert.deepEqual(sorted(settled), [false, true]);
      if (settled[order.indexOf(both[0])]) replaced.push(index);
    }
    assert.deepEqual(sorted(payloadsOf(await worker.take(replaced.length))), replaced);
    await worker.takesNothing('the others were completed');
  });

  scenario('many are replaced at the same time', async ({ worker, time }) => {
    const count = 100;
    await worker.publish(...numbers(count).map((payload) => ({ payload, id: `id-${payload}` })));
    const held = await worker.take(count, 30);
    const settling = held.map((delivery) => {
      const { id } = contentOf(delivery);
      return worker.backend.settle(delivery, worker.replacement(delivery, { payload: `next of ${id}` }));
    });
    const settled = await time.wait('all settlements to resolve', Promise.all(settling));
    assert.deepEqual([...new Set(settled)], [true]);
    const taken = await worker.take(count);
    assert.deepEqual(sorted(payloadsOf(taken)), sorted(numbers(count).map((index) => `next of id-${index}`)));
    assert.deepEqual([...new Set(attemptsOf(taken))], [1]);
    await worker.takesNothing('each was replaced once');
  });

  scenario('a job may be replaced again and again, among workers', async (stage) => {
    const other = await stage.another();
    await stage.worker.publish({ id: 'chain', payload: 0 });
    for (const step of numbers(8)) {
      const by = step % 2 === 0 ? stage.worker : other;
      const delivery = await by.takeOne();
      const { id, payload } = contentOf(delivery);
      assert.deepEqual([id, payload, delivery.attempt], ['chain', step, 1]);
      await by.replace(delivery, { payload: step + 1 });
    }
    await stage.worker.complete(await stage.worker.takeOne());
    await other.takesNothing('the last was completed');
  });
});
