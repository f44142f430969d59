import assert from 'node:assert/strict';
import { defineJob } from '../core/definition.js';
import { BlockedError, FatalError, JobTimeoutError, TransientError } from '../core/errors.js';
import { newId } from '../core/id.js';
import { chapter, keepsHistory } from './scenario.js';
import type { Stage } from './stage/stage.js';

/** Fails the scenario unless nothing of the job is left but, where it failed, its id. */
export async function endsAs(stage: Stage, id: string, end: 'failed' | 'gone'): Promise<void> {
  await stage.worker.takesNothing(end === 'failed' ? 'the job failed' : 'the job is gone');
  if (!stage.traits.findsDuplicates) return;
  const [receipt] = await stage.worker.publish({ id });
  assert.equal(receipt?.duplicate, end === 'failed', end === 'failed' ? 'a failed job stays' : 'its id is free');
}

class Unmarked extends Error {}

/** A job whose payload and result have to be texts. */
function textual(part: 'payload' | 'result'): ReturnType<typeof defineJob> {
  const validate = (value: unknown): { value: string } | { issues: { message: string }[] } =>
    typeof value === 'string' ? { value: value.toUpperCase() } : { issues: [{ message: 'expected a text' }] };
  const schema = { '~standard': { version: 1, vendor: 'conformance', validate } } as const;
  return part === 'payload' ? defineJob('job', { payload: schema }) : defineJob('job', { result: schema });
}

