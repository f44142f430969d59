import assert from 'node:assert/strict';
import type { JobState, StoredState } from '../core/inspector.js';
import { isUnreadable, type Unreadable } from '../core/message.js';
import { FOREIGN_IDS } from './ids.js';
import { inspects } from './inspectors.js';
import { chapter, keepsHistory } from './scenario.js';
import { contentOf, payloadsOf, sorted } from './stage/draft.js';
import { FAILURE, FAR_MS, STATES } from './stage/standing.js';
import { stood, STORED, type Stored } from './stage/stood.js';

const UNREADABLE: readonly Omit<Unreadable, 'id'>[] = [
  { unreadable: 'it is not UTF-8 text', bytes: Uint8Array.of(0xff, 0xfe, 0x00, 0x80), kind: 'damaged' },
  { unreadable: 'it is not JSON', bytes: Buffer.from('hello'), kind: 'foreign' },
  { unreadable: 'it is no message', bytes: Buffer.from('{"a":1}'), kind: 'foreign' },
];

const waits = inspects({ store: ['waiting'] });

export const restoring = chapter('restoring', (scenario) => {
  for (const state of STORED) {
    scenario(
      `a job that was ${state} elsewhere stands so here`,
      inspects({ store: [state], some: { list: [state] } }),
      async (stage) => {
        const { worker, clock, traits } = stage;
        const expiresAt = clock.now() + 2 * FAR_MS;
        const draft = { id: 'an-id', name: 'send', payload: { a: 'é' }, priority: 7, headers: { b: '1' } };
        const given = stood(
          stage,
          state,
          { ...draft, expiresAt, maxAttempts: 9 },
          { attempts: 3, failures: [FAILURE] },
        );
        await worker.inspected.stores(given);
        for (const by of [worker, await stage.another()]) {
          const job = await by.inspected.single(state);
          assert.ok(!isUnreadable(job.content), 'it can be read');
          const { id, name, payload, priority, headers, publishedAt, ...rest } = job.content;
          assert.deepEqual({ id, name, payload, priority, headers: { ...headers } }, draft);
          assert.deepEqual([rest.expiresAt, rest.maxAttempts], [expiresAt, 9]);
          assert.equal(publishedAt, 'publishedAt' in given.content ? given.content.publishedAt : undefined);
          assert.equal(job.attempts, 3);
          if (traits.history) assert.deepEqual(job.failures, [FAILURE]);
          if (state === 'failed') assert.equal(job.reason, 'so it was');
        }
        const { list } = worker.inspected.inspector.abilities;
        for (const other of STATES.filter((each) => each !== state && list[each] === 'all')) {
          assert.deepEqual(await worker.inspected.all(other), [], `it is ${state}, and not ${other}`);
        }
        if (state !== 'waiting') await worker.takesNothing(`it is ${state}`);
      },
    );
  }

  scenario('a stored job that waits is handled, and its attempts go on', waits, async (stage) => {
    const { worker } = stage;
    await worker.inspected.stores(stood(stage, 'waiting', { payload: 'moved', attemptsUsed: 1 }, { attempts: 2 }));
    const delivery = await worker.takeOne();
    assert.deepEqual([contentOf(delivery).payload, delivery.attempt], ['moved', 3]);
    await worker.putBack(delivery);
    const again = await worker.takeOne();
    assert.equal(again.attempt, 4);
    await worker.complete(again);
    await worker.takesNothing('it was stored once');
  });

  scenario('the failures of a stored job go along', inspects({ store: ['waiting'] }, keepsHistory), async (stage) => {
    const { worker } = stage;
    const failures = [FAILURE, { ...FAILURE, attempt: 2 }];
    await worker.inspected.stores(stood(stage, 'waiting', {}, { attempts: 2, failures }));
    assert.deepEqual((await worker.takeOne()).failures, failures);
  });

  scenario('a stored job whose delay was cut short is handled at once', waits, async (stage) => {
    const readyAt = stage.clock.now() + FAR_MS;
    const crew = stage.crew({ handlers: { job: (payload) => payload } });
    await stage.worker.inspected.stores(
      stood(stage, 'waiting', { payload: 'now', readyAt }, { readyAt: readyAt - 2 * FAR_MS }),
    );
    assert.equal((await crew.hears('completed')).result, 'now');
    assert.deepEqual(crew.told('handedBack'), []);
  });

  scenario(
    'a stored job that is delayed is handed out, and not before its time',
    inspects({ store: ['delayed'] }),
    async (stage) => {
      const { worker, clock, delayMs } = stage;
      const readyAt = clock.now() + 2 * delayMs;
      await worker.inspected.stores(
        stood(
          stage,
          'delayed',
          { payload: 'later', priority: 9, readyAt: readyAt - delayMs },
          { readyAt, attempts: 1 },
        ),
        stood(stage, 'delayed', { payload: 'far', priority: 0 }),
      );
      const delivery = await worker.takeOne();
      assert.deepEqual([contentOf(delivery).payload, contentOf(delivery).priority, delivery.attempt], ['later', 9, 2]);
      assert.ok(worker.takenAtOf(delivery) >= readyAt, 'before its time');
      await worker.takesNothing('the other is due in an hour');
    },
  );

  scenario('stored jobs are served in the order of storing, the most urgent first', waits, async (stage) => {
    const { worker } = stage;
    const priorities = [5, 1024, 0, 5, 5, 1024, 0];
    const jobs = priorities.map((priority, payload) => stood(stage, 'waiting', { payload, priority }));
    await worker.inspected.stores(...jobs.slice(0, 4));
    await worker.inspected.stores(...jobs.slice(4));
    await worker.publish({ payload: 'published after', priority: 5 });
    assert.deepEqual(payloadsOf(await worker.take(8, 1)), [2, 6, 0, 3, 4, 'published after', 1, 5]);
  });

  scenario('a stored job is handed out to a reserve that waits', waits, async (stage) => {
    const other = await stage.another();
    const taking = stage.worker.take(1);
    await stage.time.pass(stage.worker.quietMs);
    await other.inspected.stores(stood(stage, 'waiting', { payload: 'moved' }));
    assert.deepEqual(payloadsOf(await taking), ['moved']);
  });

  scenario(
    'a stored job that has failed can be retried',
    inspects({ store: ['failed'], some: { list: ['failed'], retry: true } }),
    async (stage) => {
      const { worker } = stage;
      const draft = { id: 'an-id', payload: 'moved', priority: 7, attemptsUsed: 2 };
      await worker.inspected.stores(stood(stage, 'failed', draft, { attempts: 20, failures: [FAILURE] }));
      await worker.inspected.changes({ kind: 'retry' }, await worker.inspected.single('failed'));
      const delivery = await worker.takeOne();
      const { id, payload, priority } = contentOf(delivery);
      assert.deepEqual([id, payload, priority, delivery.attempt], ['an-id', 'moved', 7, 1]);
    },
  );

  scenario(
    'ids of others are kept, however odd, and none is taken for another',
    inspects({ store: ['waiting', 'failed'], list: ['failed'] }),
    async (stage) => {
      const { worker } = stage;
      const failed = FOREIGN_IDS.map((id, payload) => stood(stage, 'failed', { id, payload }));
      const waiting = FOREIGN_IDS.map((id, payload) => stood(stage, 'waiting', { id, payload }));
      const there = worker.on(`${stage.queue}-failed`);
      await there.inspected.stores(...failed);
      await worker.inspected.stores(...waiting);
      assert.deepEqual(sorted(await there.inspected.ids('failed')), sorted(FOREIGN_IDS));
      const taken = await worker.take(FOREIGN_IDS.length);
      assert.deepEqual(
        taken.map((delivery) => [contentOf(delivery).id, contentOf(delivery).payload]),
        FOREIGN_IDS.map((id, payload) => [id, payload]),
      );
    },
  );

  scenario(
    'what can’t be read comes back so, with its bytes',
    inspects({ store: ['waiting', 'failed'], list: ['failed'] }),
    async (stage) => {
      const { worker } = stage;
      const contents = UNREADABLE.map((one, index) => ({ ...one, id: `bytes-${index}` }));
      const stored = (state: JobState): StoredState[] =>
        contents.map((content) => ({ ...stood(stage, state as Stored), content, attempts: 1 }));
      const check = (content: unknown, index: number): void => {
        assert.ok(isUnreadable(content as Unreadable), `${JSON.stringify(content)} can’t be read`);
        const { bytes, kind } = content as Unreadable;
        assert.deepEqual([Buffer.from(bytes), kind], [Buffer.from(contents[index].bytes), contents[index].kind]);
      };
      const there = worker.on(`${stage.queue}-failed`);
      await there.inspected.stores(...stored('failed'));
      const failed = await there.inspected.all('failed');
      const size = ({ content }: { readonly content: unknown }): number => (content as Unreadable).bytes.length;
      const bySize = [...failed].sort((a, b) => size(a) - size(b));
      bySize.forEach(({ content }, index) => check(content, index));
      await worker.inspected.stores(...stored('waiting'));
      const taken = await worker.take(contents.length, 1);
      taken.forEach(({ content, attempt }, index) => {
        check(content, index);
        assert.equal(attempt, 2);
      });
    },
  );

  scenario(
    'what is too large is refused by itself, with a reason',
    {
      exempt: (concern) =>
        waits.exempt?.(concern) ?? (concern.traits.maxBytes === undefined ? 'traits.maxBytes is undefined' : undefined),
    },
    async (stage) => {
      const { worker, traits } = stage;
      const payload = 'x'.repeat((traits.maxBytes ?? 0) + 1);
      const jobs = ['before', payload, 'after'].map((each) => stood(stage, 'waiting', { payload: each }));
      const [before, refused, after] = await worker.inspected.store(...jobs);
      assert.deepEqual([before, after], ['stored', 'stored']);
      assert.ok(typeof refused === 'object' && refused.refused.length > 0, `got ${JSON.stringify(refused)}`);
      assert.deepEqual(payloadsOf(await worker.take(2, 1)), ['before', 'after']);
    },
  );
});
