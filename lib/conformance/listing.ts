import assert from 'node:assert/strict';
import type { JobState } from '../core/inspector.js';
import { inspects } from './inspectors.js';
import { chapter } from './scenario.js';
import { contentOf, numbers, sorted } from './stage/draft.js';
import type { Stage } from './stage/stage.js';
import { FAR_MS, STATES } from './stage/standing.js';

const LIMIT = 4;

/** Brings many jobs into a state at once; gives their ids, in the order of publishing. */
async function bringMany(stage: Stage, state: JobState, count: number, prefix = 'job'): Promise<string[]> {
  const { worker, clock } = stage;
  const ids = numbers(count).map((index) => `${prefix}-${index}`);
  const later = clock.now() + FAR_MS;
  await worker.publish(...ids.map((id, index) => ({ id, ...(state === 'delayed' ? { readyAt: later + index } : {}) })));
  if (state === 'waiting' || state === 'delayed') return ids;
  for (const delivery of await worker.take(count)) {
    if (state === 'completed') await worker.complete(delivery);
    if (state === 'failed') await worker.fail(delivery);
    if (state === 'expired') await worker.expire(delivery);
  }
  return ids;
}

export const listing = chapter('listing', (scenario) => {
  scenario(
    'waiting jobs are listed in the order in which they are served',
    inspects({ list: ['waiting'] }),
    async (stage) => {
      const { worker, clock } = stage;
      const priorities = [5, 1024, 0, 5, 70_000, 1, 1024, 5];
      await worker.publish(...priorities.map((priority, index) => ({ id: `job-${index}`, priority })));
      await worker.publish({ id: 'far', priority: 0, readyAt: clock.now() + FAR_MS });
      for (const index of numbers(3)) await worker.publish({ id: `later-${index}`, priority: 5 });
      const listed = await worker.inspected.ids('waiting');
      const taken = await worker.take(priorities.length + 3, 1);
      assert.deepEqual(
        listed,
        taken.map((delivery) => contentOf(delivery).id),
      );
    },
  );

  scenario(
    'delayed jobs are listed by when they fall due',
    inspects({ list: ['delayed'] }),
    async ({ worker, clock, traits }) => {
      const order = [3, 0, 2, 4, 1];
      const step = 1_000 + 2 * traits.delayStepMs;
      const from = clock.now() + FAR_MS;
      await worker.publish(
        ...order.map((index) => ({ id: `job-${index}`, readyAt: from + index * step, priority: 10 - index })),
      );
      assert.deepEqual(
        await worker.inspected.ids('delayed', 2),
        numbers(order.length).map((index) => `job-${index}`),
      );
    },
  );

  for (const state of STATES) {
    scenario(
      `pages of jobs that are ${state} have all of them, each once`,
      inspects({ list: [state] }),
      async (stage) => {
        const ids = await bringMany(stage, state, 5 * LIMIT);
        for (const by of [stage.worker, await stage.another()]) {
          for (const limit of [1, LIMIT, 5 * LIMIT, 1_000]) {
            const listed = await by.inspected.ids(state, limit);
            assert.deepEqual(sorted(listed), sorted(ids), `in pages of ${limit}`);
          }
        }
        const orders = new Set([1, LIMIT, 1_000].map(String));
        const lists = [];
        for (const limit of orders) lists.push((await stage.worker.inspected.ids(state, Number(limit))).join());
        assert.equal(new Set(lists).size, 1, 'the order is the same, whatever the pages');
      },
    );

    scenario(
      `who pages through jobs that are ${state} may go on elsewhere`,
      inspects({ list: [state] }),
      async (stage) => {
        const ids = await bringMany(stage, state, 2 * LIMIT);
        const { inspected } = stage.worker;
        const first = await inspected.page(state, LIMIT);
        assert.equal(first.jobs.length, LIMIT);
        assert.equal(typeof first.cursor, 'string');
        const later = await stage.another();
        const seen = first.jobs.map(({ content }) => content.id);
        for (let cursor = first.cursor; cursor !== undefined;) {
          const page = await later.inspected.page(state, LIMIT, cursor);
          seen.push(...page.jobs.map(({ content }) => content.id));
          cursor = page.cursor;
        }
        assert.deepEqual(sorted(seen), sorted(ids));
      },
    );
  }

  scenario(
    'who pages while waiting jobs are taken and published sees all others once',
    inspects({ list: ['waiting'] }),
    async (stage) => {
      const { worker } = stage;
      const ids = await bringMany(stage, 'waiting', 30);
      const gone = new Set<string>();
      const seen: string[] = [];
      for (let cursor: string | undefined, page = 0; page === 0 || cursor !== undefined; page++) {
        const { jobs, cursor: next } = await worker.inspected.page('waiting', LIMIT, cursor);
        seen.push(...jobs.map(({ content }) => content.id));
        cursor = next;
        if (page > 4) continue;
        for (const delivery of await worker.take(3)) gone.add(contentOf(delivery).id);
        await worker.publish({ id: `urgent-${page}`, priority: 0 }, { id: `new-${page}`, priority: 2_000 });
        gone.add(contentOf(await worker.takeOne()).id);
      }
      const left = ids.filter((id) => !gone.has(id));
      assert.deepEqual(sorted(seen.filter((id) => left.includes(id))), sorted(left));
      assert.equal(new Set(seen).size, seen.length, `one came twice: ${seen.join()}`);
    },
  );

  for (const state of ['failed', 'completed'] as const) {
    scenario(
      `who pages while ${state} jobs come and are removed sees all others once`,
      inspects({ list: [state], remove: [state] }),
      async (stage) => {
        const { worker } = stage;
        const ids = await bringMany(stage, state, 24);
        const gone = new Set<string>();
        const seen: string[] = [];
        for (let cursor: string | undefined, page = 0; page === 0 || cursor !== undefined; page++) {
          const { jobs, cursor: next } = await worker.inspected.page(state, LIMIT, cursor);
          seen.push(...jobs.map(({ content }) => content.id));
          cursor = next;
          if (page > 3) continue;
          await worker.inspected.changes({ kind: 'remove' }, ...jobs.slice(0, 3));
          for (const { content } of jobs.slice(0, 3)) gone.add(content.id);
          await bringMany(stage, state, 2, `new-${page}`);
        }
        const left = ids.filter((id) => !gone.has(id));
        assert.deepEqual(sorted(seen.filter((id) => left.includes(id))), sorted(left));
        assert.equal(new Set(seen).size, seen.length, `one came twice: ${seen.join()}`);
      },
    );
  }
});
