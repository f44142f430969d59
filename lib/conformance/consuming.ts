import assert from 'node:assert/strict';
import { pause } from '../core/clock.js';
import { JobLeaseLostError } from '../core/errors.js';
import { chapter, lapsing } from './scenario.js';
import { numbers } from './stage/draft.js';
import type { Stage } from './stage/stage.js';

/** Handles after a while, and tells how many did at a time. */
function counter({ clock }: Stage, ms: number): { handle: () => Promise<void>; most: () => number } {
  let running = 0;
  let most = 0;
  return {
    most: () => most,
    handle: async () => {
      running += 1;
      most = Math.max(most, running);
      await pause(clock, ms);
      running -= 1;
    },
  };
}

export const consuming = chapter('consuming', (scenario) => {
  scenario('the most urgent is handled first', async (stage) => {
    const { worker } = stage;
    const priorities = [1024, 0, 7, 1_000_000, 3, 1024];
    await worker.publish(...priorities.map((priority, index) => ({ priority, payload: `${priority} ${index}` })));
    const crew = stage.crew({ handlers: { job: () => undefined }, concurrency: 1 });
    await crew.hears('completed', 6);
    assert.deepEqual(
      crew.calls.map(({ payload }) => payload),
      ['0 1', '3 4', '7 2', '1024 0', '1024 5', '1000000 3'],
    );
  });

  scenario('an urgent job that comes while others run is handled next', async (stage) => {
    let release = (): void => undefined;
    const first = new Promise<void>((resolve) => {
      release = resolve;
    });
    const crew = stage.crew({ handlers: { job: () => first }, concurrency: 1 });
    await stage.worker.publish(...numbers(20).map((payload) => ({ payload })));
    await crew.hears('started');
    await stage.publish('job', 'urgent', { priority: 1 });
    release();
    await crew.hears('completed', 21);
    assert.deepEqual(
      crew.calls.slice(0, 3).map(({ payload }) => payload),
      [0, 'urgent', 1],
    );
  });

  scenario('no more jobs of a queue run at a time than it may', async (stage) => {
    const { handle, most } = counter(stage, stage.worker.quietMs / 10);
    await stage.worker.publish(...numbers(20).map(() => ({})));
    const crew = stage.crew({ handlers: { job: { handle, concurrency: 50 } }, concurrency: 3 });
    await crew.hears('completed', 20);
    assert.ok(most() <= 3, `${most()} ran at a time`);
    assert.equal(crew.calls.length, 20);
  });

  scenario('jobs that a process has no place for are left to others', async (stage) => {
    const other = await stage.another();
    await stage.worker.publish(...numbers(5).map((payload) => ({ payload })));
    const crew = stage.crew({ handlers: { job: () => new Promise(() => undefined) }, concurrency: 2 });
    await crew.hears('started', 2);
    assert.equal((await stage.time.promptly('the others to be handed out', other.take(3))).length, 3);
  });

  scenario('no more jobs of a handler run at a time than it may', async (stage) => {
    const { handle, most } = counter(stage, stage.worker.quietMs / 10);
    await stage.worker.publish(...numbers(8).map(() => ({})));
    const crew = stage.crew({ handlers: { job: { handle, concurrency: 1 } }, concurrency: 5 });
    await crew.hears('completed', 8);
    assert.equal(most(), 1);
    assert.deepEqual(
      crew.calls.map(({ attempt }) => attempt),
      numbers(8).map(() => 1),
    );
  });

  scenario('two processes handle each of many jobs once', async (stage) => {
    const other = await stage.another();
    const plan = { handlers: { job: (): undefined => undefined } };
    const crews = [stage.crew(plan), stage.crew(plan, other)];
    await stage.worker.publish(...numbers(100).map((payload) => ({ payload })));
    await other.publish(...numbers(100).map((index) => ({ payload: 100 + index })));
    const completed = (): number => crews.reduce((sum, crew) => sum + crew.told('completed').length, 0);
    await stage.time.until(
      () => `200 jobs to be completed (${completed()} are)`,
      () => completed() >= 200,
    );
    for (const crew of crews) await crew.stop();
    const handled = crews.flatMap((crew) => crew.calls.map(({ payload }) => Number(payload)));
    assert.deepEqual(
      handled.sort((a, b) => a - b),
      numbers(200),
    );
  });

  scenario('a handler may publish', async (stage) => {
    const handle = (payload: unknown): unknown =>
      Number(payload) < 3 ? stage.publisher().publish('job', Number(payload) + 1, { queue: stage.queue }) : 'end';
    const crew = stage.crew({ handlers: { job: async (payload) => void (await handle(payload)) }, concurrency: 1 });
    await stage.publish('job', 0);
    await crew.hears('completed', 4);
    assert.deepEqual(
      crew.calls.map(({ payload }) => payload),
      [0, 1, 2, 3],
    );
  });

  scenario('a job that runs for several leases is handled by one worker', lapsing, async (stage) => {
    const other = await stage.another();
    let release = (): void => undefined;
    const handle = (): Promise<void> =>
      new Promise((resolve) => {
        release = resolve;
      });
    const crew = stage.crew({ handlers: { job: handle } });
    await stage.publish('job');
    await crew.hears('started');
    const second = stage.crew({ handlers: { job: handle } }, other);
    await stage.passLease(3.5);
    release();
    const ended = (): boolean => crew.told('completed').length + crew.told('leaseLost').length > 0;
    await stage.time.until('the job to be completed', ended);
    if (crew.told('leaseLost').length > 0) stage.tooSlow('the lease was not renewed in time');
    assert.deepEqual([crew.calls.length, second.calls.length], [1, 0]);
  });

  scenario('a worker that loses touch loses its job to another, and settles nothing', lapsing, async (stage) => {
    const other = await stage.another();
    const { worker, cut } = stage.cutOff();
    const handle = (_: unknown, job: { signal: AbortSignal }): Promise<string> =>
      new Promise((resolve) => job.signal.addEventListener('abort', () => resolve('too late')));
    const crew = stage.crew({ handlers: { job: handle } }, worker);
    const { id } = await stage.publish('job');
    await crew.hears('started');
    cut();
    const second = stage.crew({ handlers: { job: (_, job) => job.attempt } }, other);
    const { job, result } = await second.hears('completed');
    if (Number(result) > 2) stage.tooSlow('the second worker was not in time either');
    assert.deepEqual([job.id, result], [id, 2]);
    await crew.hears('leaseLost');
    assert.ok(crew.calls[0]?.signal.reason instanceof JobLeaseLostError);
    assert.deepEqual([crew.told('completed'), crew.told('handedBack')], [[], []]);
  });
});
