import { afterEach, beforeEach, expect, test } from 'vitest';
import { BackendError } from '../../lib/core/backend.js';
import { defineJob } from '../../lib/core/definition.js';
import { forward } from '../../lib/core/forward.js';
import { BlockedError, FatalError, TransientError } from '../../lib/core/errors.js';
import type { Records } from '../../lib/core/records.js';
import {
  JobExpiredError,
  JobFailedError,
  JobResultNotKeptError,
  JobResultTimeoutError,
} from '../../lib/core/answer-errors.js';
import { PublishError } from '../../lib/core/publish-error.js';
import { handler, queue, Workshop } from './workshop.js';

let shop: Workshop;

beforeEach(async () => {
  shop = await Workshop.open();
});

afterEach(() => shop.close());

/** What a promise comes to while so much time passes. */
async function endOf<T>(promise: Promise<T>, ms = 0): Promise<T | Error> {
  const ended = promise.catch((error: unknown) => error as Error);
  await shop.clock.advance(ms);
  return ended;
}

/** A schema that takes everything. */
const anything = {
  '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) },
} as const;

/** The records, some of whose verbs are others. */
function recordsWith(others: Partial<Records>): void {
  const inner = shop.engine.records as Records;
  shop.engine.records = {
    set: (key, text, ttlMs) => inner.set(key, text, ttlMs),
    claim: (key, text, ttlMs) => inner.claim(key, text, ttlMs),
    swap: (key, from, to, ttlMs) => inner.swap(key, from, to, ttlMs),
    get: (key) => inner.get(key),
    delete: (key, text) => inner.delete(key, text),
    watch: (key, listener) => inner.watch(key, listener),
    ...others,
  };
}

test('gives what the handler returned, as JSON keeps it', async () => {
  shop.consume([handler('add', (payload) => ({ sum: (payload as number[])[0], gone: undefined }))]);
  const job = await shop.publisher.publish('add', [7], { keepResult: '10m' });
  expect(await endOf(job.result())).toEqual({ sum: 7 });
  expect(await endOf(job.result()), 'a late one').toEqual({ sum: 7 });
});

test('tells nothing from null', async () => {
  shop.consume([handler('nothing', () => undefined), handler('null', () => null)]);
  expect(await endOf(shop.publisher.call('nothing', null))).toBe(undefined);
  expect(await endOf(shop.publisher.call('null', null))).toBe(null);
});

test('keeps the answer as long as keepResult says, counted from the end', async () => {
  shop.consume([
    handler('slow', (_, { attempt }) =>
      attempt === 1 ? Promise.reject(new TransientError('no', { retryIn: '1h' })) : 1,
    ),
  ]);
  const job = await shop.publisher.publish('slow', null, { keepResult: '10m' });
  await shop.clock.advance(3_600_000);
  await shop.clock.advance(599_000);
  expect(await endOf(job.result())).toBe(1);
  await shop.clock.advance(1_001);
  const late = await endOf(job.result({ timeout: '5s' }), 5_000);
  expect(late).toBeInstanceOf(JobResultTimeoutError);
  expect((late as Error).message).toMatch(/within 5000 ms: it may still run, or its answer is not kept any more/);
});

test('a failed job answers with the error of its handler', async () => {
  class NoSuchFile extends FatalError {}
  shop.consume([handler('read', () => Promise.reject(new NoSuchFile('no such file')))]);
  const error = (await endOf(shop.publisher.call('read', null))) as JobFailedError;
  expect(error).toBeInstanceOf(JobFailedError);
  expect(error).toMatchObject({
    message: 'no such file',
    remoteName: 'NoSuchFile',
    reason: 'a fatal error',
    attempts: 1,
  });
  expect(error.remoteStack).toMatch(/answers\.spec/);
  expect(error).toMatchObject({ jobName: 'read', queue: 'default' });
});

test('a job that is retried for an hour answers once it has ended', async () => {
  shop.consume([
    handler('try', (_, { attempt }) => Promise.reject(new TransientError(`no ${attempt}`, { retryIn: '30m' }))),
  ]);
  const ended = endOf(shop.publisher.call('try', null, { attempts: 3, timeout: '2h' }), 3_700_000);
  expect(await ended).toMatchObject({ name: 'JobFailedError', message: 'no 3', attempts: 3 });
});

test('an expired job answers that it has', async () => {
  shop.consume([handler('late', () => Promise.reject(new TransientError('busy', { retryIn: '1h' })))]);
  const error = await endOf(shop.publisher.call('late', null, { expiration: '1m' }), 1);
  expect(error).toBeInstanceOf(JobExpiredError);
  expect(error).toMatchObject({ attempts: 1, reason: 'its next attempt would start after its expiration' });
});