export const handling = chapter('handling', (scenario) => {
  scenario('a job whose handler returns is completed', async (stage) => {
    const crew = stage.crew({ handlers: { job: (payload) => ({ got: payload }) } });
    const { id } = await stage.publish('job', [1, 'two']);
    const { job, result } = await crew.hears('completed');
    assert.deepEqual([job.id, job.attempt, result], [id, 1, { got: [1, 'two'] }]);
    await crew.stop();
    assert.equal(crew.calls.length, 1);
    await endsAs(stage, id, 'gone');
  });

  scenario('a handler is told all of its job', async (stage) => {
    const now = stage.clock.now();
    const crew = stage.crew({ handlers: { job: () => undefined } });
    const options = { priority: 7, attempts: 9, expiration: 3_600_000, headers: { tenant: 'é' } };
    const { id, expiresAt } = await stage.publish('job', { n: 1 }, options);
    await crew.hears('completed');
    const job = crew.calls[0];
    assert.ok(job);
    assert.deepEqual([job.id, job.name, job.queue, job.payload], [id, 'job', stage.queue, { n: 1 }]);
    assert.deepEqual([job.priority, job.attempt, job.maxAttempts, job.headers], [7, 1, 9, { tenant: 'é' }]);
    assert.deepEqual(job.expiresAt, expiresAt);
    assert.ok(job.publishedAt.getTime() >= now && job.publishedAt.getTime() <= stage.clock.now());
    assert.equal(job.signal.aborted, false);
  });

  scenario('a fatal error fails the job at once', async (stage) => {
    const crew = stage.crew({ handlers: { job: () => Promise.reject(new FatalError('no such mailbox')) } });
    const { id } = await stage.publish('job', null, { attempts: 5 });
    const { job, error } = await crew.hears('failed');
    assert.deepEqual([job.id, job.attempt, error.message], [id, 1, 'no such mailbox']);
    await stage.time.pass(2 * stage.delayMs);
    await crew.stop();
    assert.equal(crew.calls.length, 1);
    await endsAs(stage, id, 'failed');
  });

  for (const [kind, error] of [
    ['a transient error', new TransientError('busy')],
    ['an error that nobody marked', new Unmarked('oops')],
  ] as const) {
    scenario(
      `${kind} retries the job after its backoff until its attempts are used up; then it failed`,
      async (stage) => {
        const times: number[] = [];
        const handle = (): Promise<never> => {
          times.push(stage.clock.now());
          return Promise.reject(error);
        };
        const crew = stage.crew({ handlers: { job: handle } });
        const { id } = await stage.publish('job', null, { attempts: 3 });
        const failed = await crew.hears('failed');
        await crew.stop();
        assert.deepEqual(
          crew.calls.map((job) => job.attempt),
          [1, 2, 3],
        );
        for (const [index, { at }] of crew.told('retried').entries()) {
          assert.ok(at.getTime() - (times[index] ?? NaN) >= stage.delayMs);
          assert.ok((times[index + 1] ?? NaN) >= at.getTime(), 'a retry started before its backoff was over');
        }
        assert.deepEqual([crew.told('retried').length, failed.job.attempt, failed.error], [2, 3, error]);
        await endsAs(stage, id, 'failed');
      },
    );
  }

  scenario('a job that succeeds at last is completed', async (stage) => {
    const crew = stage.crew({
      handlers: { job: (_, { attempt }) => (attempt < 3 ? Promise.reject(new Error('not yet')) : 'done') },
    });
    const backoff = { kind: 'fixed', base: 1, jitter: 0 } as const;
    const { id } = await stage.publish('job', null, { attempts: 3, backoff });
    const { job, result } = await crew.hears('completed');
    assert.deepEqual([job.attempt, result], [3, 'done']);
    await crew.stop();
    await endsAs(stage, id, 'gone');
  });

  scenario('the error’s retryIn goes before the backoff', async (stage) => {
    const retryIn = 2 * stage.delayMs;
    let failedAt = 0;
    const handle = (_: unknown, { attempt }: { attempt: number }): unknown => {
      if (attempt === 2) return stage.clock.now();
      failedAt = stage.clock.now();
      return Promise.reject(new TransientError('busy', { retryIn }));
    };
    const crew = stage.crew({ handlers: { job: handle } });
    await stage.publish('job', null, { backoff: { kind: 'fixed', base: '1h' } });
    const { result } = await crew.hears('completed');
    assert.ok(Number(result) >= failedAt + retryIn, 'it was retried before retryIn');
  });

  scenario('a retry that would start after the expiration makes the job expire', async (stage) => {
    const crew = stage.crew({ handlers: { job: () => Promise.reject(new TransientError('x', { retryIn: '2h' })) } });
    const { id } = await stage.publish('job', null, { expiration: '1h' });
    const { job, error } = await crew.hears('expired');
    assert.deepEqual([job.id, job.attempt, error?.message], [id, 1, 'x']);
    await crew.stop();
    await endsAs(stage, id, 'gone');
  });

  scenario('a blocked job comes again and costs no attempt', async (stage) => {
    let left = 3;
    const blocked = new BlockedError('not there', { retryIn: stage.delayMs });
    const crew = stage.crew({ handlers: { job: () => (left-- > 0 ? Promise.reject(blocked) : 'there') } });
    const { id } = await stage.publish('job', null, { attempts: 1 });
    assert.equal((await crew.hears('completed')).result, 'there');
    await crew.stop();
    assert.deepEqual(
      crew.calls.map((job) => job.attempt),
      [1, 1, 1, 1],
    );
    assert.equal(crew.told('blocked').length, 3);
    await endsAs(stage, id, 'gone');
  });

  scenario('a job that is blocked for too long fails', async (stage) => {
    const blocked = new BlockedError('not there', { retryIn: stage.delayMs });
    const blockedForMs = 3 * stage.delayMs;
    const crew = stage.crew({ handlers: { job: () => Promise.reject(blocked) }, blockedForMs });
    const publishedAt = stage.clock.now();
    const { id } = await stage.publish('job', null, { attempts: 1 });
    const { job } = await crew.hears('failed');
    assert.ok(stage.clock.now() >= publishedAt + blockedForMs, 'it failed before its time');
    assert.equal(job.attempt, 1);
    assert.ok(crew.told('blocked').length >= 1);
    await crew.stop();
    await endsAs(stage, id, 'failed');
  });

  scenario('a job that runs too long is told by its signal and retried', async (stage) => {
    const handle = (_: unknown, { attempt }: { attempt: number }): unknown =>
      attempt === 1 ? new Promise(() => undefined) : 'in time';
    const crew = stage.crew({ handlers: { job: { handle, timeoutMs: stage.delayMs } }, concurrency: 1 });
    const { id } = await stage.publish('job');
    const { job, result } = await crew.hears('completed');
    assert.deepEqual([job.attempt, result], [2, 'in time']);
    assert.ok(crew.calls[0]?.signal.reason instanceof JobTimeoutError);
    assert.ok(crew.told('retried')[0]?.error instanceof JobTimeoutError);
    await crew.stop();
    await endsAs(stage, id, 'gone');
  });

  scenario('a result that JSON can’t keep fails the job at once', async (stage) => {
    const crew = stage.crew({ handlers: { job: () => ({ amount: 10n }) } });
    const { id } = await stage.publish('job', null, { attempts: 5 });
    const { reason } = await crew.hears('failed');
    assert.match(reason, /amount/);
    await stage.time.pass(2 * stage.delayMs);
    await crew.stop();
    assert.equal(crew.calls.length, 1);
    await endsAs(stage, id, 'failed');
  });

  scenario('a payload that its schema refuses fails the job at once, before it is handled', async (stage) => {
    const definition = textual('payload');
    const crew = stage.crew({ handlers: { job: { handle: (payload) => payload, definition } } });
    await stage.publish('job', 'text');
    assert.equal((await crew.hears('completed')).result, 'TEXT');
    const { id } = await stage.publish('job', 5, { attempts: 5 });
    const { reason } = await crew.hears('failed');
    assert.match(reason, /payload: expected a text/);
    await stage.time.pass(2 * stage.delayMs);
    await crew.stop();
    assert.equal(crew.calls.length, 1);
    await endsAs(stage, id, 'failed');
  });

  scenario('a result that its schema refuses fails the job at once', async (stage) => {
    const crew = stage.crew({ handlers: { job: { handle: () => 5, definition: textual('result') } } });
    const { id } = await stage.publish('job', null, { attempts: 5 });
    const { reason } = await crew.hears('failed');
    assert.match(reason, /result: expected a text/);
    await stage.time.pass(2 * stage.delayMs);
    await crew.stop();
    assert.equal(crew.calls.length, 1);
    await endsAs(stage, id, 'failed');
  });

  scenario('each failed attempt is kept with the job', keepsHistory, async (stage) => {
    const crew = stage.crew({ handlers: { job: (_, { attempt }) => Promise.reject(new Unmarked(`no ${attempt}`)) } });
    const id = newId();
    await stage.worker.publish({ id, maxAttempts: 100 });
    await crew.hears('retried', 2);
    await crew.stop();
    const { attempt, failures } = await stage.worker.takeOne();
    // There may have been another attempt before it stopped.
    const failed = crew.calls.length;
    assert.equal(attempt, failed + 1);
    const first = failures.slice(0, 2);
    assert.deepEqual(
      first.map((failure) => [failure.attempt, failure.worker, failure.error.name, failure.error.message]),
      [
        [1, 'conformance', 'Unmarked', 'no 1'],
        [2, 'conformance', 'Unmarked', 'no 2'],
      ],
    );
    assert.equal(failures.length, Math.min(failed, 10));
  });
});
