import { afterEach, beforeEach, expect, test } from 'vitest';
import { BackendError } from '../../lib/core/backend.js';
import { TransientError } from '../../lib/core/errors.js';
import type { Job } from '../../lib/core/job.js';
import type { PublishedJob } from '../../lib/core/published-job.js';
import type { Records } from '../../lib/core/records.js';
import { handler, Work, Workshop } from './workshop.js';

let shop: Workshop;
let work: Work;

beforeEach(async () => {
  shop = await Workshop.open();
  work = new Work();
});

afterEach(() => shop.close());

/** A running job and its handle. */
async function running(options = {}): Promise<{ job: Job; handle: PublishedJob }> {
  shop.consume([handler('resize', work.handle)]);
  const handle = await shop.publisher.publish('resize', null, { keepResult: '1h', ...options });
  await shop.now();
  return { job: work.started[0], handle };
}

/** All that an iterable gives. */
async function collect(values: AsyncIterable<unknown>): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const value of values) all.push(value);
  return all;
}

test('progress reaches who follows it, each value that is not overtaken, and ends with the job', async () => {
  const { job, handle } = await running();
  const followed = collect(handle.progress());
  for (const value of [1, { page: 2 }, null, 'four']) {
    job.progress(value);
    await shop.now();
  }
  work.end(0, 'done');
  await shop.now();
  expect(await followed).toEqual([1, { page: 2 }, null, 'four']);
  expect(await collect(handle.progress()), 'who comes late has the last').toEqual(['four']);
});

test('what is said right before the end is told', async () => {
  shop.consume([
    handler('resize', (_, job) => {
      for (let value = 0; value <= 100; value++) job.progress(value);
      job.log('one');
      job.log('two');
    }),
  ]);
  const handle = await shop.publisher.publish('resize', null, { keepResult: '1h' });
  const followed = collect(handle.progress());
  await shop.now();
  expect((await followed).at(-1)).toBe(100);
  expect(await handle.log()).toEqual(['one', 'two']);
});

test('of values faster than they are stored, the last is stored, one at a time', async () => {
  const inner = shop.engine.records as Records;
  const stored: string[] = [];
  let underWay = 0;
  let most = 0;
  const set: Records['set'] = async (key, text, ttlMs) => {
    most = Math.max(most, ++underWay);
    if (key.startsWith('progress:')) stored.push(text);
    await inner.set(key, text, ttlMs);
    underWay -= 1;
  };
  shop.engine.records = Object.assign(Object.create(inner) as Records, { set });
  const { job } = await running();
  for (let value = 0; value < 10_000; value++) job.progress(value);
  await shop.now();
  expect(stored).toEqual(['{"value":0}', '{"value":9999}']);
  expect(most).toBe(1);
});

test('events tell each, whether the job keeps its result or not', async () => {
  shop.consume([handler('resize', work.handle)]);
  await shop.publisher.publish('resize', null);
  await shop.now();
  const [job] = work.started;
  job.progress(0.5);
  job.log('half');
  expect(shop.last('progress')).toMatchObject({ job: { name: 'resize' }, value: 0.5 });
  expect(shop.last('log')).toMatchObject({ job: { name: 'resize' }, line: 'half' });
  expect(shop.story).toEqual(['started', 'progress', 'log']);
});

test('what JSON can’t keep is not told, and harms nothing; it is said once', async () => {
  const { job, handle } = await running();
  for (const value of [NaN, new Date(), () => 1, 'x'.repeat(100_000)]) job.progress(value);
  job.log(7 as never);
  job.log('y'.repeat(5_000));
  expect(shop.lines.all).toEqual([expect.stringMatching(/warn: Job "resize".*progress is not told: .*got NaN/)]);
  expect(shop.story).toEqual(['started', 'log', 'log']);
  work.end(0, 'done');
  await shop.now();
  expect(await handle.result()).toBe('done');
  const [first, second] = await handle.log();
  expect([first, second?.length]).toEqual(['7', 4_001]);
});

test('the log keeps the last 200 lines, of all attempts', async () => {
  shop.consume([
    handler('resize', (_, job) => {
      for (let line = 1; line <= 150; line++) job.log(`${job.attempt}: ${line}`);
      if (job.attempt === 1) throw new TransientError('no', { retryIn: 1 });
    }),
  ]);
  const handle = await shop.publisher.publish('resize', null, { keepResult: '1h' });
  await shop.clock.advance(10);
  const lines = await handle.log();
  expect([lines.length, lines[0], lines[49], lines[50], lines.at(-1)]).toEqual([
    200,
    '1: 101',
    '1: 150',
    '2: 1',
    '2: 150',
  ]);
});

test('the log fits into what the engine takes', async () => {
  shop.engine.traits = { ...shop.engine.traits, maxBytes: 20_000 };
  const { job, handle } = await running();
  for (let line = 0; line < 100; line++) job.log(`${line} ${'é'.repeat(500)}`);
  await shop.now();
  const lines = await handle.log();
  expect(Buffer.byteLength(JSON.stringify(lines))).toBeLessThan(10_000);
  expect(lines.at(-1)).toMatch(/^99 /);
  expect(lines.length).toBeGreaterThan(5);
});

test('an engine that is away harms no handler; the last is stored before the answer', async () => {
  const inner = shop.engine.records as Records;
  let away = true;
  const set: Records['set'] = (key, text, ttlMs) =>
    away ? Promise.reject(new BackendError('away', { passing: true })) : inner.set(key, text, ttlMs);
  shop.engine.records = Object.assign(Object.create(inner) as Records, { set });
  const { job, handle } = await running();
  job.progress(1);
  job.log('one');
  await shop.now();
  away = false;
  work.end(0, 'done');
  await shop.now();
  expect(await collect(handle.progress())).toEqual([1]);
  expect(await handle.log()).toEqual(['one']);
});

test('what a handler says after its end is not heard', async () => {
  const { job, handle } = await running();
  work.end(0, 'done');
  await shop.now();
  job.progress(1);
  job.log('late');
  await shop.now();
  expect(shop.story).toEqual(['started', 'completed']);
  expect([await collect(handle.progress()), await handle.log()]).toEqual([[], []]);
});

test('who follows may stop, and a signal stops him', async () => {
  const { job, handle } = await running();
  job.progress(1);
  await shop.now();
  for await (const value of handle.progress()) {
    expect(value).toBe(1);
    break;
  }
  const controller = new AbortController();
  const followed = collect(handle.progress({ signal: controller.signal })).catch((error: unknown) => error);
  await shop.now();
  controller.abort(new Error('enough'));
  expect(await followed).toMatchObject({ message: 'enough' });
  await expect(collect(handle.progress({ signal: controller.signal }))).rejects.toThrow('enough');
});

test('nothing is left of it once its time is over', async () => {
  const { job, handle } = await running({ keepResult: '1m' });
  job.progress(1);
  job.log('one');
  work.end(0, 'done');
  await shop.now();
  await shop.clock.advance(60_001);
  const records = shop.engine.records as Records;
  for (const kind of ['answer', 'progress', 'log']) {
    expect(await records.get(`${kind}:default:${handle.id}`)).toBe(undefined);
  }
});