test('a job that expires before its turn answers that it has', async () => {
  const job = await shop.publisher.publish('late', null, { expiration: '1m', keepResult: '1h' });
  await shop.clock.advance(60_001);
  shop.consume([handler('late', () => 1)]);
  expect(await endOf(job.result())).toBeInstanceOf(JobExpiredError);
});

test('a job that runs, is retried or blocked answers nothing', async () => {
  let left = 3;
  shop.consume([
    handler('busy', (_, { attempt }) => {
      if (left-- > 0) return Promise.reject(new BlockedError('not there', { retryIn: '1s' }));
      return attempt === 1 ? Promise.reject(new TransientError('no', { retryIn: '1s' })) : 'there';
    }),
  ]);
  const job = await shop.publisher.publish('busy', null, { keepResult: '1h' });
  expect(await endOf(job.result({ timeout: '2s' }), 2_000)).toBeInstanceOf(JobResultTimeoutError);
  expect(await endOf(job.result(), 10_000)).toBe('there');
});

test('a job that keeps no result says so at once, and says what to do', async () => {
  const job = await shop.publisher.publish('send', null);
  const asked = [() => job.result(), () => job.log(), () => job.progress()[Symbol.asyncIterator]().next()];
  for (const ask of asked) {
    const error = await endOf<unknown>(ask());
    expect(error).toBeInstanceOf(JobResultNotKeptError);
    expect((error as Error).message).toMatch(/job "send".*publish it with \{ keepResult: '10m' \}/);
  }
});

test('a definition with a schema for results keeps them by default', async () => {
  const Resize = defineJob('resize', { payload: anything, result: anything });
  shop.consume([handler('resize', () => 'done')]);
  const job = await shop.publisher.publish(Resize, null);
  expect(await endOf(job.result())).toBe('done');
  const kept = await shop.publisher.publish(Resize, null, { keepResult: false });
  expect(await endOf(kept.result())).toBeInstanceOf(JobResultNotKeptError);
});

test('a definition says how long results are kept', async () => {
  const Resize = defineJob('resize', { keepResult: '1h' });
  shop.consume([handler('resize', () => 'done')]);
  const job = await shop.publisher.publish(Resize, null);
  await shop.clock.advance(3_500_000);
  expect(await endOf(job.result())).toBe('done');
});

test.each([
  [0, /keepResult: expected more than 0, or false, got 0/],
  ['soon', /keepResult: expected milliseconds or a duration/],
  [true, /keepResult: expected milliseconds or a duration/],
  ['20y', /keepResult: expected at most 10 years/],
])('refuses keepResult %s', async (keepResult, message) => {
  const error = await endOf(shop.publisher.publish('send', null, { keepResult: keepResult as string }));
  expect(error).toBeInstanceOf(PublishError);
  expect((error as Error).message).toMatch(message);
});

test('refuses what a wait can’t be', async () => {
  const job = await shop.publisher.publish('send', null, { keepResult: '1m' });
  await expect(job.result({ timeout: 'soon' })).rejects.toThrow(/timeout: expected milliseconds/);
  await expect(job.result({ timout: 1 } as never)).rejects.toThrow(/unknown option "timout"/);
  await expect(job.result({ signal: 1 as never })).rejects.toThrow(/signal: expected an AbortSignal, got 1/);
  await expect(shop.publisher.call('send', null, { timeout: -1 })).rejects.toThrow(/timeout: expected milliseconds/);
  await expect(shop.publisher.call('send', null, { keepResult: false as never })).rejects.toThrow(PublishError);
});

test('the headers that carry it are not the handler’s', async () => {
  const seen: unknown[] = [];
  shop.consume([handler('send', (_, { headers }) => void seen.push(headers))]);
  await shop.publisher.publish('send', null, { keepResult: '1m', headers: { tenant: 'a' } });
  await shop.now();
  expect(seen).toEqual([{ tenant: 'a' }]);
});

test('what publish gives is as before to JSON and to comparison', async () => {
  const { id, ...rest } = await shop.publisher.publish('send', null, { keepResult: '1m' });
  expect(rest).toEqual({
    name: 'send',
    queue: 'default',
    priority: 1024,
    readyAt: undefined,
    expiresAt: undefined,
    duplicate: false,
  });
  const job = await shop.publisher.publish('send', null);
  expect(Object.keys(job).toSorted()).toEqual(['duplicate', 'expiresAt', 'id', 'name', 'priority', 'queue', 'readyAt']);
  expect(id).not.toBe('');
});

