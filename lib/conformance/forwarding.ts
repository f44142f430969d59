import assert from 'node:assert/strict';
import { defineJob } from '../core/definition.js';
import { forward } from '../core/forward.js';
import { endsAs } from './handling.js';
import { chapter, lapsing } from './scenario.js';
import { contentOf, numbers, sorted } from './stage/draft.js';
import type { HandlerPlan } from './stage/crew.js';

/** A stage of a chain, which adds its name to what it is given. */
function link(name: string, special: Partial<HandlerPlan>): HandlerPlan {
  return { handle: (payload) => [...(payload as string[]), name], ...special };
}

export const forwarding = chapter('forwarding', (scenario) => {
  for (const [where, suffix] of [
    ['another queue', '-next'],
    ['its own queue', ''],
  ] as const) {
    scenario(`a job goes on as the next in ${where}, with its id and what was returned`, async (stage) => {
      const queue = stage.queue + suffix;
      const crew = stage.crew({
        queues: suffix ? [queue] : [],
        handlers: {
          first: link('first', { forwardTo: 'second' }),
          second: link('second', { queue, attempts: 7 }),
        },
      });
      const { id } = await stage.publish('first', [], { attempts: 2 });
      await crew.hears('completed', 2);
      // The next may be over before its predecessor is settled.
      const ended = crew.told('completed').find(({ job }) => job.name === 'second');
      assert.deepEqual(ended?.result, ['first', 'second']);
      const [first, second] = crew.calls;
      assert.deepEqual([first?.name, second?.name, second?.id, second?.queue], ['first', 'second', id, queue]);
      assert.deepEqual([second?.payload, second?.attempt, second?.maxAttempts], [['first'], 1, 7]);
      assert.equal(crew.told('published').length, 1, 'the next job is told to be published');
      await crew.stop();
      assert.equal(crew.calls.length, 2);
      await stage.worker.on(queue).takesNothing('the chain has ended');
      await endsAs(stage, id, 'gone');
    });

    scenario(`a handler decides that its job goes on in ${where}, and how`, async (stage) => {
      const queue = stage.queue + suffix;
      const crew = stage.crew({
        handlers: { first: () => forward('second', { n: 1 }, { queue, priority: 3, headers: { step: '2' } }) },
      });
      const { id } = await stage.publish('first', null, { headers: { tenant: 'é', step: '1' } });
      await crew.hears('completed');
      await crew.stop();
      const next = contentOf(await stage.worker.on(queue).takeOne());
      assert.deepEqual([next.id, next.name, next.payload, next.priority], [id, 'second', { n: 1 }, 3]);
      assert.deepEqual(next.headers, { tenant: 'é', step: '2' });
    });
  }

  scenario('a job’s expiration, priority and headers go on with it', async (stage) => {
    const queue = `${stage.queue}-next`;
    const crew = stage.crew({
      handlers: { first: link('first', { forwardTo: 'second' }), second: link('', { queue }) },
    });
    const options = { priority: 40, expiration: 3_600_000, headers: { tenant: 'é' } };
    const { expiresAt } = await stage.publish('first', [], options);
    await crew.hears('completed');
    await crew.stop();
    const next = contentOf(await stage.worker.on(queue).takeOne());
    assert.deepEqual([next.priority, next.expiresAt, next.headers], [40, expiresAt?.getTime(), { tenant: 'é' }]);
  });

  scenario(
    'a job whose worker dies as it goes on is handled again, and the next is not lost',
    lapsing,
    async (stage) => {
      const queue = `${stage.queue}-next`;
      const handlers = { first: link('first', { forwardTo: 'second' }), second: link('second', { queue }) };
      const { worker } = stage.cutOff(undefined, 'at the settlement');
      const dying = stage.crew({ handlers }, worker);
      await stage.publish('first', []);
      await stage.time.until('the first worker to forward', () => dying.told('published').length === 1);
      const crew = stage.crew({ handlers });
      await crew.hears('completed');
      await crew.stop();
      if (crew.told('leaseLost').length > 0) stage.tooSlow('the lease was not renewed in time');
      assert.equal(crew.calls.length, 1);
      const next = await stage.worker.on(queue).rest();
      assert.equal(next.length, stage.traits.findsDuplicates ? 1 : 2, 'the next job is there');
      for (const each of next) assert.deepEqual(contentOf(each).payload, ['first']);
    },
  );

  for (const [where, last] of [
    ['', '-3'],
    [', also back to the queue that it began in', ''],
  ] as const)
    scenario(`each of many jobs goes through a chain of three once${where}`, async (stage) => {
      const [second, third] = [`${stage.queue}-2`, stage.queue + last];
      const crew = stage.crew({
        queues: [second, ...(last ? [third] : [])],
        handlers: {
          first: link('first', { forwardTo: 'second' }),
          second: link('second', { forwardTo: 'third', queue: second }),
          third: link('third', { queue: third }),
        },
      });
      const jobs = numbers(20);
      for (const n of jobs) await stage.publish('first', [String(n)]);
      await crew.hears('completed', 60);
      await crew.stop();
      for (const name of ['first', 'second', 'third'])
        assert.equal(crew.calls.filter((job) => job.name === name).length, 20);
      const results = crew.told('completed').flatMap(({ job, result }) => (job.name === 'third' ? [result] : []));
      const wanted = jobs.map((n) => [String(n), 'first', 'second', 'third']);
      assert.deepEqual(
        sorted(results.map((each) => JSON.stringify(each))),
        sorted(wanted.map((each) => JSON.stringify(each))),
      );
    });

  scenario('what the next job’s schema refuses fails the one before it', async (stage) => {
    const validate = (): { issues: { message: string }[] } => ({ issues: [{ message: 'never good' }] });
    const Second = defineJob('second', { payload: { '~standard': { version: 1, vendor: 'conformance', validate } } });
    const crew = stage.crew({ handlers: { first: link('first', { forwardTo: Second }) } });
    const { id } = await stage.publish('first', []);
    const { reason } = await crew.hears('failed');
    assert.match(reason, /can't go on as job "second".*never good/);
    await crew.stop();
    assert.equal(crew.calls.length, 1);
    await endsAs(stage, id, 'failed');
  });
});
