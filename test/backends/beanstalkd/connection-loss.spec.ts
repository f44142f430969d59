import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newPublisher, QUEUE } from '../../../bench/core-setup.js';
import type { Job } from '../../../lib/core/job.js';
import { PublishError } from '../../../lib/core/publish-error.js';
import { Proxy } from '../../servers/proxy.js';
import { House, PATIENCE, publish, take } from './house.js';

const AWAY_MS = 5_000;

let house: House;
let proxy: Proxy;

beforeEach(async () => {
  house = await House.open();
  proxy = await Proxy.to(house.server.port);
}, 300_000);

afterEach(async () => {
  proxy.mend();
  await house.end();
  await proxy.close();
});

test('a job whose connection is lost is told at once, its outcome dropped, and it runs again as attempt 2', async () => {
  const backend = await house.backend({ port: proxy.port });
  const said: string[] = [];
  const say = (message: string): unknown => said.push(message);
  const aborted: { readonly reason: unknown; readonly at: number }[] = [];
  const handle = async (_: unknown, { attempt, signal }: Job): Promise<string> => {
    if (attempt > 1) return 'second';
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    aborted.push({ reason: signal.reason, at: performance.now() });
    return 'too late';
  };
  const crew = house.crew(backend, 'mail', {
    handlers: { job: handle },
    // No connection waits for more: it could be given a job of the others before it is reset itself.
    concurrency: 3,
    reporter: { log: say, warn: say, error: say },
  });
  await publish(backend, 'mail', {}, {}, {});
  await crew.hears('started', 3);
  const brokenAt = performance.now();
  proxy.cut(true);
  await crew.hears('leaseLost', 3);
  expect(aborted).toHaveLength(3);
  for (const { reason, at } of aborted) {
    expect(reason).toMatchObject({ name: 'JobLeaseLostError' });
    // Long before the lease would be renewed the next time.
    expect(at - brokenAt).toBeLessThan(1_000);
  }
  await sleep(AWAY_MS);
  proxy.mend();
  await crew.hears('completed', 3);
  for (const { job, result } of crew.told('completed')) expect([job.attempt, result]).toEqual([2, 'second']);
  expect(crew.calls).toHaveLength(6);
  expect(said).toEqual([
    expect.stringMatching(/^beanstalkd fails: .*Trying again until it is back/),
    expect.stringMatching(/^beanstalkd is back after \d/),
  ]);
}, 60_000);

test('a publish under way when the connection is lost tells that it may have been stored; those after it fail at once', async () => {
  const backend = await house.backend({ port: proxy.port });
  const publisher = newPublisher(backend);
  await publisher.publish('job', 'before');
  proxy.swallowAnswers();
  const underWay = publisher.publish('job', 'under way').catch((error: unknown) => error);
  await expect.poll(() => house.count(QUEUE, 'current-jobs-ready'), PATIENCE).toBe(2);
  proxy.cut(true);
  const error = await underWay;
  expect(error).toBeInstanceOf(PublishError);
  expect(error).toMatchObject({ maybeStored: true, stored: 0 });
  const before = performance.now();
  await expect(publisher.publish('job', 'away')).rejects.toMatchObject({ maybeStored: false, stored: 0 });
  expect(performance.now() - before).toBeLessThan(1_000);
  proxy.mend();
  await publisher.publish('job', 'after');
  const payloads: unknown[] = [];
  for (let left = 3; left > 0; left--) payloads.push((await take(backend, QUEUE)).content);
  expect(payloads).toMatchObject([{ payload: 'before' }, { payload: 'under way' }, { payload: 'after' }]);
  expect(await house.count(QUEUE, 'current-jobs-ready')).toBe(0);
});
