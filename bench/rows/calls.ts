import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import type { Publisher } from '../../lib/core/publisher.js';
import { PrivateBeanstalkd } from '../../test/servers/beanstalkd.js';
import { PrivateRedis } from '../../test/servers/redis.js';
import { withConsumer, type ConsumerReport } from '../child.js';
import { JOB, newPublisher, openByUrl, request } from '../core-setup.js';
import { quantile, spread } from '../pairs.js';
import { ratioRow, type Row } from '../row.js';

const CALLS = 200;
/** Between two of either, in milliseconds. */
const REST_MS = 2;
const ROUNDS = 7;
const TIMES_AS_LONG = 1.5;
const P50_BELOW_MS = 10;

/**
 * A call of an idle queue, one after the other, by what it takes to publish a job and to see it completed.
 *
 * The worker is a process of its own, as it is for whoever calls: in one event loop with the caller, the next job was
 * published in the very turn in which the worker looked for more, so that it never had to wait for one, while of a call
 * the work of both sides added up. Calls and publishes take turns, and each begins when all is at rest: what a call
 * leaves to be done after its answer, which is a letter to be deleted and the next to be waited for, belongs to neither
 * it nor the publish after it. Without the rests, and all calls before all publishes, it would belong to the next call.
 */
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
  return withConsumer({ url, keep: false, answers: true }, async (worker) => {
    const callers = await openByUrl(url);
    try {
      return await measured(engine, newPublisher(callers), worker);
    } finally {
      await callers.close();
    }
  });
}

async function measured(engine: string, publisher: Publisher, worker: ChildProcess): Promise<Row[]> {
  const times: number[] = [];
  const rounds: { readonly call: number; readonly publish: number }[] = [];
  // The first round warms both up.
  for (let round = 0; round <= ROUNDS; round++) {
    let [call, publish] = [0, 0];
    for (let n = 0; n < CALLS; n++) {
      await setTimeout(REST_MS);
      const took = await timeOfCall(publisher, worker, n);
      await setTimeout(REST_MS);
      publish += await timeOfPublish(publisher, worker, n);
      call += took;
      if (round > 0) times.push(took);
    }
    if (round > 0) rounds.push({ call, publish });
  }
  const longer = spread(rounds.map(({ call, publish }) => call / publish));
  const perCall = spread(rounds.map(({ call }) => call)).median / CALLS;
  const perPublish = spread(rounds.map(({ publish }) => publish)).median / CALLS;
  const p50 = quantile(
    times.toSorted((one, other) => one - other),
    0.5,
  );
  const ms = (value: number): string => `${value.toFixed(2)} ms`;
  return [
    ratioRow(
      `a call on ${engine}, times as long as to publish a job and see it completed`,
      longer,
      { most: TIMES_AS_LONG },
      `${ms(perCall)}; published and completed ${ms(perPublish)}`,
    ),
    {
      what: `a call on ${engine}, one after the other`,
      bar: `p50 < ${P50_BELOW_MS} ms`,
      found: `p50 ${ms(p50)}`,
      ok: p50 < P50_BELOW_MS,
      info: `${times.length} calls`,
    },
  ];
}

/** From the call to its result, in milliseconds. */
async function timeOfCall(publisher: Publisher, worker: ChildProcess, n: number): Promise<number> {
  const completion = nextCompletion(worker);
  const began = nowMs();
  await publisher.call(JOB, request(n).payload);
  const took = nowMs() - began;
  await completion;
  return took;
}

/** From the publish until it is stored and the worker sees it completed, in milliseconds. */
async function timeOfPublish(publisher: Publisher, worker: ChildProcess, n: number): Promise<number> {
  const completion = nextCompletion(worker);
  const began = nowMs();
  await publisher.publish(JOB, request(n).payload);
  const stored = nowMs();
  return Math.max(stored, await completion) - began;
}

/** When the worker sees the next job completed. */
async function nextCompletion(worker: ChildProcess): Promise<number> {
  const [report] = (await once(worker, 'message')) as [ConsumerReport];
  if (report === 'ready') throw new Error('the consumer told something else');
  return Number(report.atNs) / 1e6;
}

/** By the clock that all processes of the machine read. */
function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
