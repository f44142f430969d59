import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import type { Delivery } from '../core/backend.js';
import { chapter, lapsing } from './scenario.js';
import { attemptsOf, messageOf, numbers, payloadsOf, sorted } from './stage/draft.js';
import { handled } from './stage/worker.js';

export const reserving = chapter('reserving', (scenario) => {
  scenario('a reserve gives at most as many as asked for', async ({ worker, time }) => {
    await worker.publish(...numbers(10).map((payload) => ({ payload })));
    const taken: Delivery[] = [];
    while (taken.length < 10) {
      const max = Math.min(3, 10 - taken.length);
      const reserving = worker.backend.reserve(worker.queue, max, new AbortController().signal);
      const some = await time.wait('a reserve to resolve', reserving);
      assert.ok(some.length <= max, `asked for at most ${max}, got ${some.length}`);
      taken.push(...some);
    }
    assert.deepEqual(payloadsOf(taken), numbers(10));
  });

  scenario('what a reserve did not ask for is free for others at once', async (stage) => {
    const other = await stage.another();
    await stage.worker.publish(...numbers(6).map((payload) => ({ payload })));
    const mine = await stage.worker.take(2);
    const theirs = await stage.time.promptly('the others to be handed out', other.take(4));
    assert.deepEqual(sorted(payloadsOf([...mine, ...theirs])), numbers(6));
  });

  scenario('a delivery tells its queue', async ({ worker, queue }) => {
    await worker.publish({});
    assert.equal((await worker.takeOne()).queue, queue);
  });

  scenario('a reserve of an empty queue waits', async ({ worker, time }) => {
    const stop = new AbortController();
    let answers = 0;
    const read = async (): Promise<void> => {
      for (; !stop.signal.aborted; answers++) {
        assert.deepEqual(await worker.backend.reserve(worker.queue, 1, stop.signal), []);
        await setImmediate();
      }
    };
    const reading = handled(read());
    for (let part = 0; part < 20; part++) await time.pass(worker.quietMs / 20);
    const before = answers;
    stop.abort();
    await time.wait('reserve to resolve once its signal aborts', reading);
    assert.ok(before < 5, `nothing was there, and ${before} reserves resolved within ${worker.quietMs} ms`);
  });

  scenario('a job published while a reserve waits is handed out', async ({ worker, time }) => {
    const taking = worker.take(1);
    await time.pass(worker.quietMs);
    await worker.publish({ payload: 'new' });
    assert.deepEqual(payloadsOf(await taking), ['new']);
  });

  scenario('several waiting reserves share what is published', async ({ worker, time }) => {
    const taking = numbers(3).map(() => worker.take(1));
    await time.pass(worker.quietMs);
    await worker.publish(...numbers(3).map((payload) => ({ payload })));
    const taken = (await Promise.all(taking)).flat();
    assert.deepEqual(sorted(payloadsOf(taken)), numbers(3));
    assert.deepEqual(attemptsOf(taken), [1, 1, 1]);
  });

  scenario('a wait ends at once when its signal aborts', async ({ worker, time }) => {
    for (let ended = true; ended;) {
      const stop = new AbortController();
      let resolved = false;
      const waiting = handled(
        worker.backend.reserve(worker.queue, 1, stop.signal).finally(() => {
          resolved = true;
        }),
      );
      await time.pass(worker.quietMs);
      // It may have ended by itself; then it tells nothing.
      ended = resolved;
      stop.abort();
      assert.deepEqual(await time.promptly('an aborted reserve to resolve', waiting), []);
    }
  });

  scenario('a reserve whose signal has aborted before resolves at once', async ({ worker, time }) => {
    const reserving = worker.backend.reserve(worker.queue, 1, AbortSignal.abort());
    assert.deepEqual(await time.promptly('an aborted reserve to resolve', reserving), []);
  });

  scenario('an abort loses no job and costs none an attempt', async ({ worker, time, clock }) => {
    const taken: Delivery[] = [];
    const rounds = 30;
    for (const payload of numbers(rounds)) {
      const stop = new AbortController();
      const waiting = handled(worker.backend.reserve(worker.queue, 10, stop.signal));
      if (payload % 2 === 0) await setImmediate();
      const publishing = handled(worker.backend.publish(worker.queue, [messageOf({ payload }, clock.now())]));
      if (payload % 3 === 0) await setImmediate();
      if (payload % 3 === 1) await time.pass(1);
      stop.abort();
      taken.push(...(await time.wait('an aborted reserve to resolve', waiting)));
      await time.wait('publish to resolve', publishing);
    }
    taken.push(...(await worker.take(rounds - taken.length)));
    assert.deepEqual(sorted(payloadsOf(taken)), numbers(rounds));
    assert.deepEqual(
      attemptsOf(taken),
      numbers(rounds).map(() => 1),
    );
  });

  scenario('a reserve takes from its own queue only', async ({ worker, queue, time }) => {
    const other = worker.on(`${queue}-other`);
    const waiting = worker.take(1);
    await other.publish({ payload: 'theirs' });
    await time.pass(worker.quietMs);
    await worker.publish({ payload: 'ours' });
    assert.deepEqual(payloadsOf(await waiting), ['ours']);
    await worker.takesNothing('the queue had one job');
    assert.deepEqual(payloadsOf(await other.take(1)), ['theirs']);
  });

  scenario('a lease begins when the job is handed out, however long the reserve has waited', lapsing, async (stage) => {
    const { worker, clock, traits } = stage;
    const taking = worker.take(1);
    await stage.passLease(1.5);
    const published = clock.monotonic();
    await worker.publish({});
    const [{ leasedAt }] = await taking;
    assert.ok(leasedAt <= clock.monotonic(), `leasedAt lies ${leasedAt - clock.monotonic()} ms ahead`);
    const before = published - leasedAt;
    assert.ok(before < traits.leaseMs / 2, `leasedAt lies ${before} ms before the job was there`);
  });
});
