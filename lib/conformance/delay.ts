import assert from 'node:assert/strict';
import type { Delivery } from '../core/backend.js';
import { LAST_MOMENT } from '../core/time.js';
import { chapter } from './scenario.js';
import { contentOf, numbers, payloadsOf, sorted } from './stage/draft.js';
import type { Worker } from './stage/worker.js';

const DAY_MS = 24 * 3_600_000;

function assertNotEarly(worker: Worker, delivery: Delivery, readyAt: number): void {
  const early = readyAt - worker.takenAtOf(delivery);
  assert.ok(early <= 0, `${JSON.stringify(contentOf(delivery).payload)} was handed out ${early} ms before its time`);
}

export const delay = chapter('delay', (scenario) => {
  scenario('a delayed job is handed out, and not before its time', async (stage) => {
    const { worker, clock, time, delayMs, traits } = stage;
    const readyAt = clock.now() + delayMs;
    await worker.publish({ readyAt });
    const delivery = await worker.takeOne();
    assertNotEarly(worker, delivery, readyAt);
    const late = worker.takenAtOf(delivery) - readyAt;
    if (time.isVirtual) assert.ok(late <= traits.delayStepMs, `it was handed out ${late} ms after its time`);
  });

  scenario('a delay is rounded up, whatever its length', async ({ worker, clock, delayMs, traits }) => {
    const now = clock.now();
    const times = [1, 7, delayMs + 1, Math.round(delayMs + traits.delayStepMs / 2), delayMs + 13].map((ms) => now + ms);
    await worker.publish(...times.map((readyAt) => ({ readyAt, payload: readyAt })));
    for (const delivery of await worker.take(times.length, 1)) {
      assertNotEarly(worker, delivery, contentOf(delivery).payload as number);
    }
  });

  scenario('a delayed job falls due while nobody reserves', async ({ worker, clock, time, delayMs, traits }) => {
    await worker.publish({ payload: 'due', readyAt: clock.now() + delayMs });
    await time.pass(delayMs + 2 * traits.delayStepMs);
    assert.deepEqual(payloadsOf(await worker.take(1)), ['due']);
  });

  scenario('a job published while a reserve waits falls due for it', async ({ worker, clock, time, delayMs }) => {
    const taking = worker.take(1);
    await time.pass(worker.quietMs);
    const readyAt = clock.now() + delayMs;
    await worker.publish({ readyAt });
    const [delivery] = await taking;
    assert.ok(delivery);
    assertNotEarly(worker, delivery, readyAt);
  });

  scenario('a delayed job holds up no other, though it is more urgent', async ({ worker, clock }) => {
    const readyAt = clock.now() + DAY_MS;
    await worker.publish(
      ...numbers(20).map((payload) => ({ payload, priority: 0, readyAt })),
      ...numbers(3).map((index) => ({ payload: `now ${index}`, priority: 5_000 })),
    );
    assert.deepEqual(payloadsOf(await worker.take(3)), ['now 0', 'now 1', 'now 2']);
    await worker.takesNothing('the others are due tomorrow');
  });

  scenario('a shorter delay falls due before a longer one that was published first', async (stage) => {
    const { worker, clock, delayMs, traits } = stage;
    const readyAt = clock.now() + delayMs;
    const later = readyAt + DAY_MS + 2 * traits.delayStepMs;
    await worker.publish({ payload: 'tomorrow', readyAt: later });
    await worker.publish({ payload: 'soon', readyAt });
    assert.deepEqual(payloadsOf(await worker.take(1)), ['soon']);
    await worker.takesNothing('the other is due tomorrow');
  });

  scenario('many delayed jobs all come, each once and none before its time', async ({ worker, clock, delayMs }) => {
    const now = clock.now();
    const times = numbers(60).map((index) => now + Math.round((delayMs * ((index * 37) % 60)) / 30));
    await worker.publish(...times.map((readyAt, payload) => ({ readyAt, payload })));
    const taken = await worker.take(60);
    for (const delivery of taken) assertNotEarly(worker, delivery, times[Number(contentOf(delivery).payload)] ?? NaN);
    const payloads = payloadsOf(taken).map(Number);
    assert.deepEqual(
      payloads.sort((a, b) => a - b),
      numbers(60),
    );
  });

  scenario('a moment that has passed is now', async ({ worker, clock, time }) => {
    await worker.publish({ payload: 'long ago', readyAt: 0 }, { payload: 'just now', readyAt: clock.now() });
    await time.pass(1);
    const taken = await time.promptly('jobs without a delay to be handed out', worker.take(2));
    assert.deepEqual(sorted(payloadsOf(taken)), ['just now', 'long ago']);
  });

  scenario('a delay may be as long as times go', async ({ worker, clock, time }) => {
    const inFiftyDays = clock.now() + 50 * DAY_MS;
    await worker.publish({ payload: 'year 9999', readyAt: LAST_MOMENT }, { payload: '50 days', readyAt: inFiftyDays });
    await worker.takesNothing('both lie far ahead');
    if (!time.isVirtual) return;
    await time.pass(49 * DAY_MS);
    await worker.takesNothing('both lie ahead still');
    await time.pass(2 * DAY_MS);
    assert.deepEqual(payloadsOf(await worker.take(1)), ['50 days']);
  });
});
