import 'reflect-metadata';
import {
  Module,
  UseGuards,
  UseInterceptors,
  UsePipes,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { ExternalContextCreator, NestFactory } from '@nestjs/core';
import { memory, VirtualClock } from '../../lib/backends/memory/index.js';
import { JobHandler, JobsModule } from '../../lib/index.js';
import { byCallers } from '../callers.js';
import { Countdown } from '../countdown.js';
import { JOB, newConsumer, newPublisher, open, request, requests } from '../core-setup.js';
import type { Publisher } from '../../lib/core/publisher.js';
import { inPairs, inTurns, spread, type Side } from '../pairs.js';
import { perSecond, ratioRow, type Row } from '../row.js';

/** So many that garbage is collected in each round alike. */
const JOBS = 30_000;
const ROUNDS = 21;
const CONCURRENCY = 50;
/** How long the jobs are delayed, by a clock that stands still, so that all fall due together. In milliseconds. */
const DELAY_MS = 1_000;
/** Where a bare call's parameters are described. */
const PARAMETERS = 'bench:parameters';

const MOST_BY_BARE = 1.5;

type Handle = () => Promise<void>;

class Guard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

class Pipe implements PipeTransform {
  transform(value: unknown): unknown {
    return value;
  }
}

class Interceptor implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler): ReturnType<CallHandler['handle']> {
    return next.handle();
  }
}

function bind(type: new () => object): void {
  UseGuards(new Guard())(type);
  UsePipes(new Pipe())(type);
  UseInterceptors(new Interceptor())(type);
}

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
    await enhancersRow(),
  ];
}

/** What a guard, a pipe and an interceptor cost a job, by what Nest itself takes for a call through the same. */
async function enhancersRow(): Promise<Row> {
  const [bound, core] = [await Handling.begin(inApplicationWithEnhancers), await Handling.begin(inCore)];
  const app = await NestFactory.createApplicationContext(class Empty {}, { logger: false });
  const call = bareCall(app.get(ExternalContextCreator));
  const bare: Side = { timed: () => byCallers(JOBS, (n) => call(request(n).payload, {})) };
  const rounds = (await inTurns(ROUNDS, [bound, core, bare])).map(([ofBound = NaN, ofCore = NaN, call = NaN]) => ({
    cost: ofBound - ofCore,
    call,
  }));
  await Promise.all([bound.end(), core.end(), app.close()]);
  const us = (ms: readonly number[]): string => `${((1000 * spread(ms).median) / JOBS).toFixed(1)} µs`;
  return ratioRow(
    'guard, pipe and interceptor: their cost to a job, by that of a bare call of ExternalContextCreator',
    spread(rounds.map(({ cost, call }) => cost / call)),
    { most: MOST_BY_BARE },
    `${us(rounds.map(({ cost }) => cost))} a job; a bare call ${us(rounds.map(({ call }) => call))}`,
  );
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

async function inApplication(
  backend: ReturnType<typeof memory>,
  handle: Handle,
  decorate: (type: new () => object) => void = () => undefined,
): Promise<() => Promise<void>> {
  class Handler {
    handle(): Promise<void> {
      return handle();
    }
  }
  class Application {}
  decorate(Handler);
  JobHandler(JOB, { concurrency: CONCURRENCY })(Handler);
  Module({ imports: [JobsModule.forRoot({ backend })], providers: [Handler] })(Application);
  const app = await NestFactory.createApplicationContext(Application, { logger: false });
  return () => app.close();
}

function inApplicationWithEnhancers(backend: ReturnType<typeof memory>, handle: Handle): Promise<() => Promise<void>> {
  return inApplication(backend, handle, bind);
}

/** The payload alone is its argument, as a pipe needs to be told. */
function bareCall(creator: ExternalContextCreator): (...args: unknown[]) => Promise<unknown> {
  const handle = (_payload: unknown): Promise<void> => Promise.resolve();
  class Bound {
    readonly handle = handle;
  }
  bind(Bound);
  const instance = new Bound();
  Reflect.defineMetadata(PARAMETERS, { '0:0': { index: 0, data: undefined, pipes: [] } }, Bound, 'handle');
  const values = { exchangeKeyForValue: (_type: unknown, _data: unknown, args: unknown[]) => args[0] };
  return creator.create(instance, handle, 'handle', PARAMETERS, values, undefined, undefined, undefined, 'job');
}

async function inCore(backend: ReturnType<typeof memory>, handle: Handle): Promise<() => Promise<void>> {
  const consumer = newConsumer(await open(backend), { concurrency: CONCURRENCY, handle });
  consumer.start();
  return () => consumer.stop(1_000);
}
