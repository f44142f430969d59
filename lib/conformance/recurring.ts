import assert from 'node:assert/strict';
import type { Backend } from '../core/backend.js';
import { pause } from '../core/clock.js';
import { recordsWith } from '../core/records.js';
import { checkedSchedule } from '../core/schedule.js';
import { Scheduler, type SchedulerSetup } from '../core/scheduler.js';
import { CLAIM_KNOWN_MS } from '../core/ticks.js';
import { chapter, keepsRecords } from './scenario.js';
import type { Stage } from './stage/stage.js';
import type { Worker } from './stage/worker.js';

/** By how much one is later than the others, in milliseconds. */
const LATE_MS = 50;

/** Publishes the ticks of job `tick`, one each second, as a process of its own. */
function schedule(
  stage: Stage,
  by: Worker,
  publish?: SchedulerSetup['publish'],
  backend: Backend = by.backend,
): Scheduler {
  const publisher = stage.publisher(by);
  const scheduler = new Scheduler({
    backend: () => Promise.resolve(backend),
    publish: publish ?? ((job, payload, options) => publisher.publishTick(job, payload, options)),
    clock: stage.clock,
    reporter: { log: () => undefined, warn: () => undefined, error: () => undefined },
  });
  scheduler.add(checkedSchedule('* * * * * *', 'tick', 'a tick', { queue: stage.queue }));
  return scheduler;
}

/** Comes to each tick a bit later: of two that are as fast, one may else be the first at all of them. */
function late({ backend }: Worker, { clock }: Stage): Backend {
  const { records } = backend;
  if (!records) return backend;
  const lateRecords = recordsWith(records, {
    claim: async (...asked) => {
      await pause(clock, LATE_MS);
      return records.claim(...asked);
    },
  });
  return Object.create(backend, { records: { value: lateRecords } }) as Backend;
}

export const recurring = chapter('recurring', (scenario) => {
  scenario('each tick is published once, whoever of two workers comes first', keepsRecords, async (stage) => {
    const crew = stage.crew({ handlers: { tick: () => undefined } });
    const both = [schedule(stage, stage.worker), schedule(stage, await stage.another())];
    try {
      await stage.time.until('four ticks to be handled', () => crew.told('completed').length >= 4);
    } finally {
      for (const one of both) one.stop();
    }
    const ids = crew.calls.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, `a tick was handled twice: ${ids.join(', ')}`);
    assert.ok(ids.every((id) => id.startsWith('tick-')));
    assert.deepEqual(crew.calls[0]?.payload, 'a tick');
  });

  scenario('a tick whose worker dies before it published is published by another', keepsRecords, async (stage) => {
    const crew = stage.crew({ handlers: { tick: () => undefined } });
    const claimed: string[] = [];
    const dying = schedule(stage, await stage.another(), (_job, _payload, { id = '' }) => {
      claimed.push(id);
      return new Promise(() => undefined);
    });
    const other = schedule(stage, stage.worker, undefined, late(stage.worker, stage));
    try {
      await stage.time.until('the one to claim a tick', () => claimed.length > 0);
      dying.stop();
      const from = stage.clock.now();
      await stage.time.until('the other to publish it', () => crew.calls.some(({ id }) => id === claimed[0]));
      assert.ok(stage.clock.now() - from < CLAIM_KNOWN_MS, 'it was not taken over, but was forgotten');
    } finally {
      dying.stop();
      other.stop();
    }
    assert.equal(crew.calls.filter(({ id }) => id === claimed[0]).length, 1);
  });

  scenario(
    'a tick whose worker dies before it published is published by one that starts later',
    keepsRecords,
    async (stage) => {
      const crew = stage.crew({ handlers: { tick: () => undefined } });
      const claimed: string[] = [];
      const dying = schedule(stage, await stage.another(), (_job, _payload, { id = '' }) => {
        claimed.push(id);
        return new Promise(() => undefined);
      });
      try {
        await stage.time.until('the one to claim a tick', () => claimed.length > 0);
      } finally {
        dying.stop();
      }
      const later = schedule(stage, stage.worker);
      try {
        await stage.time.until('the other to publish it', () => crew.calls.some(({ id }) => id === claimed[0]));
      } finally {
        later.stop();
      }
      assert.equal(crew.calls.filter(({ id }) => id === claimed[0]).length, 1);
    },
  );

  scenario(
    'a tick that is published again after its job has completed is not handled again',
    keepsRecords,
    async (stage) => {
      const crew = stage.crew({ handlers: { tick: () => undefined } });
      const publisher = stage.publisher();
      for (const end of ['completed', 'dropped'] as const) {
        const publishing = publisher.publishTick('tick', null, { id: 'tick-1', queue: stage.queue });
        await stage.time.wait('publish to resolve', publishing);
        await crew.hears(end);
      }
      await crew.stop();
      assert.equal(crew.calls.length, 1);
    },
  );
});
