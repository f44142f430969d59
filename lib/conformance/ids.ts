import assert from 'node:assert/strict';
import { chapter, findsDuplicates, lapsing } from './scenario.js';
import { contentOf, messageOf, numbers, payloadsOf } from './stage/draft.js';
import type { Worker } from './stage/worker.js';

/** Ids that others may give, and that no backend may take for a path, a pattern or a key of its own. */
export const FOREIGN_IDS = [
  '.',
  '..',
  '../../escape',
  '/etc/passwd',
  'a/b',
  'a%2Fb',
  'a_b',
  'a b',
  'A',
  'a',
  'a.meta',
  'a~2',
  '.hidden',
  '-rf',
  '0',
  '42',
  '1:2:3',
  '*',
  '{x}',
  '__proto__',
  'constructor',
  'a\nb',
  'a\r\n',
  'a\0b',
  ' ',
  '🙂',
  '\uD800',
  'e\u0301',
  '\u00e9',
  'é'.repeat(500),
  'x'.repeat(1_000),
  `${'x'.repeat(999)}y`,
];

async function isTaken(worker: Worker, id: string): Promise<boolean | undefined> {
  const [receipt] = await worker.publish({ id, payload: 'second' });
  return receipt?.duplicate;
}

export const ids = chapter('ids', (scenario) => {
  const states: Record<string, (worker: Worker, id: string, now: number) => Promise<unknown>> = {
    'that waits': (worker, id) => worker.publish({ id }),
    'that is delayed': (worker, id, now) => worker.publish({ id, readyAt: now + 3_600_000 }),
    'that is active': async (worker, id) => {
      await worker.publish({ id });
      return worker.takeOne();
    },
    'that failed': async (worker, id) => {
      await worker.publish({ id });
      await worker.fail(await worker.takeOne());
    },
    'that was put back': async (worker, id) => {
      await worker.publish({ id });
      await worker.putBack(await worker.takeOne());
    },
    'that was put back for later': async (worker, id, now) => {
      await worker.publish({ id });
      await worker.putBack(await worker.takeOne(), { at: now + 3_600_000, countsAttempt: false });
    },
  };

  for (const [state, reach] of Object.entries(states)) {
    scenario(`the id of a job ${state} is taken, for its own worker and for others`, findsDuplicates, async (stage) => {
      const other = await stage.another();
      await reach(stage.worker, 'an-id', stage.clock.now());
      assert.equal(await isTaken(stage.worker, 'an-id'), true);
      assert.equal(await isTaken(other, 'an-id'), true);
      assert.equal((await stage.publish('job', 'second', { id: 'an-id' }, other)).duplicate, true);
      assert.ok(!payloadsOf(await other.rest()).includes('second'), 'a duplicate is not stored');
    });
  }

  for (const kind of ['completed', 'expired'] as const) {
    scenario(
      `the id of a job that ${kind === 'completed' ? 'was' : 'has'} ${kind} is free`,
      findsDuplicates,
      async (stage) => {
        const { worker } = stage;
        const other = await stage.another();
        for (const by of [worker, other]) {
          await by.publish({ id: 'an-id', payload: by === other });
          const delivery = await worker.takeOne();
          assert.equal(contentOf(delivery).payload, by === other);
          if (kind === 'completed') await worker.complete(delivery);
          else await worker.expire(delivery);
        }
        assert.equal(await isTaken(other, 'an-id'), false);
        assert.deepEqual(payloadsOf(await worker.take(1)), ['second']);
      },
    );
  }

  scenario('an id stays taken when the worker of its job dies', { ...findsDuplicates, ...lapsing }, async (stage) => {
    const { worker } = stage;
    const dead = await stage.another();
    await worker.publish({ id: 'an-id' });
    await dead.takeOne();
    assert.equal(await isTaken(worker, 'an-id'), true);
    await stage.passLease(1.5);
    assert.equal(await isTaken(worker, 'an-id'), true);
    const second = await worker.takeOne();
    assert.deepEqual([contentOf(second).payload, second.attempt], [null, 2]);
    assert.equal(await isTaken(worker, 'an-id'), true);
  });

  scenario('an id that the core made is found, whatever the state of its job', findsDuplicates, async (stage) => {
    const other = await stage.another();
    for (const delay of [0, 3_600_000]) {
      const { id } = await stage.publish('job', 'first', { delay });
      assert.equal((await stage.publish('job', 'second', { id }, other)).duplicate, true, `delay ${delay}`);
      if (delay > 0) break;
      const first = await stage.worker.takeOne();
      assert.equal((await stage.publish('job', 'second', { id }, other)).duplicate, true, 'active');
      await stage.worker.putBack(first, { at: stage.clock.now() });
      assert.equal((await stage.publish('job', 'second', { id }, other)).duplicate, true, 'put back');
      await stage.worker.fail(await stage.worker.takeOne());
      assert.equal((await stage.publish('job', 'second', { id }, other)).duplicate, true, 'failed');
    }
    await stage.worker.takesNothing('one failed, one is delayed');
  });

  scenario('a duplicate changes nothing of the job that has the id', findsDuplicates, async ({ worker, clock }) => {
    await worker.publish({ id: 'an-id', payload: 'first', priority: 50, headers: { a: '1' } });
    await worker.publish({ payload: 'between', priority: 40 });
    const later = { id: 'an-id', payload: 'second', priority: 0, readyAt: clock.now() + 3_600_000, headers: {} };
    assert.deepEqual(await worker.publish(later), [{ duplicate: true }]);
    const taken = await worker.take(2, 1);
    assert.deepEqual(payloadsOf(taken), ['between', 'first']);
    assert.deepEqual(contentOf(taken[1]).headers, { a: '1' });
    await worker.takesNothing('the second was a duplicate');
  });

  scenario('of one id within one call, the first is stored', findsDuplicates, async ({ worker }) => {
    const drafts = ['a', 'b', 'a', 'c', 'b'].map((id, payload) => ({ id, payload }));
    const receipts = await worker.publish(...drafts);
    assert.deepEqual(
      receipts.map(({ duplicate }) => duplicate),
      [false, false, true, false, true],
    );
    assert.deepEqual(payloadsOf(await worker.take(3)), [0, 1, 3]);
    await worker.takesNothing('the others were duplicates');
  });

  scenario('of one id published by two workers at the same time, one is stored', findsDuplicates, async (stage) => {
    const { worker, clock, time } = stage;
    const other = await stage.another();
    for (const round of numbers(15)) {
      const publishing = [worker, other, worker, other].map((by, payload) =>
        by.backend.publish(by.queue, [messageOf({ id: `id-${round}`, payload }, clock.now())]),
      );
      const receipts = (await time.wait('all publishes to resolve', Promise.all(publishing))).flat();
      const stored = receipts.flatMap(({ duplicate }, index) => (duplicate === false ? [index] : []));
      assert.equal(stored.length, 1, `${stored.length} of four were stored`);
      assert.equal(receipts.filter(({ duplicate }) => duplicate === true).length, 3);
      const delivery = await worker.takeOne();
      assert.equal(contentOf(delivery).payload, stored[0]);
      await worker.complete(delivery);
    }
    await worker.takesNothing('one of each id was stored');
  });

  scenario(
    'where duplicates can’t be found, all are stored and none is said to be one',
    { exempt: ({ traits }) => (traits.findsDuplicates ? 'traits.findsDuplicates is true' : undefined) },
    async ({ worker }) => {
      const receipts = await worker.publish({ id: 'an-id', payload: 0 }, { id: 'an-id', payload: 1 });
      assert.deepEqual(
        receipts.map(({ duplicate }) => duplicate),
        [undefined, undefined],
      );
      assert.deepEqual(payloadsOf(await worker.take(2)), [0, 1]);
    },
  );

  scenario('an id in another queue is another job’s', async ({ worker, queue, traits }) => {
    const other = worker.on(`${queue}-other`);
    await worker.publish({ id: 'an-id', payload: 'here' });
    const [receipt] = await other.publish({ id: 'an-id', payload: 'there' });
    assert.equal(receipt?.duplicate, traits.findsDuplicates ? false : undefined);
    const there = await other.takeOne();
    assert.equal(contentOf(there).payload, 'there');
    await other.complete(there);
    assert.deepEqual(payloadsOf(await worker.take(1)), ['here']);
  });

  scenario('ids of others come back as they were, however odd, and none is taken for another', async (stage) => {
    const { worker, traits } = stage;
    const receipts = await worker.publish(...FOREIGN_IDS.map((id, payload) => ({ id, payload })));
    const duplicate = traits.findsDuplicates ? false : undefined;
    for (const [index, receipt] of receipts.entries()) {
      assert.equal(receipt.duplicate, duplicate, `id ${JSON.stringify(FOREIGN_IDS[index])}`);
    }
    const taken = await worker.take(FOREIGN_IDS.length);
    assert.deepEqual(
      taken.map((delivery) => contentOf(delivery).id),
      FOREIGN_IDS,
    );
    for (const [index, delivery] of taken.entries()) {
      if (index % 2 === 0) await worker.complete(delivery);
      else await worker.fail(delivery);
    }
    for (const [index, id] of FOREIGN_IDS.entries()) {
      if (traits.findsDuplicates) assert.equal(await isTaken(worker, id), index % 2 === 1, `id ${JSON.stringify(id)}`);
    }
  });
});
