import { Queue, Worker } from 'bullmq';
import type { Backend } from '../../lib/core/backend.js';
import type { Consumer } from '../../lib/core/consumer.js';
import { JobEvents } from '../../lib/core/events.js';
import { PrivateRedis } from '../../test/servers/redis.js';
import { byCallers, CALLERS } from '../callers.js';
import { DEFAULT_PRIORITY } from '../../lib/core/message.js';
import { JOB, newConsumer, newPublisher, openByUrl, request, requests } from '../core-setup.js';
import { inPairs, type Pairs } from '../pairs.js';
import { perSecond, ratioRow, type Row } from '../row.js';
import { firstJobRow } from './first-job.js';
import { againstNestBullmqRow } from './nest-bullmq.js';

const JOBS = 4_000;
const ROUNDS = 11;

/** More of both: which core the two processes get decides a round by up to a third. */
const HANDLED = 8_000;
const HANDLING_ROUNDS = 21;

const CONCURRENCY = 50;

/** As we keep completed jobs by default: a worker that keeps others does other work. */
const KEPT = { age: 3_600, count: 1_000 };

const LEAST = { least: 0.9 };

/** The backend on BullMQ against BullMQ's own classes, each with queues of its own on one Redis of this machine. */
export async function bullmqBackendRows(): Promise<Row[]> {
  const redis = await PrivateRedis.start();
  const backend = await openByUrl(redis.url);
  const plain = new Queue('plain', { connection: { url: redis.url } });
  try {
    return [
      await handling(backend, plain, redis, {}),
      await handling(backend, plain, redis, { priority: DEFAULT_PRIORITY }),
      await againstNestBullmqRow(redis),
      await publishing(backend, plain),
      await publishingInBulk(backend, plain),
      await firstJobRow('first job of an idle queue of BullMQ', `${redis.url}?prefix=first`),
    ];
  } finally {
    await plain.close();
    await backend.close();
    await redis.stop();
  }
}

/** From the first job to the completion of the last; BullMQ's have these options. */
async function handling(
  backend: Backend,
  plain: Queue,
  { url }: PrivateRedis,
  options: { priority?: number },
): Promise<Row> {
  const publisher = newPublisher(backend);
  let worker: Worker;
  let consumer: Consumer;
  const events = new JobEvents();
  const pairs = await inPairs(
    HANDLING_ROUNDS,
    HANDLED,
    {
      async before() {
        await publisher.publishMany(requests(HANDLED));
        consumer = newConsumer(backend, { concurrency: CONCURRENCY, events, handle: () => Promise.resolve() });
      },
      async timed() {
        let completed = 0;
        await new Promise<void>((resolve) => {
          const off = events.on('completed', () => {
            if (++completed < HANDLED) return;
            off();
            resolve();
          });
          consumer.start();
        });
      },
      after: () => consumer.stop(1_000),
    },
    {
      async before() {
        await plain.addBulk(plainJobs(HANDLED).map((job) => ({ ...job, opts: options })));
        worker = new Worker(plain.name, () => Promise.resolve(), {
          connection: { url, maxRetriesPerRequest: null },
          concurrency: CONCURRENCY,
          removeOnComplete: KEPT,
          autorun: false,
        });
        await worker.waitUntilReady();
      },
      async timed() {
        let completed = 0;
        await new Promise<void>((resolve) => {
          worker.on('completed', () => {
            if (++completed === HANDLED) resolve();
          });
          void worker.run();
        });
      },
      after: () => worker.close(),
    },
  );
  // Ours have one, for the default leaves room on both sides; that of others costs Redis more than none.
  const kind = options.priority === undefined ? 'jobs without a priority' : 'jobs of one priority';
  return against(`BullMQ's Worker on ${kind}`, `handling, concurrency ${CONCURRENCY}`, pairs);
}

async function publishing(backend: Backend, plain: Queue): Promise<Row> {
  const publisher = newPublisher(backend);
  const pairs = await inPairs(
    ROUNDS,
    JOBS,
    { timed: () => byCallers(JOBS, (n) => publisher.publish(JOB, request(n).payload)), after: () => clear(plain) },
    { timed: () => byCallers(JOBS, (n) => plain.add(JOB, request(n).payload)), after: () => clear(plain) },
  );
  return against(`BullMQ's add`, `publishing by ${CALLERS} callers`, pairs);
}

async function publishingInBulk(backend: Backend, plain: Queue): Promise<Row> {
  const publisher = newPublisher(backend);
  const pairs = await inPairs(
    ROUNDS,
    JOBS,
    { timed: async () => void (await publisher.publishMany(requests(JOBS))), after: () => clear(plain) },
    { timed: async () => void (await plain.addBulk(plainJobs(JOBS))), after: () => clear(plain) },
  );
  return against(`BullMQ's addBulk`, 'publishing in bulk', pairs);
}

function plainJobs(count: number): { name: string; data: unknown }[] {
  return requests(count).map(({ name, payload }) => ({ name, data: payload }));
}

/** Drops the jobs of both sides, so that each round finds the server as the one before. */
async function clear(plain: Queue): Promise<void> {
  const client = await plain.getBackend().client;
  await (client as unknown as { flushall(): Promise<unknown> }).flushall();
}

function against(other: string, what: string, { ratio, a, b }: Pairs): Row {
  return ratioRow(`${what}, against ${other}`, ratio, LEAST, `${perSecond(a)}; BullMQ ${perSecond(b)}`);
}
