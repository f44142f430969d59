import { setTimeout } from 'node:timers/promises';
import { Client } from '../../lib/backends/beanstalkd/client/client.js';
import { connect } from '../../lib/backends/beanstalkd/client/connect.js';
import { beanstalkd } from '../../lib/backends/beanstalkd/index.js';
import type { Backend } from '../../lib/core/backend.js';
import { newId } from '../../lib/core/id.js';
import { DEFAULT_PRIORITY } from '../../lib/core/message.js';
import { PrivateBeanstalkd } from '../../test/servers/beanstalkd.js';
import { byCallers, CALLERS } from '../callers.js';
import { newConsumer, newPublisher, QUEUE, request, requests } from '../core-setup.js';
import { inPairs, quantile, type Side } from '../pairs.js';
import { perSecond, ratioRow, type Row } from '../row.js';

const PUBLISHED = 10_000;
const JOBS = 8_000;
const ROUNDS = 21;
const LANES = 16;
const TTR_S = 30;
const FIRST_JOBS = 200;
const P50_BELOW_MS = 5;

/** The backend on a server without a binlog, against loops of our own raw client that do only what must be done. */
export async function beanstalkdBackendRows(): Promise<Row[]> {
  const server = await PrivateBeanstalkd.start({ binlog: false });
  try {
    const { host, port } = server;
    const open = (): Promise<Backend> =>
      beanstalkd({ host, port }).open({ worker: `bench:${process.pid}`, warn: () => undefined });
    return [await publishingRow(server, open), await handlingRow(server, open), await firstJobRow(open)];
  } finally {
    await server.stop();
  }
}

type Open = () => Promise<Backend>;

async function publishingRow(server: PrivateBeanstalkd, open: Open): Promise<Row> {
  const backend = await open();
  const publisher = newPublisher(backend);
  const client = new Client(await connect(server));
  await client.use(QUEUE);
  const { ratio, a, b } = await inPairs(
    ROUNDS,
    PUBLISHED,
    {
      timed: () =>
        byCallers(PUBLISHED, (n) => {
          const { name, payload } = request(n);
          return publisher.publish(name, payload);
        }),
      after: () => drain(server, PUBLISHED),
    },
    { timed: () => byCallers(PUBLISHED, (n) => client.put(bareJob(n))), after: () => drain(server, PUBLISHED) },
  );
  client.connection.destroy('measured');
  await backend.close();
  const what = `beanstalkd: publishing by ${CALLERS} callers`;
  return ratioRow(what, ratio, { least: 0.85 }, `${perSecond(a)}; raw client ${perSecond(b)}`);
}

async function handlingRow(server: PrivateBeanstalkd, open: Open): Promise<Row> {
  const backend = await open();
  const publisher = newPublisher(backend);
  const fill = async (): Promise<void> => void (await publisher.publishMany(requests(JOBS)));
  let handled = 0;
  let allHandled = (): void => undefined;
  const handle = (): void => {
    if (++handled === JOBS) allHandled();
  };
  const ours: Side = {
    async before() {
      handled = 0;
      await fill();
    },
    async timed() {
      const done = new Promise<void>((resolve) => (allHandled = resolve));
      const consumer = newConsumer(backend, { concurrency: LANES, handle });
      consumer.start();
      await done;
      await consumer.stop(1_000);
    },
  };
  const lanes = await Promise.all(Array.from({ length: LANES }, () => watching(server)));
  const bare: Side = {
    before: fill,
    async timed() {
      const counts = await Promise.all(lanes.map((lane) => bareLane(lane)));
      const sum = counts.reduce((total, count) => total + count, 0);
      if (sum !== JOBS) throw new Error(`expected ${JOBS} jobs, found ${sum}`);
    },
  };
  const { ratio, a, b } = await inPairs(ROUNDS, JOBS, ours, bare);
  for (const { connection } of lanes) connection.destroy('measured');
  await backend.close();
  const what = `beanstalkd: handling ${LANES} at a time`;
  return ratioRow(what, ratio, { least: 0.65 }, `${perSecond(a)}; ${LANES} bare lanes ${perSecond(b)}`);
}

/** From the call of publish to that of the handler, the queue being empty each time. */
async function firstJobRow(open: Open): Promise<Row> {
  const [publishing, consuming] = [await open(), await open()];
  const publisher = newPublisher(publishing);
  let begun = (): void => undefined;
  const consumer = newConsumer(consuming, { concurrency: LANES, handle: () => begun() });
  consumer.start();
  const times: number[] = [];
  for (let n = 0; n < FIRST_JOBS; n++) {
    // Not in step with any timer of the consumer.
    await setTimeout(10 + Math.random() * 40);
    const { name, payload } = request(n);
    const began = performance.now();
    const handled = new Promise<void>((resolve) => (begun = resolve));
    await Promise.all([publisher.publish(name, payload), handled.then(() => times.push(performance.now() - began))]);
  }
  await consumer.stop(1_000);
  await Promise.all([publishing.close(), consuming.close()]);
  times.sort((a, b) => a - b);
  const [p50, p99, most] = [0.5, 0.99, 1].map((q) => quantile(times, q)) as [number, number, number];
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  return {
    what: `beanstalkd: first job of an idle queue, ${FIRST_JOBS} times`,
    bar: `p50 < ${P50_BELOW_MS} ms`,
    found: `p50 ${ms(p50)}, most ${ms(most)}`,
    ok: p50 < P50_BELOW_MS,
    info: `p99 ${ms(p99)}`,
  };
}

/** A put of what a message needs in any case: an id, the time, and JSON. */
function bareJob(n: number): Parameters<Client['put']>[0] {
  const { name, payload } = request(n);
  const header = { request_type: name, priority: DEFAULT_PRIORITY, published: new Date().toISOString() };
  const body = JSON.stringify({ id: newId(), header, body: payload });
  return { priority: DEFAULT_PRIORITY, delay: 0, ttr: TTR_S, body };
}

/** Reserves, asks for the counters and deletes until there is nothing left; delete and the next reserve in one write. */
async function bareLane(client: Client): Promise<number> {
  let count = 0;
  for (let reserved = await client.reserve(0); reserved; count++) {
    const { id } = reserved;
    await client.statsJob(id);
    const [, next] = await Promise.all([client.delete(id), client.reserve(0)]);
    reserved = next;
  }
  return count;
}

async function watching(server: PrivateBeanstalkd): Promise<Client> {
  const client = new Client(await connect(server));
  await client.watchOnly(QUEUE);
  return client;
}

/** Empties the queue, and tells where what was published is not there. */
async function drain(server: PrivateBeanstalkd, count: number): Promise<void> {
  const client = await watching(server);
  for (let left = count; left > 0; left -= CALLERS) {
    const jobs = await Promise.all(Array.from({ length: Math.min(left, CALLERS) }, () => client.reserve(0)));
    const gone = await Promise.all(jobs.map((job) => client.delete(job?.id ?? '0')));
    if (!gone.every((deleted) => deleted)) throw new Error(`expected ${count} jobs in the queue`);
  }
  client.connection.destroy('drained');
}
