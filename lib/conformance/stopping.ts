import assert from 'node:assert/strict';
import { pause } from '../core/clock.js';
import { JobShutdownError } from '../core/errors.js';
import { endsAs } from './handling.js';
import { chapter } from './scenario.js';
import { attemptsOf, numbers, payloadsOf, sorted } from './stage/draft.js';

const never = (): Promise<never> => new Promise(() => undefined);

export const stopping = chapter('stopping', (scenario) => {
  scenario('a job that still runs when the grace is over is told, and handed back at no cost', async (stage) => {
    const other = await stage.another();
    const crew = stage.crew({ handlers: { job: never } });
    await stage.publish('job', 'unfinished', { attempts: 1 });
    await crew.hears('started');
    const signal = crew.calls[0]?.signal;
    await crew.stop(stage.delayMs);
    assert.ok(signal?.reason instanceof JobShutdownError);
    assert.equal(crew.told('handedBack')[0]?.reason, 'shutdown');
    const taken = await stage.time.promptly('the job to be handed out again', other.take(1));
    assert.deepEqual([payloadsOf(taken), attemptsOf(taken)], [['unfinished'], [1]]);
  });

  scenario('a job that ends within the grace is completed', async (stage) => {
    const crew = stage.crew({ handlers: { job: () => pause(stage.clock, stage.delayMs) } });
    const { id } = await stage.publish('job');
    await crew.hears('started');
    await crew.stop(10_000);
    assert.deepEqual([crew.told('completed').length, crew.told('handedBack').length], [1, 0]);
    await endsAs(stage, id, 'gone');
  });

  scenario('a job that waits for a place is handed back at once and at no cost', async (stage) => {
    const other = await stage.another();
    const crew = stage.crew({ handlers: { job: { handle: never, concurrency: 1 } } });
    await stage.worker.publish(...numbers(3).map((payload) => ({ payload })));
    await crew.hears('started');
    await stage.time.pass(stage.worker.quietMs);
    const stopped = crew.stop(stage.delayMs);
    const taken = await other.take(2);
    await stopped;
    taken.push(...(await other.take(1)));
    assert.deepEqual(sorted(payloadsOf(taken)), [0, 1, 2]);
    assert.deepEqual(attemptsOf(taken), [1, 1, 1]);
    assert.equal(crew.calls.length, 1);
  });

  scenario('a consumer that has stopped takes no more', async (stage) => {
    const crew = stage.crew({ handlers: { job: () => undefined } });
    await stage.publish('job', 'before');
    await crew.hears('completed');
    await stage.time.pass(stage.worker.quietMs);
    await stage.time.promptly('an idle consumer to stop', crew.stop());
    await stage.publish('job', 'after');
    const taken = await stage.time.promptly('the job to be handed out', stage.worker.take(1));
    assert.deepEqual([payloadsOf(taken), attemptsOf(taken)], [['after'], [1]]);
    assert.equal(crew.calls.length, 1);
  });

  scenario('jobs that come while a consumer stops are neither lost nor charged', async (stage) => {
    const other = await stage.another();
    let handled = 0;
    for (const round of numbers(10)) {
      const crew = stage.crew({ handlers: { job: () => undefined } });
      await stage.time.pass(1);
      const publishing = other.publish({ payload: round });
      const stopped = crew.stop();
      await Promise.all([publishing, stopped]);
      handled += crew.told('completed').length;
    }
    const rest = await other.take(10 - handled);
    assert.ok(attemptsOf(rest).every((attempt) => attempt === 1));
    await other.takesNothing('all came');
  });
});