test('an answer of an earlier job of the same id is not taken for the new one’s', async () => {
  let run = 0;
  const consumer = shop.consume([handler('count', () => ++run)]);
  const first = await shop.publisher.publish('count', null, { id: 'x', keepResult: '1h' });
  expect(await endOf(first.result())).toBe(1);
  const stopping = consumer.stop(0);
  await shop.now();
  await stopping;
  const second = await shop.publisher.publish('count', null, { id: 'x', keepResult: '1h' });
  expect(await endOf(second.result({ timeout: 1_000 }), 1_000)).toBeInstanceOf(JobResultTimeoutError);
  shop.consume([handler('count', () => ++run)]);
  expect(await endOf(second.result())).toBe(2);
  expect(await endOf(first.result()), 'the first has the later one’s').toBe(2);
});

test('a duplicate has the answer of the job that lives', async () => {
  const first = await shop.publisher.publish('count', null, { id: 'x', keepResult: '1h' });
  const second = await shop.publisher.publish('count', null, { id: 'x', keepResult: '1h' });
  const called = endOf(shop.publisher.call('count', null, { id: 'x' }));
  await shop.now();
  shop.consume([handler('count', () => 'once')]);
  expect([first.duplicate, second.duplicate]).toEqual([false, true]);
  expect([await endOf(first.result()), await endOf(second.result()), await called]).toEqual(['once', 'once', 'once']);
});

test('a job that was published elsewhere is found by its name, its id and its queue', async () => {
  const Resize = defineJob<string, number>('resize', { queue: 'pictures', keepResult: '1h' });
  const { id } = await shop.publisher.publish(Resize, 'a', { queue: 'default' });
  shop.consume([handler('resize', () => 8)]);
  await shop.now();
  expect(shop.publisher.job(Resize, id)).toMatchObject({ id, name: 'resize', queue: 'pictures' });
  expect(await endOf(shop.publisher.job(Resize, id).result({ timeout: 1 }), 1)).toBeInstanceOf(JobResultTimeoutError);
  expect(await endOf(shop.publisher.job(Resize, id, { queue: 'default' }).result())).toBe(8);
  expect(() => shop.publisher.job('resize', '')).toThrow(/job id: expected a text, got ""/);
  expect(() => shop.publisher.job('resize', 'x', { queue: '/' })).toThrow(/queue name/);
});

test('a call whose publishing fails rejects with that, and waits for nothing', async () => {
  shop.engine.publish = () => Promise.reject(new BackendError('no room', { passing: true }));
  expect(await endOf(shop.publisher.call('send', null))).toBeInstanceOf(PublishError);
});

test('a call that is not waited for any more rejects with the signal’s reason; the job goes on', async () => {
  const controller = new AbortController();
  const called = endOf(shop.publisher.call('send', null, { signal: controller.signal }));
  await shop.now();
  controller.abort(new Error('enough'));
  expect(await called).toMatchObject({ message: 'enough' });
  await expect(shop.publisher.call('send', null, { signal: controller.signal })).rejects.toThrow('enough');
  shop.consume([handler('send', () => 1)]);
  await shop.now();
  expect(shop.story).toEqual(['started', 'completed']);
});

test('an engine without records refuses to keep results, and publishes all the same what nobody asked to be kept', async () => {
  const Resize = defineJob('resize', { payload: anything, result: anything });
  shop.engine.records = undefined;
  const { publisher } = shop;
  for (const ask of [() => publisher.publish('send', null, { keepResult: 1 }), () => publisher.call('send', null)]) {
    const error = await endOf<unknown>(ask());
    expect(error).toBeInstanceOf(PublishError);
    expect((error as Error).message).toMatch(/the backend memory keeps no records.*filer, bullmq and beanstalkd do/);
  }
  const job = await shop.publisher.publish(Resize, null);
  expect(await endOf(job.result())).toBeInstanceOf(JobResultNotKeptError);
  expect(await endOf(shop.publisher.job('send', 'x').result())).toBeInstanceOf(JobResultNotKeptError);
});

