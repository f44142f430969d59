import assert from 'node:assert/strict';
import { inspects } from './inspectors.js';
import { chapter, findsDuplicates } from './scenario.js';
import { contentOf, numbers, payloadsOf, sorted } from './stage/draft.js';
import { bring, STATES } from './stage/standing.js';
import { stood } from './stage/stood.js';

export const resuming = chapter('resuming', (scenario) => {
  scenario(
    'what is stored the second time is there',
    inspects({ store: ['waiting', 'delayed', 'failed'] }, findsDuplicates),
    async (stage) => {
      const { worker } = stage;
      const other = await stage.another();
      const states = ['failed', 'delayed', 'waiting'] as const;
      const jobs = states.map((state, payload) => stood(stage, state, { id: `id-${state}`, payload }, { attempts: 1 }));
      await worker.inspected.stores(...jobs);
      for (const by of [worker, other])
        assert.deepEqual(await by.inspected.store(...jobs), ['there', 'there', 'there']);
      const next = stood(stage, 'waiting', { id: 'id-next', payload: 'next' });
      assert.deepEqual(await other.inspected.store(jobs[0], next, jobs[2], next), [
        'there',
        'stored',
        'there',
        'there',
      ]);
      assert.deepEqual(payloadsOf(await worker.take(2, 1)), [2, 'next']);
      await worker.takesNothing('each was stored once');
    },
  );

  for (const state of STATES.filter((each) => each !== 'completed' && each !== 'expired')) {
    scenario(
      `a job that is ${state} here is left as it is by one of its id from elsewhere`,
      inspects({ store: ['waiting', 'failed'] }, findsDuplicates),
      async (stage) => {
        const { worker } = stage;
        const other = await stage.another();
        await bring(stage, state, { id: 'an-id', payload: 'here' });
        const given = (['waiting', 'failed'] as const).map((each) =>
          stood(stage, each, { id: 'an-id', payload: 'there' }),
        );
        for (const by of [worker, other]) assert.deepEqual(await by.inspected.store(...given), ['there', 'there']);
        const counts = await worker.inspected.counts();
        for (const each of STATES) assert.equal(counts[each] ?? 0, each === state ? (counts[each] ?? 0) : 0, each);
        if (state === 'waiting') assert.deepEqual(payloadsOf(await worker.take(1)), ['here']);
        await worker.takesNothing('the one from elsewhere was not stored');
      },
    );
  }

  scenario(
    'the id of a stored job is taken as long as it lives',
    inspects({ store: ['waiting', 'delayed', 'failed'] }, findsDuplicates),
    async (stage) => {
      const { worker } = stage;
      const other = await stage.another();
      for (const state of ['failed', 'delayed', 'waiting'] as const) {
        await worker.inspected.stores(stood(stage, state, { id: state, payload: 'moved' }));
        for (const by of [worker, other]) {
          assert.deepEqual(await by.publish({ id: state, payload: 'second' }), [{ duplicate: true }], state);
        }
      }
      const delivery = await worker.takeOne();
      assert.equal(contentOf(delivery).payload, 'moved');
      await worker.complete(delivery);
      assert.deepEqual(await other.publish({ id: 'waiting', payload: 'next' }), [{ duplicate: false }]);
      assert.deepEqual(payloadsOf(await worker.take(1)), ['next']);
    },
  );

  for (const state of ['completed', 'expired'] as const) {
    scenario(
      `the id of a job that was ${state} elsewhere is free`,
      inspects({ store: [state] }, findsDuplicates),
      async (stage) => {
        const { worker } = stage;
        await worker.inspected.stores(stood(stage, state, { id: 'an-id' }));
        assert.deepEqual(await worker.publish({ id: 'an-id', payload: 'next' }), [{ duplicate: false }]);
        assert.deepEqual(payloadsOf(await worker.take(1)), ['next']);
      },
    );
  }

  scenario(
    'many are stored at a time, and answered in their order',
    inspects({ store: ['waiting'] }, findsDuplicates),
    async (stage) => {
      const { worker } = stage;
      const jobs = numbers(150).map((payload) => stood(stage, 'waiting', { id: `id-${payload}`, payload }));
      await worker.inspected.stores(...jobs.filter((_, index) => index % 3 === 0));
      assert.deepEqual(
        await worker.inspected.store(...jobs),
        jobs.map((_, index) => (index % 3 === 0 ? 'there' : 'stored')),
      );
      assert.deepEqual(sorted(payloadsOf(await worker.take(150))), numbers(150));
      assert.deepEqual(await worker.inspected.store(), []);
    },
  );
});
