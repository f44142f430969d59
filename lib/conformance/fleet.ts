import assert from 'node:assert/strict';
import { orderCancel } from '../core/fleet-cancels.js';
import { countsOverTime } from '../core/fleet-counts.js';
import { pausedQueues, pauseQueue, resumeQueue } from '../core/fleet-orders.js';
import { knownWorkers } from '../core/fleet-workers.js';
import type { Job } from '../core/job.js';
import type { Records } from '../core/records.js';
import { chapter, keepsRecords } from './scenario.js';
import { numbers } from './stage/draft.js';
import type { Stage } from './stage/stage.js';
import type { Worker } from './stage/worker.js';

/** How long an answer to a cancellation is waited for; real time. */
const ANSWER_MS = 10_000;

function recordsOf({ backend }: Worker): Records {
  assert.ok(backend.records, 'expected the backend to have records');
  return backend.records;
}

function pause(stage: Stage, by = stage.worker): Promise<boolean> {
  const pausing = pauseQueue(recordsOf(by), stage.queue, 'an operator', stage.clock.now());
  return stage.time.wait('the queue to be paused', pausing);
}

function resume(stage: Stage, by = stage.worker): Promise<boolean> {
  const resuming = resumeQueue(recordsOf(by), stage.queue, stage.clock.now());
  return stage.time.wait('the queue to be resumed', resuming);
}

