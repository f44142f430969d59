import assert from 'node:assert/strict';
import type { ChangeResult, InspectedJob, JobChange, JobState } from '../core/inspector.js';
import { inspects } from './inspectors.js';
import { chapter } from './scenario.js';
import { contentOf, numbers, payloadsOf, sorted } from './stage/draft.js';
import { becomes, bring, STATES } from './stage/standing.js';

const RETRY: JobChange = { kind: 'retry' };
const REMOVE: JobChange = { kind: 'remove' };
const NOW: JobChange = { kind: 'reschedule', at: 0 };
const LATER: JobChange = { kind: 'reschedule', at: Date.UTC(2099, 0) };
const ALL: readonly JobChange[] = [RETRY, REMOVE, NOW, LATER];

/** Keys that no job has, in any engine. */
const FORGED = [
  '',
  '.',
  '..',
  '../../etc/passwd',
  'no-such-key',
  '*',
  '0',
  '-1',
  'a\0b',
  '__proto__',
  'x'.repeat(1_000),
];

const able = {
  list: ['waiting', 'delayed', 'failed'],
  retry: true,
  remove: ['waiting', 'delayed', 'failed'],
} as const;
/** For scenarios of many jobs, and for those of one in a state. */
const whole = inspects(able);
const each = inspects({ some: able });

