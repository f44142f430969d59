import assert from 'node:assert/strict';
import type { Delivery } from '../core/backend.js';
import { chapter } from './scenario.js';
import { attemptsOf, contentOf, messageOf, numbers, payloadsOf, sorted } from './stage/draft.js';
import { handled, type Worker } from './stage/worker.js';

/** How many jobs two workers share. */
const MANY = 300;

export const sharing = chapter('sharing', (scenario) => {
  scenario('what one worker publishes, another is given', async (stage) => {
    const other = await stage.another();
    await stage.worker.publish({ payload: 'shared' });
    const delivery = await other.takeOne();
    assert.equal(contentOf(delivery).payload, 'shared');
    await other.complete(delivery);
    await stage.worker.takesNothing('the other has completed it');
  });

  scenario('what one worker publishes reaches a reserve of another that waits', async (stage) => {
    const other = await stage.another();
    const taking = other.take(3);
    await stage.time.pass(other.quietMs);
    await stage.worker.publish({ payload: 0 });
    await stage.worker.publish({ payload: 1 }, { payload: 2 });
    assert.deepEqual(payloadsOf(await taking), [0, 1, 2]);
  });

  scenario('a worker that comes later is given what waits', async (stage) => {
    await stage.worker.publish({ payload: 'waiting' });
    await stage.time.pass(1);
    const later = await stage.another();
    assert.deepEqual(payloadsOf(await later.take(1)), ['waiting']);
  });

  scenario('two workers are given each of hundreds of jobs once', async (stage) => {
    const { worker } = stage;
    const other = await stage.another();
    const taken: Delivery[] = [];
    const work = async (by: Worker, max: number): Promise<void> => {
      while (taken.length < MANY) {
        const some = await by.backend.reserve(by.queue, max, done.signal);
        taken.push(...some);
        if (taken.length >= MANY) done.abort();
        for (const delivery of some) assert.equal(await by.backend.settle(delivery, { kind: 'completed' }), true);
        await stage.time.pass(0);
      }
    };
    const done = new AbortController();
    const working = handled(Promise.all([work(worker, 3), work(other, 7)]));
    for (const start of [0, 100, 200]) {
      await worker.publish(...numbers(50).map((index) => ({ payload: start + index })));
      await other.publish(...numbers(50).map((index) => ({ payload: start + 50 + index })));
    }
    await stage.time.wait(() => `${MANY} jobs to be handed out (${taken.length} came)`, working);
    assert.deepEqual(sorted(payloadsOf(taken)), numbers(MANY));
    assert.deepEqual([...new Set(attemptsOf(taken))], [1]);
    await other.takesNothing('all are completed');
  });

  scenario('two workers never hold one job at a time', async (stage) => {
    const { worker, time } = stage;
    const other = await stage.another();
    for (const round of numbers(10)) {
      const waiting = round % 2 === 0;
      const drafts = numbers(12).map((index) => ({ payload: round * 12 + index }));
      if (!waiting) await worker.publish(...drafts);
      const stop = new AbortController();
      const reserving = handled(
        Promise.all([worker, other, worker, other].map((by) => by.backend.reserve(by.queue, 5, stop.signal))),
      );
      if (waiting) await worker.publish(...drafts);
      await time.pass(1);
      stop.abort();
      const held = (await time.wait('all reserves to resolve', reserving)).flat();
      held.push(...(await other.take(12 - held.length)));
      assert.deepEqual(
        sorted(payloadsOf(held)),
        drafts.map(({ payload }) => payload),
      );
      assert.deepEqual([...new Set(attemptsOf(held))], [1]);
    }
    await worker.takesNothing('all are held');
  });

  scenario('two workers publish at the same time, and all is stored', async (stage) => {
    const { worker, clock, time } = stage;
    const other = await stage.another();
    const publishing = numbers(80).map((payload) => {
      const by = payload % 2 === 0 ? worker : other;
      return by.backend.publish(by.queue, [messageOf({ payload }, clock.now())]);
    });
    await time.wait('all publishes to resolve', Promise.all(publishing));
    const payloads = payloadsOf(await worker.take(80));
    const parity = (rest: number): unknown[] => payloads.filter((payload) => Number(payload) % 2 === rest);
    assert.deepEqual(parity(0), sorted(parity(0)), 'the jobs of one publisher keep their order');
    assert.deepEqual(parity(1), sorted(parity(1)), 'the jobs of one publisher keep their order');
    assert.equal(new Set(payloads).size, 80);
  });

  scenario('an urgent job of one worker goes before what another works through', async (stage) => {
    const other = await stage.another();
    await other.publish(...numbers(60).map((payload) => ({ payload })));
    await other.complete(...(await other.take(5, 1)));
    await stage.worker.publish({ payload: 'urgent', priority: 0 });
    // Where workers tell each other by notices, one may be on its way for some of the waiting jobs.
    const seen: unknown[] = [];
    while (seen.length < 40 && !seen.includes('urgent')) {
      await stage.time.pass(other.quietMs / 10);
      const delivery = await other.takeOne();
      seen.push(contentOf(delivery).payload);
      await other.complete(delivery);
    }
    assert.ok(seen.includes('urgent'), `40 others were handed out before it`);
  });

  scenario('what one worker puts back, another is given', async (stage) => {
    const { worker, clock, delayMs } = stage;
    const other = await stage.another();
    await worker.publish({ payload: 'now' }, { payload: 'later' });
    const [now, later] = await worker.take(2);
    assert.ok(now && later);
    const taking = other.take(2, 1);
    const at = clock.now() + delayMs;
    await worker.putBack(later, { at, countsAttempt: false });
    await worker.putBack(now);
    if (clock.now() >= at) stage.tooSlow('the other job was due before both were put back');
    const taken = await taking;
    assert.deepEqual(payloadsOf(taken), ['now', 'later']);
    assert.deepEqual(attemptsOf(taken), [2, 1]);
    assert.ok(other.takenAtOf(taken[1]) >= at, 'not before its time');
  });

  scenario('what one worker delays falls due for another, though the first has gone', async (stage) => {
    const { worker, clock, time, delayMs } = stage;
    const other = await stage.another();
    const readyAt = clock.now() + delayMs;
    await worker.publish({ payload: 'delayed', readyAt });
    await time.wait('close to resolve', worker.backend.close());
    const delivery = await other.takeOne();
    assert.equal(contentOf(delivery).payload, 'delayed');
    assert.ok(other.takenAtOf(delivery) >= readyAt, 'not before its time');
  });
});
