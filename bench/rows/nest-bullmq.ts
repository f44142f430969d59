import 'reflect-metadata';
import { BullModule, OnWorkerEvent, Processor, WorkerHost } from '@nestjs/bullmq';
import type { ModuleMetadata } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { Queue } from 'bullmq';
import { JobEvents, JobHandler, JobsModule } from '../../lib/index.js';
import type { PrivateRedis } from '../../test/servers/redis.js';
import { JOB, newPublisher, openByUrl, requests } from '../core-setup.js';
import { inPairs, type Side } from '../pairs.js';
import { perSecond, ratioRow, type Row } from '../row.js';

/** So many that the boot, which takes some tens of milliseconds of either, hardly counts. */
const JOBS = 16_000;
const ROUNDS = 11;
const CONCURRENCY = 50;
const QUEUE = 'through-nest';

/** As we keep completed jobs by default. */
const KEPT = { age: 3_600, count: 1_000 };

const ignore = (): void => undefined;
const SILENT = { log: ignore, warn: ignore, error: ignore };

/** One side's application, and how it gets jobs. */
interface Contestant {
  readonly metadata: ModuleMetadata;
  fill(): Promise<unknown>;
  /** Calls back at each completion. */
  watch(app: TestingModule, completed: () => void): void;
}

/** A Nest application with one handler that does nothing, from its start to the completion of the last waiting job. */
export async function againstNestBullmqRow(redis: PrivateRedis): Promise<Row> {
  const backend = await openByUrl(`${redis.url}?prefix=ours`);
  const queue = new Queue(QUEUE, { connection: { url: redis.url } });
  const publisher = newPublisher(backend);
  try {
    const { ratio, a, b } = await inPairs(
      ROUNDS,
      JOBS,
      handling({ ...ours(redis), fill: () => publisher.publishMany(requests(JOBS)) }),
      handling({
        ...theirs(redis),
        fill: () => queue.addBulk(requests(JOBS).map(({ name, payload }) => ({ name, data: payload }))),
      }),
    );
    const info = `${perSecond(a)}; @nestjs/bullmq ${perSecond(b)}`;
    const what = `handling in a Nest application, concurrency ${CONCURRENCY}, against @nestjs/bullmq`;
    return ratioRow(what, ratio, { least: 0.9 }, info);
  } finally {
    await queue.close();
    await backend.close();
  }
}

function handling({ metadata, fill, watch }: Contestant): Side {
  let app: TestingModule;
  return {
    async before() {
      await fill();
      app = await Test.createTestingModule(metadata).setLogger(SILENT).compile();
    },
    async timed() {
      let left = JOBS;
      let last = (): void => undefined;
      const done = new Promise<void>((resolve) => (last = resolve));
      watch(app, () => {
        if (--left === 0) last();
      });
      await app.init();
      await done;
    },
    after: () => app.close(),
  };
}

function ours({ url }: PrivateRedis): Omit<Contestant, 'fill'> {
  class Handler {
    handle(): Promise<void> {
      return Promise.resolve();
    }
  }
  JobHandler(JOB, { concurrency: CONCURRENCY })(Handler);
  return {
    metadata: { imports: [JobsModule.forRoot({ backend: `${url}?prefix=ours` })], providers: [Handler] },
    watch: (app, completed) => void app.get(JobEvents).on('completed', completed),
  };
}

function theirs({ url }: PrivateRedis): Omit<Contestant, 'fill'> {
  class Handler extends WorkerHost {
    completed = ignore;

    process(): Promise<void> {
      return Promise.resolve();
    }

    onCompleted(): void {
      this.completed();
    }
  }
  const { prototype } = Handler;
  const descriptor = Object.getOwnPropertyDescriptor(prototype, 'onCompleted') as PropertyDescriptor;
  OnWorkerEvent('completed')(prototype, 'onCompleted', descriptor);
  Processor(QUEUE, { concurrency: CONCURRENCY, removeOnComplete: KEPT })(Handler);
  const imports = [BullModule.forRoot({ connection: { url } }), BullModule.registerQueue({ name: QUEUE })];
  return {
    metadata: { imports, providers: [Handler] },
    watch: (app, completed) => void (app.get(Handler).completed = completed),
  };
}
