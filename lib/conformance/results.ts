import assert from 'node:assert/strict';
import { JobExpiredError, JobFailedError, JobResultTimeoutError } from '../core/answer-errors.js';
import { answerKey, noteKey } from '../core/answer-record.js';
import { BlockedError, FatalError, TransientError } from '../core/errors.js';
import type { JobHandle } from '../core/published-job.js';
import { endsAs } from './handling.js';
import { chapter, keepsRecords } from './scenario.js';
import { numbers } from './stage/draft.js';
import type { Stage } from './stage/stage.js';
import { handled, type Worker } from './stage/worker.js';

const KEPT = { keepResult: '1h' };
/** Longer than anything here takes. */
const LONG = { timeout: '1h' };
const LARGE_BYTES = 1_000_000;

class NoSuchMailbox extends FatalError {}

/** What a promise rejects with. */
function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => assert.fail(`expected it to reject, got ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
}

/** Waits for a result until it is there. */
function resultOf(stage: Stage, job: JobHandle): Promise<unknown> {
  return stage.time.wait('a result', job.result(LONG));
}

/** All that an iterable gives. */
async function collect(values: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const value of values) all.push(value);
  return all;
}

async function recordsOf({ backend }: Worker, queue: string, id: string): Promise<number> {
  const key = answerKey(queue, id);
  let count = 0;
  for (const one of [key, noteKey('progress', key), noteKey('log', key)]) {
    if (await backend.records?.get(one)) count += 1;
  }
  return count;
}

export const results = chapter('results', (scenario) => {
  scenario('who waits for a job is given what its handler returned', keepsRecords, async (stage) => {
    const job = await stage.publish('job', { n: 1 }, KEPT);
    const waiting = handled(resultOf(stage, job));
    await stage.time.pass(stage.worker.quietMs);
    const crew = stage.crew({ handlers: { job: (payload) => ({ got: payload, odd: 'é\0 "🙂"' }) } });
    assert.deepEqual(await waiting, { got: { n: 1 }, odd: 'é\0 "🙂"' });
    await crew.hears('completed');
    await crew.stop();
    await endsAs(stage, job.id, 'gone');
  });

  scenario('a call gives what a handler in another worker returned', keepsRecords, async (stage) => {
    stage.crew({ handlers: { double: (payload) => Number(payload) * 2 } });
    const publisher = stage.publisher(await stage.another());
    const options = { queue: stage.queue, ...LONG };
    const calls = numbers(20).map((n) => publisher.call('double', n, options));
    assert.deepEqual(
      await stage.time.wait('twenty results', Promise.all(calls)),
      numbers(20).map((n) => n * 2),
    );
  });

  scenario('a failed job answers with the error of its handler', keepsRecords, async (stage) => {
    const crew = stage.crew({ handlers: { job: () => Promise.reject(new NoSuchMailbox('no such mailbox é')) } });
    const job = await stage.publish('job', null, KEPT);
    const error = await rejection(resultOf(stage, job));
    assert.ok(error instanceof JobFailedError, String(error));
    assert.deepEqual([error.remoteName, error.message], ['NoSuchMailbox', 'no such mailbox é']);
    assert.deepEqual([error.reason, error.attempts], ['a fatal error', 1]);
    assert.match(error.remoteStack ?? '', /no such mailbox é/);
    await crew.hears('failed');
    await crew.stop();
    await endsAs(stage, job.id, 'failed');
  });

  scenario('an expired job answers that it has', keepsRecords, async (stage) => {
    stage.crew({ handlers: { job: () => Promise.reject(new TransientError('x', { retryIn: '2h' })) } });
    const job = await stage.publish('job', null, { ...KEPT, expiration: '1h' });
    const error = await rejection(resultOf(stage, job));
    assert.ok(error instanceof JobExpiredError, String(error));
    assert.equal(error.attempts, 1);
  });

  scenario('a job that is blocked and retried answers when it has ended', keepsRecords, async (stage) => {
    let runs = 0;
    const handle = (): unknown => {
      runs += 1;
      if (runs === 1) throw new BlockedError('not there', { retryIn: stage.delayMs });
      if (runs === 2) throw new TransientError('busy', { retryIn: stage.delayMs });
      return runs;
    };
    stage.crew({ handlers: { job: handle } });
    assert.equal(await resultOf(stage, await stage.publish('job', null, KEPT)), 3);
  });

  scenario('several wait for one job, in several workers', keepsRecords, async (stage) => {
    const job = await stage.publish('job', null, KEPT);
    const others = [await stage.another(), await stage.another(), stage.worker];
    const handles = others.map((by) => stage.publisher(by).job('job', job.id, { queue: stage.queue }));
    const waiting = handled(Promise.all([job, job, ...handles].map((one) => resultOf(stage, one))));
    await stage.time.pass(stage.worker.quietMs);
    stage.crew({ handlers: { job: () => 'done' } });
    assert.deepEqual(await waiting, ['done', 'done', 'done', 'done', 'done']);
  });

  scenario('who asks after the job’s end is answered as long as the result is kept', keepsRecords, async (stage) => {
    const keptMs = stage.time.isVirtual ? 60_000 : 4_000;
    const crew = stage.crew({
      handlers: {
        job: (_, job) => {
          job.progress(1);
          job.log('one');
          return 'done';
        },
      },
    });
    const job = await stage.publish('job', null, { keepResult: keptMs });
    await crew.hears('completed');
    const endedAt = stage.clock.now();
    const other = await stage.another();
    await stage.time.pass(keptMs / 2);
    const late = await stage.time.wait(
      'a late result',
      stage.publisher(other).job('job', job.id, { queue: stage.queue }).result({ timeout: 1_000 }).catch(String),
    );
    if (stage.clock.now() - endedAt > keptMs * 0.8) stage.tooSlow('the late result was asked for too late');
    assert.equal(late, 'done');
    await stage.time.pass(endedAt + keptMs + 10 - stage.clock.now());
    assert.equal(await recordsOf(other, stage.queue, job.id), 0, 'nothing is left of it');
    const gone = await rejection(stage.time.wait('an end of the wait', job.result({ timeout: stage.delayMs })));
    assert.ok(gone instanceof JobResultTimeoutError, String(gone));
  });

  scenario('who waits in vain is told so in time, and may wait again', keepsRecords, async (stage) => {
    const job = await stage.publish('job', null, KEPT);
    const error = await rejection(stage.time.wait('an end of the wait', job.result({ timeout: stage.delayMs })));
    assert.ok(error instanceof JobResultTimeoutError, String(error));
    stage.crew({ handlers: { job: () => 'done' } });
    assert.equal(await resultOf(stage, job), 'done');
  });

  scenario('who calls in vain may ask again, by the id that he is told', keepsRecords, async (stage) => {
    const publisher = stage.publisher();
    const calling = publisher.call('job', null, { queue: stage.queue, timeout: stage.delayMs });
    const error = await rejection(stage.time.wait('an end of the call', calling));
    assert.ok(error instanceof JobResultTimeoutError, String(error));
    stage.crew({ handlers: { job: () => 'done' } });
    const job = stage.publisher(await stage.another()).job('job', error.jobId, { queue: stage.queue });
    assert.equal(await resultOf(stage, job), 'done');
  });

  scenario(
    'a worker that dies while it handles makes for a later answer',
    { ...keepsRecords, lease: 'short' },
    async (stage) => {
      const job = await stage.publish('job', null, KEPT);
      const dead = await stage.another();
      await dead.takeOne();
      const waiting = handled(resultOf(stage, job));
      stage.crew({ handlers: { job: (_, { attempt }) => attempt } });
      assert.equal(await waiting, 2);
    },
  );

  scenario(
    'a worker that dies between its answer and its settlement makes for another answer, never for none',
    { ...keepsRecords, lease: 'short' },
    async (stage) => {
      const { worker } = stage.cutOff(undefined, 'at the settlement');
      const dying = stage.crew({ handlers: { job: (_, { attempt }) => attempt } }, worker);
      const by = await stage.another();
      const job = await stage.publish('job', null, KEPT, by);
      assert.equal(await resultOf(stage, job), 1);
      const crew = stage.crew({ handlers: { job: (_, { attempt }) => attempt } }, by);
      await crew.hears('completed');
      assert.equal(await resultOf(stage, job), 2);
      await dying.stop();
    },
  );

  scenario('progress and log lines reach who follows a job in another worker', keepsRecords, async (stage) => {
    let go = (): void => undefined;
    const told = new Promise<void>((resolve) => (go = resolve));
    const crew = stage.crew({
      handlers: {
        job: async (_, job) => {
          job.progress({ page: 1 });
          job.log('first');
          await told;
          for (const page of [2, 3, 4]) job.progress({ page });
          job.log('last');
        },
      },
    });
    const other = await stage.another();
    const job = await stage.publish('job', null, KEPT, other);
    const values: unknown[] = [];
    const following = (async () => {
      for await (const value of job.progress()) {
        values.push(value);
        go();
      }
    })();
    await stage.time.wait('the end of progress', following);
    assert.deepEqual([values[0], values.at(-1)], [{ page: 1 }, { page: 4 }]);
    assert.deepEqual(await job.log(), ['first', 'last']);
    await crew.hears('completed');
    assert.deepEqual(await stage.time.wait('what is left of progress', collect(job.progress())), [{ page: 4 }]);
  });

  scenario('a large result comes back whole, or fails its job, with the reason told', keepsRecords, async (stage) => {
    const text = 'x'.repeat(LARGE_BYTES);
    stage.crew({ handlers: { job: () => text } });
    const job = await stage.publish('job', null, KEPT);
    const { maxBytes = Infinity } = stage.traits;
    if (maxBytes > 2 * LARGE_BYTES) {
      assert.ok((await resultOf(stage, job)) === text, 'it came back changed');
    } else {
      const error = await rejection(resultOf(stage, job));
      assert.ok(error instanceof JobFailedError, String(error));
      assert.match(error.reason, new RegExp(String(maxBytes)));
    }
  });

  scenario('an id used again is not answered by the job that had it before', keepsRecords, async (stage) => {
    let runs = 0;
    const first = stage.crew({ handlers: { job: () => ++runs } });
    const options = { ...KEPT, id: 'again' };
    assert.equal(await resultOf(stage, await stage.publish('job', null, options)), 1);
    await first.hears('completed');
    await first.stop();
    const job = await stage.publish('job', null, options);
    const early = await rejection(stage.time.wait('an end of the wait', job.result({ timeout: stage.delayMs })));
    assert.ok(early instanceof JobResultTimeoutError, String(early));
    stage.crew({ handlers: { job: () => ++runs } });
    assert.equal(await resultOf(stage, job), 2);
  });
});
