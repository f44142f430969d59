import assert from 'node:assert/strict';
import { LEAST_PRIORITY } from '../core/message.js';
import { chapter } from './scenario.js';
import { contentOf, messageOf, numbers, payloadsOf } from './stage/draft.js';

/** How many wait while an urgent one arrives; published in parts, for durable ones may cost milliseconds each. */
const CROWD = 1_200;
const PART = 200;

/** A sequence that looks random and is the same in each run. */
function dice(): (sides: number) => number {
  let state = 20_261_121;
  return (sides) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

export const order = chapter('order', (scenario) => {
  scenario('the most urgent is handed out first, whatever the order of publishing', async ({ worker }) => {
    const priorities = [5, 1024, 0, 70_000, 3, 4, 1_000_000, 1, 500, 2];
    for (const priority of priorities) await worker.publish({ priority, payload: priority });
    const inOrder = [...priorities].sort((a, b) => a - b);
    assert.deepEqual(payloadsOf(await worker.take(10, 1)), inOrder);
  });

  scenario('one reserve gives its jobs in order', async ({ worker }) => {
    const priorities = [9, 8, 1, 7, 2];
    await worker.publish(...priorities.map((priority) => ({ priority, payload: priority })));
    assert.deepEqual(payloadsOf(await worker.take(5)), [1, 2, 7, 8, 9]);
  });

  scenario('0 comes first, 1024 between, 4294967295 last', async (stage) => {
    const { worker } = stage;
    await stage.publish('job', 'least', { priority: LEAST_PRIORITY });
    await stage.publish('job', 'default');
    await stage.publish('job', 'most', { priority: 0 });
    await stage.publish('job', 'as most', { priority: -3 });
    assert.deepEqual(payloadsOf(await worker.take(4, 1)), ['most', 'as most', 'default', 'least']);
  });

  scenario('an urgent job that arrives last is handed out first', async ({ worker }) => {
    for (let start = 0; start < CROWD; start += PART) {
      await worker.publish(...numbers(PART).map((index) => ({ payload: start + index })));
    }
    assert.deepEqual(payloadsOf(await worker.take(2, 1)), [0, 1]);
    await worker.publish({ payload: 'urgent', priority: 1 });
    assert.deepEqual(payloadsOf(await worker.take(2, 1)), ['urgent', 2]);
  });

  scenario('equals that one call published are served in its order', async ({ worker }) => {
    await worker.publish(...numbers(200).map((payload) => ({ payload })));
    assert.deepEqual(payloadsOf(await worker.take(200, 7)), numbers(200));
  });

  scenario('equals published one after the other are served in that order', async ({ worker }) => {
    for (const payload of numbers(30)) await worker.publish({ payload });
    assert.deepEqual(payloadsOf(await worker.take(30, 1)), numbers(30));
  });

  scenario('equals published without waiting for each other are served in the order of the calls', async (stage) => {
    const { worker, clock, time } = stage;
    const publishing = numbers(100).map((payload) =>
      worker.backend.publish(worker.queue, [messageOf({ payload }, clock.now())]),
    );
    await time.wait('all publishes to resolve', Promise.all(publishing));
    assert.deepEqual(payloadsOf(await worker.take(100)), numbers(100));
  });

  scenario('the order holds among calls of one and calls of many, in each priority', async (stage) => {
    const { worker, clock, time } = stage;
    const priorityOf = (payload: number): number => [1024, 7, 0][payload % 3];
    const sizes = [1, 4, 1, 9, 2, 1, 12];
    let next = 0;
    const publishing = sizes.map((size) => {
      const messages = numbers(size).map(() => {
        const payload = next++;
        return messageOf({ payload, priority: priorityOf(payload) }, clock.now());
      });
      return worker.backend.publish(worker.queue, messages);
    });
    await time.wait('all publishes to resolve', Promise.all(publishing));
    const inOrder = numbers(30).sort((a, b) => priorityOf(a) - priorityOf(b) || a - b);
    assert.deepEqual(payloadsOf(await worker.take(30, 4)), inOrder);
  });

  scenario('the order holds while jobs are published and taken in turn', async ({ worker }) => {
    const roll = dice();
    const waiting: { priority: number; payload: number }[] = [];
    for (const payload of numbers(150)) {
      const priority = [0, 5, 1024, 1025][roll(4)];
      await worker.publish({ priority, payload });
      waiting.push({ priority, payload });
      if (roll(3) === 0) continue;
      waiting.sort((a, b) => a.priority - b.priority || a.payload - b.payload);
      const delivery = await worker.takeOne();
      assert.equal(contentOf(delivery).payload, waiting.shift()?.payload);
      await worker.complete(delivery);
    }
  });

  scenario('priorities up to traits.exactPriorities keep their exact order', async ({ worker, traits }) => {
    const { exactPriorities } = traits;
    assert.ok(exactPriorities >= 1_000_000, 'every engine keeps 0 to 1,000,000 exactly');
    const edges = [0, 1, 255, 1_024, 32_767, 65_535, 999_999, 2 ** 21 - 1, 2 ** 31 - 1, exactPriorities - 1];
    const pairs = edges.flatMap((edge) => [edge, edge + 1]).filter((priority) => priority <= exactPriorities);
    const inOrder = [...new Set(pairs)].sort((a, b) => a - b);
    await worker.publish(...[...inOrder].reverse().map((priority) => ({ priority, payload: priority })));
    assert.deepEqual(payloadsOf(await worker.take(inOrder.length, 3)), inOrder);
  });

  scenario('priorities are never inverted, however large', async ({ worker }) => {
    const inOrder = [0, 1_000_000, 2 ** 21, 2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, LEAST_PRIORITY - 1, LEAST_PRIORITY];
    await worker.publish(...inOrder.map((priority) => ({ priority, payload: priority })));
    assert.deepEqual(payloadsOf(await worker.take(inOrder.length, 1)), inOrder);
  });

  scenario('a job that comes back keeps its priority', async ({ worker }) => {
    await worker.publish(
      { payload: 'urgent', priority: 1 },
      { payload: 'less' },
      { payload: 'least', priority: 2_000 },
    );
    const [urgent, less] = await worker.take(2, 1);
    assert.ok(urgent && less);
    await worker.putBack(less);
    await worker.putBack(urgent, { countsAttempt: false });
    assert.deepEqual(payloadsOf(await worker.take(3, 1)), ['urgent', 'less', 'least']);
  });

  scenario('a delayed job that falls due is served by its priority', async (stage) => {
    const { worker, clock, time, delayMs, traits } = stage;
    const readyAt = clock.now() + delayMs;
    await worker.publish({ payload: 'urgent', priority: 1, readyAt }, { payload: 'lazy', priority: 2_000, readyAt });
    await worker.publish(...numbers(40).map((payload) => ({ payload })));
    await time.pass(delayMs + 2 * traits.delayStepMs);
    // An engine that looks for due jobs from time to time may give some of the others before.
    const seen: unknown[] = [];
    while (seen.length < 20 && !seen.includes('urgent')) {
      await time.pass(worker.quietMs / 4);
      seen.push(contentOf(await worker.takeOne()).payload);
    }
    assert.ok(seen.includes('urgent'), '20 less urgent ones were handed out before it');
    const rest = payloadsOf(await worker.take(42 - seen.length));
    assert.equal(rest.at(-1), 'lazy');
  });
});
