import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { memory, VirtualClock } from '../../lib/backends/memory/index.js';
import { JobHandler, JobsModule } from '../../lib/index.js';
import { Countdown } from '../countdown.js';
import { JOB, newConsumer, newPublisher, open, requests } from '../core-setup.js';
import type { Publisher } from '../../lib/core/publisher.js';
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
  const [module, core] = [await Handling.begin(inApplication), await Handling.begin(inCore)];
  const { ratio, a, b } = await inPairs(ROUNDS, JOBS, module, core);
  await Promise.all([module.end(), core.end()]);
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
class Handling implements Side {
  private constructor(
    private readonly clock: VirtualClock,
    private readonly publisher: Publisher,
    private readonly count: Countdown,
    readonly end: () => Promise<void>,
  ) {}

  static async begin(begin: Begin): Promise<Handling> {
    const clock = new VirtualClock();
    const backend = memory({ clock });
    const count = new Countdown();
    const end = await begin(backend, () => {
      count.down();
      return Promise.resolve();
    });
    return new Handling(clock, newPublisher(await open(backend)), count, end);
  }

  async before(): Promise<void> {
    const jobs = requests(JOBS).map((request) => ({ ...request, options: { delay: DELAY_MS } }));
    await this.publisher.publishMany(jobs);
  }

  async timed(): Promise<void> {
    await Promise.all([this.clock.advance(DELAY_MS), this.count.from(JOBS)]);
  }
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
