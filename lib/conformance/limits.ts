import assert from 'node:assert/strict';
import { JobFailedError } from '../core/answer-errors.js';
import { newId } from '../core/id.js';
import { QueueFullError } from '../core/publish-error.js';
import type { PublishOptions } from '../core/publish-options.js';
import type { PublishedJob } from '../core/published-job.js';
import { all, chapter, countsBytes, countsJobs, dropsOldest, keepsRecords } from './scenario.js';
import { contentOf, numbers, payloadsOf, sorted } from './stage/draft.js';
import { handled, type Worker } from './stage/worker.js';

const FAR_MS = 3_600_000;

const dropsWithRecords = all(dropsOldest, keepsRecords);

/** Publishes jobs that wait; gives their ids, in their order. */
async function stored(worker: Worker, ...priorities: readonly number[]): Promise<string[]> {
  const jobs = priorities.map((priority) => ({ id: newId(), priority }));
  for (const job of jobs) await worker.publish(job);
  return jobs.map(({ id }) => id);
}

export const limits = chapter('limits', (scenario) => {
  scenario('what waits is counted: delayed jobs too, active, failed and ended ones not', countsJobs, async (stage) => {
    const { worker, clock } = stage;
    assert.equal(await worker.waiting(), 0);
    await worker.publish({}, {}, {}, {}, { readyAt: clock.now() + FAR_MS }, { readyAt: clock.now() + FAR_MS });
    assert.equal(await worker.waiting(), 6);
    const [first, second, third] = await worker.take(3);
    assert.ok(first && second && third);
    assert.equal(await worker.waiting(), 3, 'three are active');
    await worker.complete(first);
    await worker.fail(second);
    assert.equal(await worker.waiting(), 3, 'one has failed');
    await worker.putBack(third);
    assert.equal(await worker.waiting(), 4, 'one was put back');
  });

  scenario('what a worker publishes, it counts at once', countsJobs, async ({ worker }) => {
    for (const count of numbers(30)) {
      assert.equal(await worker.waiting(), count);
      await worker.publish({ priority: count % 3 });
    }
    await worker.publish(...numbers(100).map(() => ({})));
    assert.equal(await worker.waiting(), 130);
  });

  scenario('what others publish and take is counted', countsJobs, async (stage) => {
    const { worker, time } = stage;
    const other = await stage.another();
    const counts = async (expected: number): Promise<void> => {
      let count = await worker.waiting();
      const looks = handled(
        (async () => {
          while (count !== expected) {
            await time.pass(worker.quietMs / 4);
            count = await worker.waiting();
          }
        })(),
      );
      await time.wait(() => `${expected} jobs to be counted, got ${count}`, looks);
    };
    await worker.publish({}, {});
    await other.publish({}, {}, {});
    await counts(5);
    await other.complete(...(await other.take(4)));
    await counts(1);
  });

  scenario('jobs of other queues don’t count', countsJobs, async ({ worker }) => {
    await worker.on(`${worker.queue}-other`).publish({}, {});
    await worker.publish({});
    assert.equal(await worker.waiting(), 1);
  });

  scenario('bytes are those of all that waits, delayed jobs too', countsBytes, async ({ worker, clock }) => {
    assert.equal(await worker.waitingBytes(), 0);
    await worker.publish(
      { payload: 'a'.repeat(10_000) },
      { payload: 'é'.repeat(5_000), readyAt: clock.now() + FAR_MS },
    );
    const bytes = await worker.waitingBytes();
    assert.ok(bytes >= 20_000 && bytes < 30_000, `expected 20,000 bytes and some more, got ${bytes}`);
    await worker.take(1);
    const left = await worker.waitingBytes();
    assert.ok(left >= 10_000 && left < 15_000, `expected 10,000 bytes and some more, got ${left}`);
  });

  scenario('bytes of many jobs are those of all', countsBytes, async ({ worker }) => {
    await worker.publish(...numbers(1_200).map(() => ({ payload: 'x'.repeat(100) })));
    const bytes = await worker.waitingBytes();
    assert.ok(bytes >= 120_000 && bytes < 1_200 * 1_000, `expected 120,000 bytes and some more, got ${bytes}`);
  });

  scenario('what was stored first is dropped first, whatever its priority', dropsOldest, async ({ worker, time }) => {
    const ids = await stored(worker, 5);
    for (const priority of [1, 9, 5, 1_000_000, 0]) {
      await time.pass(5);
      ids.push(...(await stored(worker, priority)));
    }
    assert.deepEqual(await worker.dropOldest(2), ids.slice(0, 2));
    assert.deepEqual(await worker.dropOldest(1), ids.slice(2, 3));
    assert.equal(await worker.waiting(), 3);
    assert.deepEqual(sorted((await worker.take(3)).map((one) => contentOf(one).id)), sorted(ids.slice(3)));
    await worker.takesNothing('the others were dropped');
  });

  scenario('delayed jobs are dropped last', dropsOldest, async ({ worker, clock }) => {
    const late = [newId(), newId()];
    for (const [index, id] of late.entries()) await worker.publish({ id, readyAt: clock.now() + FAR_MS * (index + 1) });
    const ids = await stored(worker, 1, 1);
    assert.deepEqual(await worker.dropOldest(3).then((dropped) => dropped.slice(0, 2)), ids);
    const left = await worker.dropOldest(5);
    assert.equal(left.length, 1);
    assert.equal(await worker.waiting(), 0);
  });

  scenario('what is active or has failed is never dropped', dropsOldest, async ({ worker }) => {
    await stored(worker, 1, 1, 1);
    const [active, failing] = await worker.take(2);
    assert.ok(active && failing);
    await worker.fail(failing);
    assert.equal((await worker.dropOldest(10)).length, 1);
    assert.deepEqual(await worker.dropOldest(10), []);
    await worker.putBack(active);
    assert.equal((await worker.takeOne()).attempt, 2);
  });

  scenario('a dropped job is told by its id and its name, and its id is free', dropsOldest, async ({ worker }) => {
    for (const id of ['plain', 'with space: ü', newId()]) {
      await worker.publish({ id, name: 'named', payload: { large: 'x'.repeat(30_000) } });
      assert.deepEqual(await worker.drop(1), [{ id, name: 'named', headers: {} }]);
      const [receipt] = await worker.publish({ id });
      assert.notEqual(receipt?.duplicate, true, 'its id is free');
      await worker.complete(await worker.takeOne());
    }
  });

  scenario('of several who drop at the same time, each gives its own', dropsOldest, async (stage) => {
    const both = [stage.worker, await stage.another()];
    const ids = await stored(stage.worker, ...numbers(20).map(() => 1));
    const dropped = await Promise.all(numbers(6).map((index) => both[index % 2].dropOldest(3)));
    assert.equal(new Set(dropped.flat()).size, dropped.flat().length, 'one was given twice');
    const left = (await stage.worker.take(20 - dropped.flat().length)).map((one) => contentOf(one).id);
    assert.deepEqual(sorted([...dropped.flat(), ...left]), sorted(ids));
  });

  scenario('a queue takes as many as its limit, and more once there is room', countsJobs, async (stage) => {
    const by = stage.publisher(stage.worker, { maxJobs: 3 });
    const publish = (payload: number): Promise<unknown> =>
      stage.time.wait('publish to resolve', handled(by.publish('job', payload, { queue: stage.queue })));
    const ends = await Promise.allSettled(numbers(6).map(publish));
    const rejected = ends.filter((end) => end.status === 'rejected').map(({ reason }) => reason as unknown);
    assert.equal(rejected.length, 3);
    assert.ok(rejected.every((error) => error instanceof QueueFullError && error.queue === stage.queue));
    const delivery = await stage.worker.takeOne();
    await publish(6);
    await assert.rejects(publish(7), QueueFullError);
    await stage.worker.complete(delivery);
    assert.deepEqual(payloadsOf(await stage.worker.take(3)), [1, 2, 6]);
  });

  scenario('who waits for room publishes once there is some', countsJobs, async (stage) => {
    const by = stage.publisher(stage.worker, { maxJobs: 1, whenFull: 'wait' });
    const publishing = numbers(4).map((payload) => handled(by.publish('job', payload, { queue: stage.queue })));
    const seen: unknown[] = [];
    for (let taken = 0; taken < 4; taken++) {
      const delivery = await stage.worker.takeOne();
      seen.push(contentOf(delivery).payload);
      await stage.worker.complete(delivery);
    }
    await stage.time.wait('all to be published', Promise.all(publishing));
    assert.deepEqual(seen, [0, 1, 2, 3]);
  });

  scenario('a queue that drops the oldest keeps the latest', dropsOldest, async (stage) => {
    const by = stage.publisher(stage.worker, { maxJobs: 3, whenFull: 'drop-oldest' });
    for (const payload of numbers(7)) {
      await stage.time.wait('publish to resolve', by.publish('job', payload, { queue: stage.queue }));
    }
    assert.deepEqual(payloadsOf(await stage.worker.take(3)), [4, 5, 6]);
    await stage.worker.takesNothing('the others were dropped');
  });

  scenario('a job that is dropped for others frees its unique key', dropsWithRecords, async (stage) => {
    const by = stage.publisher(stage.worker, { maxJobs: 1, whenFull: 'drop-oldest' });
    const publish = (payload: number, options: PublishOptions = {}): Promise<PublishedJob> =>
      stage.time.wait('publish to resolve', by.publish('job', payload, { queue: stage.queue, ...options }));
    await publish(1, { unique: { key: 'a key' } });
    assert.equal((await publish(2, { unique: { key: 'a key' } })).duplicate, true);
    await publish(3);
    assert.notEqual((await publish(4, { unique: { key: 'a key' } })).duplicate, true, 'its key is free');
    assert.deepEqual(payloadsOf(await stage.worker.take(1)), [4]);
  });

  scenario('who waits for the result of a job that is dropped for others is told', dropsWithRecords, async (stage) => {
    const by = stage.publisher(stage.worker, { maxJobs: 1, whenFull: 'drop-oldest' });
    const publish = (keepResult?: string): Promise<PublishedJob> =>
      stage.time.wait(
        'publish to resolve',
        by.publish('job', null, { queue: stage.queue, ...(keepResult && { keepResult }) }),
      );
    const first = await publish('1h');
    const waiting = handled(stage.time.wait('the result to be told', first.result({ timeout: '1h' })));
    await publish();
    await assert.rejects(waiting, (error) => error instanceof JobFailedError && error.reason === 'dropped');
  });

  scenario('a job that has waited longer than its queue allows is never handled', async (stage) => {
    const { delayMs, time, traits } = stage;
    const { id } = await stage.publish('job', 'old');
    await time.pass(2 * delayMs + traits.delayStepMs);
    const crew = stage.crew({ handlers: { job: (payload) => payload }, maxAgeMs: delayMs });
    assert.equal((await crew.hears('expired')).job.id, id);
    await crew.stop();
    assert.equal(crew.calls.length, 0);
  });
});
