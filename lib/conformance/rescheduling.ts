import assert from 'node:assert/strict';
import type { JobChange } from '../core/inspector.js';
import { inspects } from './inspectors.js';
import { chapter, keepsHistory } from './scenario.js';
import { contentOf, payloadsOf } from './stage/draft.js';
import { bring, FAILURE, FAR_MS } from './stage/standing.js';

const NOW: JobChange = { kind: 'reschedule', at: 0 };
const at = (moment: number): JobChange => ({ kind: 'reschedule', at: moment });

const reschedules = inspects({ some: { list: ['waiting', 'delayed'], reschedule: true } });

export const rescheduling = chapter('rescheduling', (scenario) => {
  scenario('a delayed job that is to run now is handled now, at no cost', reschedules, async (stage) => {
    const crew = stage.crew({ handlers: { job: (payload) => payload } });
    await stage.publish('job', 'payload', { delay: FAR_MS, attempts: 1 });
    await stage.worker.inspected.changes(NOW, await stage.worker.inspected.single('delayed'));
    const { job, result } = await crew.hears('completed');
    assert.deepEqual([job.attempt, result], [1, 'payload']);
    assert.deepEqual(crew.told('handedBack'), []);
  });

  scenario('what is to run now stays so when it comes back', reschedules, async (stage) => {
    let calls = 0;
    const crew = stage.crew({
      handlers: {
        job: () => {
          calls += 1;
          if (calls === 1) throw new Error('not yet');
        },
      },
    });
    await stage.publish('job', 'payload', { delay: FAR_MS, attempts: 2 });
    await stage.worker.inspected.changes(NOW, await stage.worker.inspected.single('delayed'));
    assert.equal((await crew.hears('completed')).job.attempt, 2);
  });

  scenario('a delayed job that is to run earlier is handed out then, and not before', reschedules, async (stage) => {
    const { worker, clock, delayMs } = stage;
    await bring(stage, 'delayed', { payload: 'earlier', priority: 9 });
    const moment = clock.now() + 4 * delayMs;
    await worker.inspected.changes(at(moment), await worker.inspected.single('delayed'));
    const delayed = await worker.inspected.all('delayed');
    if (clock.now() >= moment) stage.tooSlow('the job was due before it was looked at');
    assert.equal(delayed.length, 1);
    const { readyAt } = delayed[0];
    if (readyAt !== undefined) assert.ok(Math.abs(readyAt - moment) <= stage.traits.delayStepMs, `told ${readyAt}`);
    const delivery = await worker.takeOne();
    assert.ok(worker.takenAtOf(delivery) >= moment, 'before its time');
    assert.deepEqual([contentOf(delivery).priority, delivery.attempt], [9, 1]);
    assert.ok((contentOf(delivery).readyAt ?? 0) <= worker.takenAtOf(delivery), 'or the core puts it back');
  });

  scenario('a job that is to run later stays away until then', reschedules, async (stage) => {
    const { worker, clock, delayMs } = stage;
    for (const state of ['waiting', 'delayed'] as const) {
      const readyAt = clock.now() + 3 * delayMs;
      await bring(stage, state, { payload: state, ...(state === 'delayed' ? { readyAt } : {}) });
      const moment = clock.now() + 6 * delayMs;
      const results = await worker.inspected.change(at(moment), ...(await worker.inspected.all(state)));
      if (clock.now() >= readyAt) stage.tooSlow('the job was due before it was given another time');
      assert.deepEqual(results, ['done']);
      const [delayed, waiting] = [await worker.inspected.ids('delayed'), await worker.inspected.ids('waiting')];
      if (clock.now() >= moment) stage.tooSlow('the job was due before it was looked at');
      assert.deepEqual([delayed.length, waiting.length], [1, 0]);
      const delivery = await worker.takeOne();
      assert.equal(contentOf(delivery).payload, state);
      assert.ok(worker.takenAtOf(delivery) >= moment, `${moment - worker.takenAtOf(delivery)} ms before its time`);
      await worker.complete(delivery);
    }
  });

  scenario('a job that is to run now is handed out to a reserve that waits', reschedules, async (stage) => {
    const other = await stage.another();
    await bring(stage, 'delayed', { payload: 'now' });
    const taking = stage.worker.take(1);
    await stage.time.pass(stage.worker.quietMs);
    await other.inspected.changes(NOW, await other.inspected.single('delayed'));
    assert.deepEqual(payloadsOf(await taking), ['now']);
  });

  scenario('a job that is to run at another time keeps all else', reschedules, async (stage) => {
    const { worker, clock } = stage;
    const expiresAt = clock.now() + 2 * FAR_MS;
    const draft = { id: 'an-id', name: 'send', payload: { a: 'é' }, priority: 7, headers: { b: '1' } };
    await worker.publish({ ...draft, expiresAt, attemptsUsed: 1 });
    await worker.putBack(await worker.takeOne());
    await worker.inspected.changes(at(clock.now() + FAR_MS), await worker.inspected.single('waiting'));
    await worker.publish({ payload: 'urgent', priority: 6 }, { payload: 'less urgent', priority: 8 });
    await worker.inspected.changes(NOW, await worker.inspected.single('delayed'));
    const [urgent, delivery, other] = await worker.take(3, 1);
    assert.ok(urgent && delivery && other);
    assert.deepEqual(payloadsOf([urgent, other]), ['urgent', 'less urgent']);
    const { id, name, payload, priority, headers, expiresAt: until } = contentOf(delivery);
    assert.deepEqual({ id, name, payload, priority, headers: { ...headers } }, draft);
    assert.deepEqual([until, delivery.attempt], [expiresAt, 3]);
    const [receipt] = await worker.publish({ id: 'an-id' });
    assert.equal(receipt?.duplicate, stage.traits.findsDuplicates ? true : undefined);
  });

  scenario(
    'a job that is to run at another time keeps its failures',
    inspects({ some: { list: ['waiting', 'delayed'], reschedule: true } }, keepsHistory),
    async (stage) => {
      const { worker, clock } = stage;
      await worker.publish({});
      await worker.putBack(await worker.takeOne(), { at: clock.now() + FAR_MS, failures: [FAILURE] });
      await worker.inspected.changes(NOW, await worker.inspected.single('delayed'));
      assert.deepEqual((await worker.inspected.single('waiting')).failures, [FAILURE]);
      const delivery = await worker.takeOne();
      assert.deepEqual([delivery.attempt, delivery.failures], [2, [FAILURE]]);
    },
  );

  scenario('a job whose delay was changed is there once', reschedules, async (stage) => {
    const { worker, clock } = stage;
    await bring(stage, 'delayed', { id: 'an-id' });
    for (const moment of [clock.now() + FAR_MS / 2, clock.now() + 2 * FAR_MS, clock.now() + FAR_MS]) {
      await worker.inspected.changes(at(moment), await worker.inspected.single('delayed'));
      assert.deepEqual(await worker.inspected.ids('delayed'), ['an-id']);
    }
    await worker.inspected.changes(NOW, await worker.inspected.single('delayed'));
    await worker.complete(await worker.takeOne());
    await worker.takesNothing('it was there once');
    assert.deepEqual(await worker.inspected.all('delayed'), []);
  });
});
