import assert from 'node:assert/strict';
import { pause, systemClock } from '../core/clock.js';
import { chapter, keepsRecords } from './scenario.js';
import type { CrewPlan } from './stage/crew.js';
import { numbers } from './stage/draft.js';
import type { Stage } from './stage/stage.js';

/** How long it is looked for what must not be told, in real milliseconds: workers tell by the system's clock. */
const QUIET_MS = 300;

const PLAN: CrewPlan = {
  handlers: {
    job: (payload) => {
      if (payload === 'bad') throw new RangeError('refused');
    },
  },
  defaults: { attempts: 1 },
  fleet: true,
};

async function ids(stage: Stage, count: number): Promise<string[]> {
  const published: string[] = [];
  for (const payload of numbers(count)) published.push((await stage.publish('job', payload)).id);
  return published;
}

export const following = chapter('following', (scenario) => {
  scenario(
    'who follows events is told each once and in order, whichever worker it is of',
    keepsRecords,
    async (stage) => {
      const crews = [stage.crew(PLAN), stage.crew(PLAN, await stage.another())];
      const follower = await stage.follow(['started', 'completed'], await stage.another());
      const published = await ids(stage, 12);
      await follower.hears(24);
      await pause(systemClock, QUIET_MS);
      await follower.hears(24);
      for (const name of ['started', 'completed'] as const) {
        const told = follower.all.filter(({ event }) => event === name);
        assert.deepEqual(told.map(({ job }) => job.id).sort(), [...published].sort());
        const inOrder = new Set(crews.map((crew) => crew.told(name).map(({ job }) => job.id)).map(String));
        for (const { id } of new Set(told.map(({ worker }) => worker))) {
          const ofOne = told.filter(({ worker }) => worker.id === id).map(({ job }) => job.id);
          assert.ok(inOrder.has(String(ofOne)), `${name}: another order than that of its worker: ${String(ofOne)}`);
        }
      }
    },
  );

  scenario('who follows is told all of an event, and nothing of others', keepsRecords, async (stage) => {
    const crew = stage.crew(PLAN, await stage.another());
    const follower = await stage.follow(['failed']);
    const { id } = await stage.publish('job', 'bad');
    await stage.publish('job');
    await crew.hears('completed');
    await follower.hears(1);
    const [told] = follower.all;
    assert.ok(told?.event === 'failed');
    const happened = crew.told('failed')[0];
    assert.deepEqual(told.job, { id, name: 'job', queue: stage.queue, attempt: 1, maxAttempts: 1 });
    assert.deepEqual([told.error.name, told.error.message, told.reason], ['RangeError', 'refused', happened?.reason]);
    assert.ok(told.happenedAt instanceof Date && told.durationMs >= 0);
  });

  scenario('who begins to follow later is told only what happens then', keepsRecords, async (stage) => {
    stage.crew(PLAN, await stage.another());
    const first = await stage.follow(['completed']);
    const before = await ids(stage, 3);
    await first.hears(3);
    const second = await stage.follow(['completed'], await stage.another());
    const later = await ids(stage, 2);
    await Promise.all([first.hears(5), second.hears(2)]);
    assert.deepEqual([...first.told].sort(), named('completed', [...before, ...later]).sort());
    assert.deepEqual([...second.told].sort(), named('completed', later).sort());
  });

  scenario('of a worker that comes later, and of one that stops, all is told', keepsRecords, async (stage) => {
    const follower = await stage.follow(['completed']);
    const crew = stage.crew(PLAN, await stage.another());
    const published = await ids(stage, 3);
    await crew.hears('completed', 3);
    await crew.stop();
    await follower.hears(3);
    assert.deepEqual([...follower.told].sort(), named('completed', published).sort());
  });

  scenario('who follows no more is told nothing, and forgotten', keepsRecords, async (stage) => {
    stage.crew(PLAN, await stage.another());
    const first = await stage.follow(['completed']);
    const other = await stage.another();
    // At the same time, for none must push the other out.
    const [second, goes] = await Promise.all([stage.follow(['completed']), stage.follow(['completed'], other)]);
    await ids(stage, 2);
    await Promise.all([first.hears(2), second.hears(2), goes.hears(2)]);
    await stage.time.wait('the order to be taken back', goes.end());
    await ids(stage, 2);
    await Promise.all([first.hears(4), second.hears(4)]);
    await goes.hears(2);
    assert.deepEqual([await first.isOrdered(), await second.isOrdered(), await goes.isOrdered()], [true, true, false]);
  });
});

function named(event: string, jobs: readonly string[]): string[] {
  return jobs.map((id) => `${event} ${id}`);
}
