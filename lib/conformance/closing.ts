import assert from 'node:assert/strict';
import { chapter, lapsing } from './scenario.js';
import { attemptsOf, contentOf, messageOf, numbers, payloadsOf, sorted } from './stage/draft.js';
import type { Stage } from './stage/stage.js';
import { handled, type Worker } from './stage/worker.js';

/** How often a backend is opened and closed to see whether something is left behind. */
const OPENINGS = 50;

function close({ time }: Stage, worker: Worker): Promise<void> {
  return time.promptly('close to resolve', worker.backend.close());
}

export const closing = chapter('closing', (scenario) => {
  scenario('close ends waiting reserves at once', async (stage) => {
    const { worker, queue, time } = stage;
    const other = worker.on(`${queue}-other`);
    const waiting = Promise.allSettled(
      [worker, worker, other].map((by) => by.backend.reserve(by.queue, 1, new AbortController().signal)),
    );
    await time.pass(worker.quietMs);
    await close(stage, worker);
    const ended = await time.promptly('waiting reserves to end', waiting);
    assert.deepEqual(
      ended.flatMap((end) => (end.status === 'fulfilled' ? end.value : [])),
      [],
    );
  });

  scenario('close resolves though nothing was done', async (stage) => {
    await close(stage, await stage.another());
  });

  scenario('close may be called again, also at the same time', async (stage) => {
    const other = await stage.another();
    await other.publish({});
    await stage.time.promptly('both to resolve', Promise.all([other.backend.close(), other.backend.close()]));
    await close(stage, other);
  });

  scenario('what was published before close is there for others', async (stage) => {
    const closing = await stage.another();
    await closing.publish(...numbers(30).map((payload) => ({ payload })));
    await close(stage, closing);
    assert.deepEqual(payloadsOf(await stage.worker.take(30)), numbers(30));
  });

  scenario('what was published before all closed is there when it is opened again', async (stage) => {
    const { worker, clock, delayMs } = stage;
    await worker.publish(...numbers(3).map((payload) => ({ payload })));
    await worker.publish({ payload: 3, readyAt: clock.now() + delayMs });
    await worker.putBack(await worker.takeOne(), { countsAttempt: false });
    await close(stage, worker);
    const reopened = await stage.another();
    const taken = await reopened.take(4);
    assert.deepEqual(sorted(payloadsOf(taken)), numbers(4));
    assert.deepEqual(attemptsOf(taken), [1, 1, 1, 1]);
  });

  scenario('a publish under way at close is stored, or rejects', async (stage) => {
    const { worker, clock, time } = stage;
    const closing = await stage.another();
    const publishing = numbers(20).map(async (payload) => {
      await closing.backend.publish(closing.queue, [messageOf({ payload }, clock.now())]);
      return payload;
    });
    const closed = handled(closing.backend.close());
    const ended = await time.wait('all publishes to end', Promise.allSettled(publishing));
    await time.wait('close to resolve', closed);
    const stored = ended.flatMap((end) => (end.status === 'fulfilled' ? [end.value] : []));
    const taken = new Set(payloadsOf(await worker.take(stored.length)));
    for (const delivery of await worker.rest()) taken.add(contentOf(delivery).payload);
    assert.deepEqual(
      stored.filter((payload) => !taken.has(payload)),
      [],
      'these were said to be stored',
    );
  });

  scenario('a settlement under way at close counts, or is not said to', lapsing, async (stage) => {
    const { worker, time } = stage;
    const closing = await stage.another();
    await closing.publish(...numbers(10).map((payload) => ({ payload })));
    const held = await closing.take(10);
    const settling = held.map(async (delivery) => {
      const settled = await closing.backend.settle(delivery, { kind: 'completed' });
      return settled ? [contentOf(delivery).payload] : [];
    });
    const closed = handled(closing.backend.close());
    const ended = await time.wait('all settlements to end', Promise.allSettled(settling));
    await time.wait('close to resolve', closed);
    const settled = ended.flatMap((end) => (end.status === 'fulfilled' ? end.value : []));
    await stage.passLease(1.2);
    const again = payloadsOf(await worker.rest());
    assert.deepEqual(
      settled.filter((payload) => again.includes(payload)),
      [],
      'these were said to be completed',
    );
  });

  scenario(
    'what was not settled at close stays leased until the lease lapses, then comes again',
    lapsing,
    async (stage) => {
      const closing = await stage.another();
      await closing.publish({ payload: 'held' });
      const held = await closing.takeOne();
      await close(stage, closing);
      const early = await stage.worker.rest();
      stage.assumeLeased(held);
      assert.deepEqual(payloadsOf(early), [], 'its lease lasts still');
      const second = await stage.worker.takeOne();
      assert.deepEqual([contentOf(second).payload, second.attempt], ['held', 2]);
    },
  );

  scenario('closing one worker does not disturb another', async (stage) => {
    const { worker, time } = stage;
    const closing = await stage.another();
    await worker.publish({ payload: 'held' });
    const held = await worker.takeOne();
    const taking = worker.take(1);
    await time.pass(worker.quietMs);
    await close(stage, closing);
    await worker.publish({ payload: 'after' });
    assert.deepEqual(payloadsOf(await taking), ['after']);
    assert.equal(await worker.extend(held), true, 'its lease holds');
    await worker.complete(held);
  });

  scenario('close leaves nothing open that would keep a process alive', async (stage) => {
    const resources = (): number => process.getActiveResourcesInfo().length;
    const before = resources();
    for (const payload of numbers(OPENINGS)) {
      const worker = await stage.another();
      await worker.publish({ payload });
      await worker.complete(await worker.takeOne());
      const waiting = Promise.allSettled([worker.backend.reserve(worker.queue, 1, new AbortController().signal)]);
      await close(stage, worker);
      await stage.time.promptly('a waiting reserve to end', waiting);
    }
    // One of each opening would show; others at work in this process may add or take away a few of their own.
    const left = (): number => resources() - before;
    await stage.time.until(
      () => `no handles to be left of ${OPENINGS} openings (${left()} are)`,
      () => left() < OPENINGS / 2,
    );
  });
});
