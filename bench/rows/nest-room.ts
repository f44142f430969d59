import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { memory, VirtualClock } from '../../lib/backends/memory/index.js';
import { JobHandler, JobsModule } from '../../lib/index.js';
import { Countdown } from '../countdown.js';
import { JOB, newConsumer, newPublisher, open, requests } from '../core-setup.js';
import { inPairs, type Side } from '../pairs.js';
import { perSecond, ratioRow, type Row } from '../row.js';

const JOBS = 10_000;
const ROUNDS = 11;
const CONCURRENCY = 50;
/** How long the jobs are delayed, by a clock that stands still, so that all fall due together. In milliseconds. */
const DELAY_MS = 1_000;

type Handle = () => Promise<void>;

/** What the module costs beside the core: handlers in a Nest application, on the backend in memory. */
export async function nestRoomRows(): Promise<Row[]> {
  const { ratio, a, b } = await inPairs(ROUNDS, JOBS, side(inApplication), side(inCore));
  return [
    ratioRow(
      'handling through the module on memory, against the core alone',
      ratio,
      { least: 0.9 },
      `${perSecond(a)}; core ${perSecond(b)}`,
    ),
  ];
}

/** Begins to handle the jobs of a memory; gives what ends it. */
type Begin = (backend: ReturnType<typeof memory>, handle: Handle) => Promise<() => Promise<void>>;

/** From the moment when all jobs fall due, to the call for the last. */
function side(begin: Begin): Side {
  const count = new Countdown();
  const handle = (): Promise<void> => {
    count.down();
    return Promise.resolve();
  };
  let clock: VirtualClock;
  let end: () => Promise<void>;
  return {
    async before() {
      clock = new VirtualClock();
      const backend = memory({ clock });
      end = await begin(backend, handle);
      const jobs = requests(JOBS).map((request) => ({ ...request, options: { delay: DELAY_MS } }));
      await newPublisher(await open(backend)).publishMany(jobs);
    },
    async timed() {
      const done = count.from(JOBS);
      await Promise.all([clock.advance(DELAY_MS), done]);
    },
    after: () => end(),
  };
}

async function inApplication(backend: ReturnType<typeof memory>, handle: Handle): Promise<() => Promise<void>> {
  class Handler {
    handle = handle;
  }
  class Application {}
  JobHandler(JOB, { concurrency: CONCURRENCY })(Handler);
  Module({ imports: [JobsModule.forRoot({ backend })], providers: [Handler] })(Application);
  const app = await NestFactory.createApplicationContext(Application, { logger: false });
  return () => app.close();
}

async function inCore(backend: ReturnType<typeof memory>, handle: Handle): Promise<() => Promise<void>> {
  const consumer = newConsumer(await open(backend), { concurrency: CONCURRENCY, handle });
  consumer.start();
  return () => consumer.stop(1_000);
}
