import type { Backend } from '../../lib/core/backend.js';
import { JobEvents } from '../../lib/core/events.js';
import { PrivateBeanstalkd } from '../../test/servers/beanstalkd.js';
import { PrivateRedis } from '../../test/servers/redis.js';
import { JOB, newConsumer, newPublisher, openByUrl, request } from '../core-setup.js';
import { inPairs, quantile } from '../pairs.js';
import { ratioRow, type Row } from '../row.js';

const CALLS = 300;
const ROUNDS = 7;
const TIMES_AS_LONG = 1.5;
const P50_BELOW_MS = 10;

/** A call of an idle queue, one after the other, by what it takes to publish a job and to see it completed. */
export async function callRows(): Promise<Row[]> {
  const redis = await PrivateRedis.start();
  const beanstalkd = await PrivateBeanstalkd.start({ binlog: false });
  try {
    return [
      ...(await rowsOf('BullMQ', redis.url)),
      ...(await rowsOf('beanstalkd', `beanstalkd://${beanstalkd.host}:${beanstalkd.port}`)),
    ];
  } finally {
    await beanstalkd.stop();
    await redis.stop();
  }
}

async function rowsOf(engine: string, url: string): Promise<Row[]> {
  // As two processes have them.
  const [callers, workers] = await Promise.all([openByUrl(url), openByUrl(url)]);
  try {
    return await measured(engine, callers, workers);
  } finally {
    await Promise.all([callers.close(), workers.close()]);
  }
}

async function measured(engine: string, callers: Backend, workers: Backend): Promise<Row[]> {
  const events = new JobEvents();
  const consumer = newConsumer(workers, { concurrency: 10, events, handle: () => ({ sentAs: 'x' }) });
  consumer.start();
  const publisher = newPublisher(callers);
  const times: number[] = [];
  const { ratio, a, b } = await inPairs(
    ROUNDS,
    CALLS,
    {
      async timed() {
        for (let n = 0; n < CALLS; n++) {
          const began = performance.now();
          await publisher.call(JOB, request(n).payload);
          times.push(performance.now() - began);
        }
      },
    },
    {
      async timed() {
        for (let n = 0; n < CALLS; n++) {
          const completed = new Promise((resolve) => events.once('completed', resolve));
          await publisher.publish(JOB, request(n).payload);
          await completed;
        }
      },
    },
  );
  await consumer.stop(1_000);
  const p50 = quantile(
    times.toSorted((one, other) => one - other),
    0.5,
  );
  const longer = { median: 1 / ratio.median, min: 1 / ratio.max, max: 1 / ratio.min };
  const ms = (value: number): string => `${value.toFixed(2)} ms`;
  return [
    ratioRow(
      `a call on ${engine}, times as long as to publish a job and see it completed`,
      longer,
      { most: TIMES_AS_LONG },
      `${ms(a)}; published and completed ${ms(b)}`,
    ),
    {
      what: `a call on ${engine}, one after the other`,
      bar: `p50 < ${P50_BELOW_MS} ms`,
      found: `p50 ${ms(p50)}`,
      ok: p50 < P50_BELOW_MS,
      info: `${CALLS * (ROUNDS + 1)} calls`,
    },
  ];
}