test('an engine that is away while it is waited for is asked again', async () => {
  shop.consume([handler('send', () => 1)]);
  const job = await shop.publisher.publish('send', null, { keepResult: '1h' });
  await shop.now();
  let failures = 3;
  const inner = shop.engine.records as Records;
  const gone = (): Promise<never> => Promise.reject(new BackendError('away', { passing: true }));
  recordsWith({
    get: (key) => (failures-- > 0 ? gone() : inner.get(key)),
    watch: (key, listener) => (failures-- > 0 ? gone() : inner.watch(key, listener)),
  });
  expect(await endOf(job.result(), 30_000)).toBe(1);
  recordsWith({ get: gone });
  const late = await endOf(job.result(), 60_000);
  expect(late).toBeInstanceOf(JobResultTimeoutError);
  expect((late as Error).cause).toMatchObject({ message: 'away' });
});

test('an answer that could not be stored is stored later, before the job is settled', async () => {
  let failures = 3;
  const inner = shop.engine.records as Records;
  recordsWith({
    set: (key, text, ttlMs) =>
      failures-- > 0 ? Promise.reject(new BackendError('away', { passing: true })) : inner.set(key, text, ttlMs),
  });
  shop.consume([handler('send', () => 1)]);
  const called = endOf(shop.publisher.call('send', null), 10_000);
  expect(await called).toBe(1);
  expect(shop.story).toEqual(['started', 'completed']);
});

test('a result that the engine does not take fails the job, and its caller is told why', async () => {
  const inner = shop.engine.records as Records;
  recordsWith({
    set: (key, text, ttlMs) =>
      text.length > 3_000
        ? Promise.reject(new BackendError(`${text.length} bytes, at most 3000`, { passing: false }))
        : inner.set(key, text, ttlMs),
  });
  shop.consume([
    handler('big', () => 'x'.repeat(10_000)),
    handler('throw', () => Promise.reject(new FatalError('y'.repeat(10_000)))),
  ]);
  const error = await endOf(shop.publisher.call('big', null));
  expect(error).toBeInstanceOf(JobFailedError);
  expect(error).toMatchObject({
    reason: expect.stringMatching(/can't be kept for its caller: 100\d\d bytes, at most 3000/) as string,
  });
  expect(shop.last('failed').reason).toBe((error as JobFailedError).reason);
  const thrown = (await endOf(shop.publisher.call('throw', null))) as JobFailedError;
  expect(thrown.message).toMatch(/^y{500}…$/);
});

test('a result larger than a message may be fails the job with both numbers', async () => {
  shop.engine.traits = { ...shop.engine.traits, maxBytes: 65_535 };
  shop.consume([handler('big', () => 'x'.repeat(100_000))]);
  const error = await endOf(shop.publisher.call('big', null));
  expect(error).toMatchObject({
    reason: expect.stringMatching(/it has 1000\d\d bytes, and memory takes at most 65535/) as string,
  });
});

test('a result of 10 MB comes back', async () => {
  const large = 'x'.repeat(10_000_000);
  shop.consume([handler('big', () => large)]);
  expect((await endOf(shop.publisher.call('big', null))) === large).toBe(true);
});

test('a result that JSON can’t keep fails the job', async () => {
  shop.consume([handler('nan', () => NaN)]);
  expect(await endOf(shop.publisher.call('nan', null))).toMatchObject({
    message: expect.stringMatching(/got NaN/) as string,
  });
});

test('a worker that dies between the answer and the settlement makes for a second answer', async () => {
  let run = 0;
  shop.consume([handler('count', () => ++run)]);
  const { settle } = shop.engine;
  shop.engine.extend = () => Promise.resolve(false);
  shop.engine.settle = () => new Promise(() => undefined);
  const job = await shop.publisher.publish('count', null, { keepResult: '1h' });
  expect(await endOf(job.result())).toBe(1);
  shop.engine.settle = settle;
  await shop.clock.advance(31_000);
  expect(await endOf(job.result())).toBe(2);
});

test('a job that goes on as others answers its first caller with what the last returns', async () => {
  const Store = defineJob<number, string>('store', { queue: 'stores', result: anything });
  shop.consume(
    [
      handler('read', (payload) => forward('double', payload)),
      handler('double', (payload) => forward(Store, Number(payload) * 2)),
      handler('store', (payload) => `stored ${String(payload)}`),
    ],
    { publisher: shop.publisher, queues: [queue('default'), queue('stores')] },
  );
  expect(await endOf(shop.publisher.call('read', 4))).toBe('stored 8');
  const named = await shop.publisher.publish('read', 5, { id: 'x', keepResult: '1m' });
  expect(await endOf(named.result())).toBe('stored 10');
  await shop.publisher.publish('read', 6, { id: 'y' });
  await shop.now();
  expect(await endOf(shop.publisher.job(Store, 'y').result({ timeout: 1 }), 1), 'nobody asked').toBeInstanceOf(
    JobResultTimeoutError,
  );
});
