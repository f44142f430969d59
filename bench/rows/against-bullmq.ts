import 'reflect-metadata';
import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Queue, Worker } from 'bullmq';
import { filer } from '../../lib/backends/filer/index.js';
import { JobHandler, JobsModule, PublisherService } from '../../lib/index.js';
import { PrivateRedis } from '../../test/servers/redis.js';
import { byCallers, CALLERS } from '../callers.js';
import { Countdown } from '../countdown.js';
import { JOB, request } from '../core-setup.js';
import { inFolderInMemory } from '../folder.js';
import { inPairs, type Side } from '../pairs.js';
import { perSecond, ratioRow, type Row } from '../row.js';

const JOBS = 2_000;
const ROUNDS = 7;

/** One way from a caller's publish to the handler's call. */
interface Path {
  publish(n: number): Promise<unknown>;
  close(): Promise<void>;
}

type OpenPath = (concurrency: number, handled: () => void) => Promise<Path>;

/**
 * The whole path through the module on a directory, against plain BullMQ on a Redis of this machine. That keeps its jobs in
 * memory alone, so the directory is in memory, too: on a disk, some file systems make files slowly while others were just
 * removed, and Redis would write as well.
 */
export async function againstBullmqRows(): Promise<Row[]> {
  const redis = await PrivateRedis.start();
  try {
    const rows: Row[] = [];
    for (const concurrency of [10, 50]) rows.push(await compare(concurrency, bullmqPath(redis)));
    return rows;
  } finally {
    await redis.stop();
  }
}

function compare(concurrency: number, openOther: OpenPath): Promise<Row> {
  return inFolderInMemory(async (folder) => {
    const count = new Countdown();
    let directories = 0;
    const openOurs: OpenPath = (...rest) => oursIn(join(folder, String(++directories)), ...rest);
    const through = (open: OpenPath): Side => {
      let path: Path;
      return {
        async before() {
          path = await open(concurrency, () => count.down());
        },
        async timed() {
          const done = count.from(JOBS);
          await byCallers(JOBS, (n) => path.publish(n));
          await done;
        },
        after: () => path.close(),
      };
    };
    const { ratio, a, b } = await inPairs(ROUNDS, JOBS, through(openOurs), through(openOther));
    const what = `publish to handle through the module, ${CALLERS} callers, concurrency ${concurrency}, both in memory, against BullMQ`;
    return ratioRow(what, ratio, { least: 1 }, `${perSecond(a)}; BullMQ ${perSecond(b)}`);
  });
}

async function oursIn(directory: string, concurrency: number, handled: () => void): Promise<Path> {
  class Handler {
    handle(): Promise<void> {
      handled();
      return Promise.resolve();
    }
  }
  JobHandler(JOB, { concurrency })(Handler);
  class Application {}
  Module({
    imports: [JobsModule.forRoot({ backend: filer({ directory, durable: false }) })],
    providers: [Handler],
  })(Application);
  const app = await NestFactory.createApplicationContext(Application, { logger: false });
  const publisher = app.get(PublisherService);
  return {
    publish: (n) => publisher.publish(JOB, request(n).payload),
    close: () => app.close(),
  };
}

function bullmqPath({ host, port }: PrivateRedis): OpenPath {
  return async (concurrency, handled) => {
    const name = `bench-${concurrency}`;
    const queue = new Queue(name, { connection: { host, port }, defaultJobOptions: { removeOnComplete: true } });
    const handle = (): Promise<void> => {
      handled();
      return Promise.resolve();
    };
    const worker = new Worker(name, handle, { connection: { host, port, maxRetriesPerRequest: null }, concurrency });
    await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]);
    return {
      publish: (n) => queue.add(JOB, request(n).payload),
      async close() {
        await worker.close();
        await queue.close();
      },
    };
  };
}
