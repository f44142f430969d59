import assert from 'node:assert/strict';
import { FatalError, TransientError } from '../core/errors.js';
import type { PublishedJob } from '../core/published-job.js';
import type { UniqueOptions } from '../core/unique.js';
import { chapter, keepsRecords, lapsing } from './scenario.js';
import { contentOf, numbers, payloadsOf } from './stage/draft.js';
import type { Stage } from './stage/stage.js';
import type { Worker } from './stage/worker.js';

function publish(
  stage: Stage,
  payload: unknown,
  unique: Partial<UniqueOptions> = {},
  by?: Worker,
): Promise<PublishedJob> {
  return stage.publish('job', payload, { unique: { key: 'a key', ...unique } }, by);
}

export const unique = chapter('unique', (scenario) => {
  scenario('of one key, one job waits; the publisher of another is told which', keepsRecords, async (stage) => {
    const other = await stage.another();
    const first = await publish(stage, 1);
    for (const by of [stage.worker, other]) {
      const second = await publish(stage, 2, {}, by);
      assert.deepEqual([second.id, second.duplicate], [first.id, true]);
    }
    assert.notEqual((await publish(stage, 3, { key: 'another' })).duplicate, true);
    const named = await stage.publish('other', 4, { unique: { key: 'a key' } });
    assert.notEqual(named.duplicate, true, 'a job of another name has keys of its own');
    assert.deepEqual(payloadsOf(await stage.worker.take(3)), [1, 3, 4]);
    await stage.worker.takesNothing('the others were not unique');
  });

  scenario('of one key published by two workers at the same time, one is stored', keepsRecords, async (stage) => {
    const other = await stage.another();
    for (const round of numbers(10)) {
      const key = `key ${round}`;
      const publishing = [stage.worker, other, stage.worker, other].map((by, n) => publish(stage, n, { key }, by));
      const published = await Promise.all(publishing);
      const stored = published.filter(({ duplicate }) => duplicate !== true);
      assert.equal(stored.length, 1, `${stored.length} of four were stored`);
      assert.deepEqual(new Set(published.map(({ id }) => id)).size, 1, 'all are told of the one');
    }
    assert.equal((await stage.worker.take(10)).length, 10);
    await stage.worker.takesNothing('one of each key was stored');
  });

  scenario('a key is free once its job has completed or failed, and not before', keepsRecords, async (stage) => {
    for (const end of ['completed', 'failed'] as const) {
      let finish = (): void => undefined;
      const finished = new Promise<void>((resolve) => (finish = resolve));
      const crew = stage.crew({
        handlers: {
          job: async () => {
            await finished;
            if (end === 'failed') throw new FatalError('no');
          },
        },
      });
      await publish(stage, end, { key: end });
      await crew.hears('started');
      assert.equal((await publish(stage, 'second', { key: end })).duplicate, true, 'while it is active');
      finish();
      await crew.hears(end);
      await crew.stop();
      assert.notEqual((await publish(stage, 'third', { key: end })).duplicate, true, `once it has ${end}`);
      await stage.worker.complete(await stage.worker.takeOne());
    }
  });

  scenario('a job that is retried keeps its key', keepsRecords, async (stage) => {
    const handle = (): Promise<never> => Promise.reject(new TransientError('busy'));
    const crew = stage.crew({ handlers: { job: { handle, attempts: 1_000 } } });
    const first = await publish(stage, 1);
    await crew.hears('retried');
    await crew.stop();
    assert.deepEqual((await publish(stage, 2)).id, first.id);
  });

  scenario('a key of jobs that wait is free while one is handled', keepsRecords, async (stage) => {
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    const crew = stage.crew({ handlers: { job: () => finished }, concurrency: 1 });
    await publish(stage, 1, { while: 'waiting' });
    await crew.hears('started');
    const second = await publish(stage, 2, { while: 'waiting' });
    assert.notEqual(second.duplicate, true, 'nothing waits');
    assert.equal((await publish(stage, 3, { while: 'waiting' })).id, second.id, 'the second waits');
    finish();
    await crew.hears('completed', 2);
  });

  scenario('a key of active jobs is taken only while one is handled', keepsRecords, async (stage) => {
    let finish = (): void => undefined;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    await publish(stage, 1, { while: 'active' });
    assert.notEqual((await publish(stage, 2, { while: 'active' })).duplicate, true, 'both may wait');
    const crew = stage.crew({ handlers: { job: () => finished }, concurrency: 1 });
    const { job } = await crew.hears('started');
    const third = await publish(stage, 3, { while: 'active' });
    assert.deepEqual([third.id, third.duplicate], [job.id, true]);
    finish();
    await crew.hears('completed', 2);
    await crew.stop();
    assert.notEqual((await publish(stage, 4, { while: 'active' })).duplicate, true, 'nothing is active');
  });

  scenario(
    'a key that is taken for a time is free after it, whatever becomes of its job',
    keepsRecords,
    async (stage) => {
      const forMs = Math.max(10 * stage.delayMs, 2_000);
      const crew = stage.crew({ handlers: { job: () => undefined } });
      await publish(stage, 1, { for: forMs });
      await crew.hears('completed');
      assert.equal((await publish(stage, 2, { for: forMs })).duplicate, true, 'its time is not over');
      await stage.time.pass(forMs + stage.delayMs);
      assert.notEqual((await publish(stage, 3, { for: forMs })).duplicate, true, 'its time is over');
      await crew.hears('completed', 2);
    },
  );

  scenario('a job that replaces another is handled in its place', keepsRecords, async (stage) => {
    const other = await stage.another();
    const published: PublishedJob[] = [];
    for (const n of [1, 2, 3]) {
      published.push(await publish(stage, n, { onConflict: 'replace' }, n === 2 ? other : undefined));
    }
    assert.ok(published.every(({ duplicate }) => duplicate !== true));
    const crew = stage.crew({ handlers: { job: () => undefined } });
    await crew.hears('completed');
    await crew.hears('dropped', 2);
    await crew.stop();
    assert.deepEqual(
      crew.calls.map(({ payload }) => payload),
      [3],
    );
    // Both may have their turn at the same time.
    assert.deepEqual(
      new Set(crew.told('dropped').map(({ job }) => job.id)),
      new Set(published.slice(0, 2).map(({ id }) => id)),
    );
    await stage.worker.takesNothing('the others are dropped');
    assert.notEqual((await publish(stage, 4)).duplicate, true, 'the key is free');
  });

  scenario(
    'a unique job whose worker dies keeps its key, and frees it at its end',
    { ...keepsRecords, ...lapsing },
    async (stage) => {
      const { worker, cut } = stage.cutOff(await stage.another());
      const dying = stage.crew({ handlers: { job: () => new Promise(() => undefined) } }, worker);
      const first = await publish(stage, 1);
      await dying.hears('started');
      cut();
      assert.equal((await publish(stage, 2)).id, first.id);
      const crew = stage.crew({ handlers: { job: () => undefined } });
      await crew.hears('completed');
      await crew.stop();
      assert.notEqual((await publish(stage, 3)).duplicate, true);
      assert.equal(contentOf(await stage.worker.takeOne()).payload, 3);
    },
  );
});