export const changing = chapter('changing', (scenario) => {
  for (const state of ['waiting', 'delayed', 'completed', 'failed', 'expired'] as const) {
    scenario(
      `a job that is ${state} can be removed, and its id is free`,
      inspects({ some: { list: [state], remove: [state] } }),
      async (stage) => {
        const { worker, traits } = stage;
        const other = await stage.another();
        for (const by of [worker, other]) {
          await bring(stage, state, { id: 'an-id', payload: 'removed' });
          // A reserve that nobody waits for any more may still take it, and then puts it back.
          const listed = (): Promise<InspectedJob[]> => by.inspected.all(state);
          await becomes(stage, `the ${state} job to be listed`, listed, ({ length }) => length === 1);
          await by.inspected.changes(REMOVE, await by.inspected.single(state));
          assert.deepEqual(await by.inspected.all(state), []);
          if (by.inspected.inspector.abilities.get === 'all') assert.deepEqual(await by.inspected.get('an-id'), []);
          await worker.takesNothing('it was removed');
        }
        const [receipt] = await worker.publish({ id: 'an-id', payload: 'next' });
        assert.equal(receipt?.duplicate, traits.findsDuplicates ? false : undefined);
        const next = await worker.takeOne();
        assert.deepEqual([contentOf(next).payload, next.attempt, next.failures], ['next', 1, []]);
      },
    );
  }

  scenario(
    'an active job is its worker’s, and no change touches it',
    inspects({ some: { list: ['waiting', 'active'], remove: ['waiting'] } }),
    async (stage) => {
      const { worker } = stage;
      const { inspected } = worker;
      await worker.publish({ payload: 'active' });
      const before = await inspected.single('waiting');
      const delivery = await worker.takeOne();
      const places = [before, await inspected.single('active')];
      for (const change of ALL.filter(({ kind }) => inspected.can(kind))) {
        assert.deepEqual(await inspected.change(change, ...places), ['changed', 'changed'], change.kind);
      }
      await worker.takesNothing('its worker has it');
      assert.equal(await worker.extend(delivery), true);
      await worker.putBack(delivery);
      assert.equal((await worker.takeOne()).attempt, 2);
    },
  );

  scenario('a job that is in another state than said is left alone', each, async (stage) => {
    const { inspected } = stage.worker;
    for (const state of ['failed', 'delayed', 'waiting'] as const) await bring(stage, state, { id: state });
    const all = [
      await inspected.single('failed'),
      await inspected.single('delayed'),
      await inspected.single('waiting'),
    ];
    for (const { key, state } of all) {
      const others = STATES.filter((other) => other !== state && other !== 'active');
      for (const change of ALL.filter(({ kind }) => inspected.can(kind))) {
        const places = others
          .filter((other) => change.kind !== 'remove' || inspected.removes(other))
          .map((other) => ({ key, state: other }));
        const results = await inspected.change(change, ...places);
        assert.deepEqual([...new Set(results)], ['changed'], `${change.kind} of a ${state} job`);
      }
    }
    for (const state of ['failed', 'delayed', 'waiting'] as const)
      assert.deepEqual(await inspected.ids(state), [state]);
    const waiting = await inspected.single('waiting');
    assert.deepEqual(await inspected.change(RETRY, waiting), ['changed'], 'only failed jobs are retried');
    if (inspected.can('reschedule')) {
      assert.deepEqual(await inspected.change(LATER, await inspected.single('failed')), ['changed'], 'it has failed');
    }
    assert.deepEqual(payloadsOf(await stage.worker.take(1)), [null]);
  });

  scenario('a job that went on or is gone is left alone', each, async ({ worker }) => {
    const { inspected } = worker;
    await worker.publish({ payload: 'first' });
    await worker.fail(await worker.takeOne());
    const failed = await inspected.single('failed');
    await inspected.changes(RETRY, failed);
    for (const change of [RETRY, REMOVE]) assert.deepEqual(await inspected.change(change, failed), ['changed']);
    const waiting = await inspected.single('waiting');
    const delivery = await worker.takeOne();
    assert.deepEqual(await inspected.change(REMOVE, waiting), ['changed']);
    await worker.complete(delivery);
    assert.deepEqual(await inspected.change(REMOVE, waiting, failed), ['changed', 'changed']);
    await worker.publish({ payload: 'second' });
    await inspected.changes(REMOVE, await inspected.single('waiting'));
    await worker.takesNothing('all are gone');
  });

  scenario('a key that no job has changes nothing', each, async (stage) => {
    const { inspected } = stage.worker;
    for (const state of ['failed', 'delayed', 'waiting'] as const) await bring(stage, state);
    const states: readonly JobState[] = ['failed', 'delayed', 'waiting'];
    for (const change of ALL.filter(({ kind }) => inspected.can(kind))) {
      const places = FORGED.flatMap((key) => states.map((state) => ({ key, state })));
      assert.deepEqual([...new Set(await inspected.change(change, ...places))], ['changed'], change.kind);
    }
    for (const state of states) assert.equal((await inspected.all(state)).length, 1, state);
  });

  scenario('jobs of one queue are not another’s', each, async (stage) => {
    const there = stage.worker.on(`${stage.queue}-other`);
    await bring(stage, 'failed', { id: 'an-id', payload: 'there' }, there);
    await bring(stage, 'failed', { id: 'an-id', payload: 'here' });
    await stage.worker.inspected.changes(RETRY, await stage.worker.inspected.single('failed'));
    await stage.worker.complete(await stage.worker.takeOne());
    await there.takesNothing('it was not retried');
    assert.deepEqual(await stage.worker.inspected.change(REMOVE, await there.inspected.single('failed')), ['changed']);
    assert.deepEqual(await there.inspected.ids('failed'), ['an-id']);
  });

  scenario('many are changed at a time, each by itself, and answered in their order', whole, async (stage) => {
    const { worker } = stage;
    const count = 150;
    await worker.publish(...numbers(count).map((payload) => ({ payload })));
    for (const delivery of await worker.take(count)) await worker.fail(delivery);
    const failed = await worker.inspected.all('failed');
    const [removed, kept] = [failed.slice(0, 30), failed.slice(30)];
    await worker.inspected.changes(REMOVE, ...removed);
    const mixed = [...kept.slice(0, 50), ...removed, ...kept.slice(50)];
    const expected = mixed.map((job): ChangeResult => (removed.includes(job) ? 'changed' : 'done'));
    assert.deepEqual(await worker.inspected.change(RETRY, ...mixed), expected);
    const payloads = sorted(kept.map(({ content }) => ('payload' in content ? content.payload : undefined)));
    assert.deepEqual(sorted(payloadsOf(await worker.take(kept.length))), payloads);
    await worker.takesNothing('the others were removed');
    assert.deepEqual(await worker.inspected.change(RETRY), []);
  });

  scenario('of one job given twice, the first is done', each, async ({ worker }) => {
    for (const change of [RETRY, REMOVE]) {
      await worker.publish({});
      await worker.fail(await worker.takeOne());
      const failed = await worker.inspected.single('failed');
      assert.deepEqual(await worker.inspected.change(change, failed, failed), ['done', 'changed'], change.kind);
    }
    await worker.complete(await worker.takeOne());
    await worker.takesNothing('one was retried, one removed');
  });

  for (const change of [RETRY, REMOVE]) {
    scenario(`of several who ${change.kind} the same job at the same time, one does it`, each, async (stage) => {
      const { worker, time } = stage;
      const other = await stage.another();
      for (const round of numbers(10)) {
        await worker.publish({ payload: round });
        await worker.fail(await worker.takeOne());
        const failed = await worker.inspected.single('failed');
        const by = [worker, other, worker, other];
        const results = await time.wait(
          'all changes to resolve',
          Promise.all(by.map(({ inspected }) => inspected.inspector.change(stage.queue, [failed], change))),
        );
        assert.deepEqual(sorted(results.flat()), ['changed', 'changed', 'changed', 'done']);
        if (change.kind === 'retry') await worker.complete(await worker.takeOne());
      }
      await worker.takesNothing(`each was to be ${change.kind === 'retry' ? 'retried once' : 'removed'}`);
    });
  }

  scenario('a job is removed or handed out, never both', whole, async (stage) => {
    const { worker, time } = stage;
    const other = await stage.another();
    const count = 40;
    await worker.publish(...numbers(count).map((payload) => ({ id: `job-${payload}`, payload })));
    const waiting = await worker.inspected.all('waiting');
    const removing = waiting.map((job) => other.inspected.inspector.change(stage.queue, [job], REMOVE));
    const some = await worker.rest();
    const results = (await time.wait('all changes to resolve', Promise.all(removing))).flat();
    const taken = [...some, ...(await worker.rest())].map((delivery) => contentOf(delivery).id);
    const removed = waiting.filter((_, index) => results[index] === 'done').map(({ content }) => content.id);
    assert.deepEqual(sorted([...taken, ...removed]), sorted(waiting.map(({ content }) => content.id)));
  });
});