/** A handler that runs until its signal aborts, or is told to end. */
function working(): { readonly handle: (payload: unknown, job: Job) => Promise<void>; end(): void } {
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  return {
    handle: (_, { signal }) =>
      Promise.race([
        ended,
        new Promise<never>((__, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
      ]),
    end: () => end(),
  };
}

export const fleet = chapter('fleet', (scenario) => {
  scenario('of a paused queue no worker takes anything; what runs ends', keepsRecords, async (stage) => {
    const other = await stage.another();
    const work = working();
    const plan = { handlers: { long: work.handle, short: () => undefined }, fleet: true };
    const crews = [stage.crew(plan), stage.crew(plan, other)];
    await stage.publish('long');
    const ofAll = (name: 'started' | 'completed'): number => crews.flatMap((crew) => crew.told(name)).length;
    await stage.time.until('the first job to be started', () => ofAll('started') === 1);
    assert.equal(await pause(stage, other), true);
    // Each hears of it within 100 ms.
    await stage.time.pass(300);
    for (const payload of numbers(4)) await stage.publish('short', payload);
    await stage.time.pass(4 * stage.worker.quietMs);
    assert.equal(ofAll('started'), 1, 'jobs of a paused queue were handled');
    work.end();
    await stage.time.until('what runs to end', () => ofAll('completed') === 1);
    assert.equal(await pause(stage), false, 'it was paused already');
  });

  scenario('a resumed queue is read again by all who read it', keepsRecords, async (stage) => {
    const other = await stage.another();
    await pause(stage);
    const plan = { handlers: { job: () => undefined }, fleet: true };
    const [first, second] = [stage.crew(plan), stage.crew(plan, other)];
    await stage.time.pass(300);
    assert.equal(await resume(stage, other), true);
    await stage.publish('job');
    await stage.time.until(
      'the job to be handled',
      () => first.told('completed').length + second.told('completed').length === 1,
    );
    await first.stop();
    await stage.publish('job');
    await second.hears('completed', 2 - first.told('completed').length);
    assert.equal(await resume(stage), false, 'it was not paused');
  });

  scenario('a worker that comes later takes nothing of a queue that is paused', keepsRecords, async (stage) => {
    await stage.publish('job');
    await pause(stage);
    const crew = stage.crew({ handlers: { job: () => undefined }, fleet: true }, await stage.another());
    await stage.time.pass(4 * stage.worker.quietMs);
    assert.equal(crew.calls.length, 0);
    await resume(stage);
    await crew.hears('completed');
    assert.equal(crew.calls[0]?.attempt, 1);
  });

  scenario('of queues that two workers pause at the same time, all are paused', keepsRecords, async (stage) => {
    const other = await stage.another();
    await pause(stage);
    const queues = numbers(6).map((n) => `${stage.queue}-${n}`);
    const pausing = queues.map((queue, n) =>
      pauseQueue(recordsOf(n % 2 === 0 ? stage.worker : other), queue, 'an operator', stage.clock.now()),
    );
    await stage.time.wait('all to be paused', Promise.all(pausing));
    const paused = await stage.time.wait('get to resolve', pausedQueues(recordsOf(other)));
    assert.deepEqual(
      paused
        .map(({ queue }) => queue)
        .filter((queue) => queues.includes(queue))
        .sort(),
      queues.sort(),
    );
  });

  scenario('a running job is cancelled on whichever worker runs it, and has failed', keepsRecords, async (stage) => {
    const crew = stage.crew({ handlers: { job: working().handle }, fleet: true }, await stage.another());
    const cancelled = await stage.publish('job');
    const left = await stage.publish('job');
    await crew.hears('started', 2);
    const order = orderCancel(
      recordsOf(stage.worker),
      { queue: stage.queue, id: cancelled.id },
      () => stage.clock.now(),
      ANSWER_MS,
    );
    const { job, error } = await crew.hears('failed');
    assert.equal(await stage.time.wait('the worker to say so', order), true);
    assert.deepEqual([job.id, job.attempt, error.name], [cancelled.id, 1, 'JobCancelledError']);
    const signals = crew.calls.map(({ id, signal }) => [id, signal.aborted] as const);
    assert.deepEqual(
      new Map(signals),
      new Map([
        [cancelled.id, true],
        [left.id, false],
      ]),
    );
    await stage.time.pass(4 * stage.delayMs);
    assert.equal(crew.calls.length, 2, 'it was handed out again');
  });

  scenario('each worker is listed for all, until it stops', keepsRecords, async (stage) => {
    const other = await stage.another();
    const plan = { handlers: { job: () => undefined }, fleet: true };
    const [first, second] = [stage.crew(plan), stage.crew(plan, other)];
    const listed = async (): Promise<number> => {
      const workers = await knownWorkers(recordsOf(other));
      return workers.filter(({ queues }) => queues.includes(stage.queue)).length;
    };
    await becomes(stage, listed, 2);
    await first.stop();
    await becomes(stage, listed, 1);
    await second.stop();
    await becomes(stage, listed, 0);
  });

  scenario('what the runs of all workers came to is counted', keepsRecords, async (stage) => {
    const other = await stage.another();
    const job = (payload: unknown): void => {
      if (payload === 0) throw new Error('refused');
    };
    const plan = { handlers: { job: { handle: job, attempts: 1 } }, fleet: true, concurrency: 2 };
    const crews = [stage.crew(plan), stage.crew(plan, other)];
    for (const payload of numbers(12)) await stage.publish('job', payload);
    await stage.time.until(
      'all to be handled',
      () => crews.flatMap((crew) => [...crew.told('completed'), ...crew.told('failed')]).length === 12,
    );
    await Promise.all(crews.map((crew) => crew.stop()));
    const counting = countsOverTime(recordsOf(other), stage.queue, stage.clock.now());
    const { hours } = await stage.time.wait('get to resolve', counting);
    const sum = (end: 'completed' | 'failed'): number => hours.reduce((all, hour) => all + hour[end], 0);
    assert.deepEqual([sum('completed'), sum('failed')], [11, 1]);
  });
});

/** Waits until asking gives what is expected. */
async function becomes(stage: Stage, ask: () => Promise<number>, expected: number): Promise<void> {
  for (let got = await ask(), look = 0; got !== expected; look++) {
    assert.ok(look < 100, `expected ${expected} workers to be listed, got ${got}`);
    await stage.time.pass(20);
    got = await ask();
  }
}
