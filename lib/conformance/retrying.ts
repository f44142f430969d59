import assert from 'node:assert/strict';
import type { JobChange } from '../core/inspector.js';
import { inspects } from './inspectors.js';
import { chapter, findsDuplicates, keepsHistory } from './scenario.js';
import { contentOf, payloadsOf } from './stage/draft.js';
import { FAILURE, FAR_MS } from './stage/standing.js';

const RETRY: JobChange = { kind: 'retry' };
const retries = inspects({ some: { list: ['failed'], retry: true } });

export const retrying = chapter('retrying', (scenario) => {
  scenario('a failed job that is retried runs again as it was, with fresh attempts', retries, async (stage) => {
    const { worker, clock } = stage;
    const expiresAt = clock.now() + FAR_MS;
    const draft = { id: 'an-id', name: 'send', payload: { a: 'é' }, priority: 7, headers: { b: '1' } };
    await worker.publish({ ...draft, expiresAt, maxAttempts: 5, attemptsUsed: 2 });
    await worker.putBack(await worker.takeOne(), { failures: [FAILURE] });
    await worker.fail(await worker.takeOne(), [FAILURE, { ...FAILURE, attempt: 2 }]);
    await worker.inspected.changes(RETRY, await worker.inspected.single('failed'));
    const again = await worker.takeOne();
    const { id, name, payload, priority, headers, ...rest } = contentOf(again);
    assert.deepEqual({ id, name, payload, priority, headers: { ...headers } }, draft);
    assert.deepEqual([rest.expiresAt, rest.maxAttempts, again.attempt], [expiresAt, 5, 1]);
    assert.deepEqual(await worker.inspected.all('failed'), []);
    await worker.putBack(again);
    const second = await worker.takeOne();
    assert.equal(second.attempt, 2);
    await worker.fail(second);
    await worker.inspected.changes(RETRY, await worker.inspected.single('failed'));
    assert.equal((await worker.takeOne()).attempt, 1, 'fresh each time');
    await worker.takesNothing('it was retried once each time');
  });

  scenario('a retried job is handled by the core, whose attempts it has all', retries, async (stage) => {
    let fails = true;
    const crew = stage.crew({
      handlers: {
        job: (payload) => {
          if (fails) throw new Error('not yet');
          return payload;
        },
      },
    });
    await stage.publish('job', 'done', { attempts: 2 });
    await crew.hears('failed');
    fails = false;
    await stage.worker.inspected.changes(RETRY, await stage.worker.inspected.single('failed'));
    assert.equal((await crew.hears('completed')).job.attempt, 1);
    assert.equal(crew.calls.length, 3);
  });

  scenario('a retried job stands behind its equals', retries, async ({ worker }) => {
    await worker.publish({ payload: 'retried' });
    await worker.fail(await worker.takeOne());
    await worker.publish({ payload: 'less urgent', priority: 2_000 }, { payload: 'first' }, { payload: 'second' });
    await worker.inspected.changes(RETRY, await worker.inspected.single('failed'));
    assert.deepEqual(payloadsOf(await worker.take(4, 1)), ['first', 'second', 'retried', 'less urgent']);
  });

  scenario('a retried job is handed out to a reserve that waits', retries, async (stage) => {
    const other = await stage.another();
    await stage.worker.publish({ payload: 'again' });
    await stage.worker.fail(await stage.worker.takeOne());
    const taking = stage.worker.take(1);
    await stage.time.pass(stage.worker.quietMs);
    await other.inspected.changes(RETRY, await other.inspected.single('failed'));
    assert.deepEqual(payloadsOf(await taking), ['again']);
  });

  scenario(
    'the id of a retried job stays taken',
    inspects({ some: { list: ['failed'], retry: true } }, findsDuplicates),
    async (stage) => {
      const { worker } = stage;
      const other = await stage.another();
      await worker.publish({ id: 'an-id', payload: 'first' });
      await worker.fail(await worker.takeOne());
      await worker.inspected.changes(RETRY, await worker.inspected.single('failed'));
      for (const by of [worker, other]) {
        const [receipt] = await by.publish({ id: 'an-id', payload: 'second' });
        assert.equal(receipt?.duplicate, true);
      }
      const again = await worker.takeOne();
      await worker.complete(again);
      const [receipt] = await other.publish({ id: 'an-id', payload: 'third' });
      assert.equal(receipt?.duplicate, false, 'it is free once the job has completed');
      assert.deepEqual(payloadsOf(await worker.take(1)), ['third']);
    },
  );

  scenario(
    'a retried job that fails again tells of its last failure',
    inspects({ some: { list: ['failed'], retry: true } }, keepsHistory),
    async ({ worker }) => {
      await worker.publish({});
      await worker.fail(await worker.takeOne(), [{ ...FAILURE, worker: 'before' }]);
      await worker.inspected.changes(RETRY, await worker.inspected.single('failed'));
      await worker.fail(await worker.takeOne(), [FAILURE]);
      const failed = await worker.inspected.single('failed');
      assert.deepEqual([failed.attempts, failed.reason, failed.failures.at(-1)], [1, 'no good', FAILURE]);
    },
  );
});
