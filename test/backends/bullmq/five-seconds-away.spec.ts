import { setTimeout as sleep } from 'node:timers/promises';
import { JobHandler, PublishError, type Job } from 'nestjs-jobs';
import { bullmq } from 'nestjs-jobs/bullmq';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { startJobs, type Application } from '../../nest/application.js';
import { Proxy } from '../../servers/proxy.js';
import { PrivateRedis } from '../../servers/redis.js';
import { Bench, until } from './support.js';

const AWAY_MS = 5_000;

let server: PrivateRedis;
let proxy: Proxy;
/** Ends the handlers of jobs that wait for it. */
let end: () => void;
let ended: Promise<void>;
let handled: unknown[];

class Handler {
  async handle(payload: unknown, job: Job): Promise<void> {
    if (payload === 'slow') await ended;
    handled.push([payload, job.attempt]);
  }
}
JobHandler('note')(Handler);

beforeAll(async () => {
  server = await PrivateRedis.start({ appendfsync: 'always' });
}, 300_000);

afterAll(() => server.stop());

beforeEach(async () => {
  proxy = await Proxy.to(server.port);
  onTestFinished(() => proxy.close());
  ended = new Promise((resolve) => (end = resolve));
  handled = [];
});

function start(): Promise<Application> {
  const { prefix, connection } = new Bench({ host: '127.0.0.1', port: proxy.port });
  return startJobs({ providers: [Handler] }, { backend: bullmq({ connection, prefix }) });
}

/** Said once when Redis went, and once when it was back. */
function expectToldOnce({ lines }: Application): void {
  expect(lines.ofJobs().filter((line) => /bullmq|redis/i.test(line))).toEqual([
    expect.stringMatching(/^bullmq fails: .*Trying again/),
    expect.stringMatching(/^bullmq is back after \d+(\.\d+)? s$/),
  ]);
}

test('a job that runs while Redis is away for 5 s ends once, as its first attempt', async () => {
  const application = await start();
  const ends: unknown[] = [];
  for (const name of ['completed', 'retried', 'failed', 'leaseLost'] as const) {
    application.events.on(name, ({ job }) => void ends.push([name, job.attempt]));
  }
  const started = new Promise((resolve) => application.events.once('started', resolve));
  await application.publisher.publish('note', 'slow');
  await started;

  proxy.cut(true);
  end();
  await sleep(AWAY_MS);
  expect(ends).toEqual([]);
  proxy.mend();

  await until('the job to end', () => ends.length > 0);
  await until('it to be told', () => application.lines.ofJobs('log').some((line) => line.includes('is back')));
  expect(ends).toEqual([['completed', 1]]);
  expect(handled).toEqual([['slow', 1]]);
  expectToldOnce(application);
}, 60_000);

test('what is published while Redis goes away for 5 s is stored, or rejected as it was', async () => {
  const application = await start();
  const publications: Promise<PublishError | undefined>[] = [];
  const publish = (): void => {
    const published = application.publisher.publish('note', publications.length);
    publications.push(
      published.then(
        () => undefined,
        (error: unknown) => error as PublishError,
      ),
    );
  };
  const backAt = Date.now() + AWAY_MS;
  proxy.swallowAnswers();
  publish();
  await sleep(50);
  proxy.cut(true);
  for (; Date.now() < backAt; await sleep(100)) publish();
  proxy.mend();
  publish();
  await until('a publish to succeed', async () => {
    publish();
    return (await publications.at(-1)) === undefined;
  });

  const errors = await Promise.all(publications);
  const stored = errors.flatMap((error, payload) => (error ? [] : [payload]));
  const payloads = (): number[] => handled.map((one) => (one as [number, number])[0]);
  await until('all that was stored to be handled', () => stored.every((payload) => payloads().includes(payload)));
  for (const error of errors) if (error) expect(error).toBeInstanceOf(PublishError);
  expect(errors[0]).toMatchObject({ maybeStored: true });
  expect(errors.filter((error) => error && !error.maybeStored).length).toBeGreaterThan(10);
  const surelyNot = new Set(errors.flatMap((error, payload) => (error && !error.maybeStored ? [payload] : [])));
  expect(payloads().filter((payload) => surelyNot.has(payload))).toEqual([]);
  expect(new Set(payloads()).size).toBe(handled.length);
  expectToldOnce(application);
}, 60_000);
