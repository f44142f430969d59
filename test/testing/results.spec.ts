import { setTimeout as sleep } from 'node:timers/promises';
import {
  defineJob,
  FatalError,
  JobFailedError,
  JobHandler,
  JobResultTimeoutError,
  PublisherService,
} from 'nestjs-jobs';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { Journal, shop, ShopModule } from './applications.js';

const Double = defineJob('double', { payload: z.number(), result: z.number() });

@JobHandler(Double)
class Doubles {
  handle(n: number): number {
    if (n < 0) throw new FatalError('below 0');
    return 2 * n;
  }
}

/** Asks another job within its own. */
@JobHandler('quadruple')
class Quadruples {
  constructor(private readonly publisher: PublisherService) {}

  async handle(n: number): Promise<number> {
    return this.publisher.call(Double, await this.publisher.call(Double, n));
  }
}

/** Takes longer than calls are left without a word. */
@JobHandler('slow')
class Slow {
  async handle(): Promise<string> {
    await sleep(1_500);
    return 'late';
  }
}

const module = { ...ShopModule.on(), providers: [Doubles, Quadruples, Slow, Journal] };

test('memory: a call resolves with what the handler returns when the jobs are drained', async () => {
  const { jobs, publisher } = await shop({ mode: 'memory' }, module);
  const called = publisher.call(Double, 4);
  await jobs.drain();
  expect(await called).toBe(8);
  const job = await publisher.publish(Double, 5);
  await jobs.drain();
  expect(await job.result()).toBe(10);
});

test('memory: a call before drain() would wait for ever, and says so once', async () => {
  const { app, jobs, publisher } = await shop({ mode: 'memory' }, module);
  const said: unknown[] = [];
  const ignore = (): void => undefined;
  app.useLogger({ log: ignore, warn: ignore, error: (message: unknown) => said.push(message) });
  const called = publisher.call(Double, 4);
  await expect.poll(() => said, { timeout: 30_000 }).toHaveLength(1);
  const id = jobs.published(Double)[0]?.id ?? '';
  expect(said[0]).toBe(
    `The answer of job "double" with id "${id}" is waited for, which nobody runs: in mode 'memory' drain() does. ` +
      'Await it after that: const answer = publisher.call(…); await jobs.drain(); await answer;',
  );
  // Another is told of, and this one no more.
  const second = publisher.call(Double, 5);
  await expect.poll(() => said, { timeout: 30_000 }).toHaveLength(2);
  expect(said[1]).not.toContain(id);
  await jobs.drain();
  expect(await Promise.all([called, second])).toEqual([8, 10]);
});

test('memory: nothing is said of a call that waits for a time to come, or whose job is being run', async () => {
  const { app, jobs, publisher } = await shop({ mode: 'memory' }, module);
  const said: unknown[] = [];
  const ignore = (): void => undefined;
  app.useLogger({ log: ignore, warn: ignore, error: (message: unknown) => said.push(message) });
  const later = publisher.call(Double, 4, { delay: '30s' });
  const drained = publisher.call(Double, 4);
  await jobs.drain();
  expect(await drained).toBe(8);
  const slow = publisher.call('slow', null);
  await jobs.drain();
  expect(await slow).toBe('late');
  await jobs.advance('30s');
  expect(await later).toBe(8);
  expect(said).toEqual([]);
});

test('memory: a handler may call another', async () => {
  const { jobs, publisher } = await shop({ mode: 'memory' }, module);
  const called = publisher.call('quadruple', 3);
  await jobs.drain();
  expect(await called).toBe(12);
});

test('memory: a result is waited for, and kept, by the time that the test lets pass', async () => {
  const { jobs, publisher } = await shop({ mode: 'memory' }, module);
  const job = await publisher.publish(Double, 5, { delay: '1h', keepResult: '10m' });
  const early = job.result({ timeout: '30m' }).catch((error: unknown) => error);
  await jobs.advance('30m');
  expect(await early).toBeInstanceOf(JobResultTimeoutError);
  await jobs.advance('30m');
  expect(await job.result()).toBe(10);
  await jobs.advance('11m');
  const late = job.result({ timeout: '1s' }).catch((error: unknown) => error);
  await jobs.advance('1s');
  expect(await late).toBeInstanceOf(JobResultTimeoutError);
});

test('inline: a call gives what the handler returns, or how it failed', async () => {
  const { publisher } = await shop({ mode: 'inline' }, module);
  expect(await publisher.call(Double, 4)).toBe(8);
  expect(await publisher.call('quadruple', 4)).toBe(16);
  await expect(publisher.call(Double, -1)).rejects.toMatchObject({ name: 'JobFailedError', message: 'below 0' });
});

test('fake: a call gives what the test has as answer', async () => {
  const { jobs, publisher } = await shop({ mode: 'fake' }, module);
  jobs.answer(Double, 7);
  expect(await publisher.call(Double, 4)).toBe(7);
  jobs.answer(Double, (n) => n + 1);
  expect(await publisher.call(Double, 4)).toBe(5);
  jobs.answer('elsewhere', () => Promise.reject(new Error('no')));
  const error: unknown = await publisher.call('elsewhere', 1).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(JobFailedError);
  expect(error).toMatchObject({ message: 'no', remoteName: 'Error' });
  expect(jobs.published(Double)).toHaveLength(2);
});

test('fake: a call without an answer fails at once, and says what to do', async () => {
  const { jobs, publisher } = await shop({ mode: 'fake' }, module);
  await expect(publisher.call(Double, 4)).rejects.toThrow(
    "no handler runs in mode 'fake': give the answer before, by answer('double', …)",
  );
  expect(() => jobs.answer(Double, NaN)).toThrow('answer: expected a finite number, got NaN');
});

test('answers are for mode fake alone', async () => {
  const { jobs } = await shop({ mode: 'memory' }, module);
  expect(() => jobs.answer(Double, 1)).toThrow("answer: handlers answer in mode 'memory'; call drain()");
});

test('the headers that carry an answer are not listed', async () => {
  const { jobs, publisher } = await shop({ mode: 'memory' }, module);
  await publisher.publish(Double, 1, { headers: { tenant: 'a' } });
  expect(jobs.published(Double)[0]?.options.headers).toEqual({ tenant: 'a' });
});
