import assert from 'node:assert/strict';
import { newId } from '../core/id.js';
import { endsAs } from './handling.js';
import { chapter, lapsing } from './scenario.js';

export const admitting = chapter('admitting', (scenario) => {
  scenario('a job whose expiration has passed is never handled', async (stage) => {
    const { time, delayMs, traits } = stage;
    const { id } = await stage.publish('job', 'late', { expiration: delayMs });
    await time.pass(2 * delayMs + traits.delayStepMs);
    const crew = stage.crew({ handlers: { job: (payload) => payload } });
    await stage.publish('job', 'in time', { priority: 5_000 });
    assert.equal((await crew.hears('completed')).result, 'in time');
    await crew.stop();
    assert.equal(crew.calls.length, 1);
    await endsAs(stage, id, 'gone');
  });

  scenario('a job that expires between its attempts is not handled again', async (stage) => {
    const { delayMs, time } = stage;
    const crew = stage.crew({ handlers: { job: () => Promise.reject(new Error('busy')) } });
    const backoff = { kind: 'fixed', base: delayMs, jitter: 0 } as const;
    const { id } = await stage.publish('job', null, { attempts: 20, expiration: 3 * delayMs, backoff });
    await crew.hears('expired');
    if (crew.told('retried').length === 0) stage.tooSlow('the job expired before it could be retried');
    const { length } = crew.calls;
    await time.pass(2 * delayMs);
    await crew.stop();
    assert.equal(crew.calls.length, length);
    await endsAs(stage, id, 'gone');
  });

  scenario('a job that expires while its place is taken is not handled', async (stage) => {
    const { time, delayMs } = stage;
    let release = (): void => undefined;
    const first = new Promise<void>((resolve) => {
      release = resolve;
    });
    const crew = stage.crew({ handlers: { job: { handle: () => first, concurrency: 1 } } });
    await stage.publish('job', 'first');
    await crew.hears('started');
    const { id } = await stage.publish('job', 'late', { expiration: delayMs });
    await time.pass(2 * delayMs);
    release();
    await crew.hears('completed');
    await time.pass(delayMs);
    await crew.stop();
    assert.equal(crew.calls.length, 1);
    await endsAs(stage, id, 'gone');
  });

  scenario('a delayed job is not handled before its time', async (stage) => {
    const crew = stage.crew({ handlers: { job: () => stage.clock.now() } });
    const { readyAt } = await stage.publish('job', null, { delay: stage.delayMs });
    const { job, result } = await crew.hears('completed');
    assert.ok(readyAt && Number(result) >= readyAt.getTime());
    assert.equal(job.attempt, 1);
  });

  scenario('a job without a handler here is put back at no cost, and handled where there is one', async (stage) => {
    const other = await stage.another();
    const without = stage.crew({ handlers: {} });
    const { id } = await stage.publish('job', null, { attempts: 1 });
    const { job } = await without.hears('handedBack');
    assert.deepEqual([job.id, job.attempt], [id, 1]);
    await without.stop();
    const crew = stage.crew({ handlers: { job: () => undefined } }, other);
    assert.equal((await crew.hears('completed')).job.attempt, 1);
  });

  scenario('a job without a handler fails once the grace has passed', async (stage) => {
    const unknownJobGraceMs = 300_000;
    const crew = stage.crew({ handlers: {}, unknownJobGraceMs });
    const id = newId();
    const publishedAt = stage.clock.now() - unknownJobGraceMs + stage.delayMs;
    await stage.worker.publish({ id, name: 'nobodys', publishedAt });
    const { job, reason } = await crew.hears('failed');
    assert.ok(stage.clock.now() >= publishedAt + unknownJobGraceMs, 'it failed before its time');
    assert.equal(job.attempt, 1);
    assert.match(reason, /nobodys/);
    assert.ok(reason.includes(stage.queue));
    await crew.stop();
    await endsAs(stage, id, 'failed');
  });

  scenario('jobs without a handler hinder no others', async (stage) => {
    const crew = stage.crew({ handlers: { job: () => undefined }, concurrency: 2 });
    for (let index = 0; index < 10; index++) await stage.publish('nobodys', index, { priority: 0 });
    await stage.publish('job', 'ours');
    await crew.hears('completed');
    assert.deepEqual(crew.told('failed'), []);
  });

  scenario('a job that kills its workers fails when its attempts are used up', lapsing, async (stage) => {
    const id = newId();
    await stage.worker.publish({ id, maxAttempts: 2 });
    for (const attempt of [1, 2]) {
      const dying = await stage.another();
      assert.equal((await dying.takeOne()).attempt, attempt);
    }
    const crew = stage.crew({ handlers: { job: () => undefined } });
    const { job, reason } = await crew.hears('failed');
    assert.equal(job.id, id);
    assert.match(reason, /attempts/);
    await crew.stop();
    assert.equal(crew.calls.length, 0);
    await endsAs(stage, id, 'failed');
  });

  scenario('attempts used up elsewhere count', async (stage) => {
    const crew = stage.crew({ handlers: { job: () => Promise.reject(new Error('no')) } });
    const id = newId();
    await stage.worker.publish({ id, maxAttempts: 4, attemptsUsed: 3 });
    assert.equal((await crew.hears('failed')).job.attempt, 4);
    await crew.stop();
    assert.equal(crew.calls.length, 1);
    await endsAs(stage, id, 'failed');
  });
});
