import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compiled } from '../compiled.js';
import { PrivateBeanstalkd } from '../servers/beanstalkd.js';
import { PrivateRedis } from '../servers/redis.js';

/** How often each engine's application is closed; `CLOSINGS=50 npx vitest run …` asks for more. */
const TIMES = Number(process.env['CLOSINGS'] ?? 5);
/** How many processes run at a time. */
const AT_ONCE = 2;
const LONGEST_RUN_MS = 60_000;

const node = promisify(execFile);
const folder = compiled();

/**
 * Forty jobs wait, ten run when the application closes. Each of these publishes another while it closes; the even ones
 * then end, the odd ones go on until their signal aborts. A second application handles the rest.
 */
const SCRIPT = `
  import 'reflect-metadata';
  import { Inject, Module } from '@nestjs/common';
  import { NestFactory } from '@nestjs/core';
  import { JobHandler, JobsModule, PublisherService } from './lib/index.js';
  import { memory } from './lib/backends/memory/index.js';

  const [url] = process.argv.slice(1);
  const backend = url === 'memory:' ? memory() : url;
  const gate = () => { let open; const opened = new Promise((resolve) => (open = resolve)); return { open, opened }; };
  const [full, closing, empty] = [gate(), gate(), gate()];
  const [published, finished, running, later] = [[], [], [], []];
  let isClosed = false;
  class Work {
    constructor(publisher) { this.publisher = publisher; }
    async handle(n, job) {
      if (isClosed) {
        later.push([n, job.attempt]);
        if (later.length + finished.length === published.length) empty.open();
        return;
      }
      running.push([n, job.attempt]);
      if (running.length === 10) full.open();
      await closing.opened;
      await this.publisher.publish('work', n + 1000);
      published.push(n + 1000);
      if (n % 2 === 1) await new Promise((_, reject) => job.signal.addEventListener('abort', () => reject(job.signal.reason)));
      // At the end of the grace it was handed back, however it ends.
      if (!job.signal.aborted) finished.push(n);
    }
  }
  Inject(PublisherService)(Work, undefined, 0);
  JobHandler('work', { concurrency: 10 })(Work);
  const application = () => {
    class App {}
    Module({ imports: [JobsModule.forRoot({ backend, shutdownGrace: '1s' })], providers: [Work] })(App);
    return NestFactory.createApplicationContext(App, { logger: ['error'] });
  };

  const first = await application();
  for (let n = 0; n < 40; n++) published.push(n);
  await first.get(PublisherService).publishMany(published.map((payload) => ({ name: 'work', payload })));
  await full.opened;
  const closed = first.close();
  closing.open();
  await closed;
  isClosed = true;
  const second = await application();
  await empty.opened;
  await second.close();
  console.log(JSON.stringify({ published, finished, running, later }));
`;

interface Report {
  readonly published: readonly number[];
  readonly finished: readonly number[];
  readonly running: readonly (readonly [n: number, attempt: number])[];
  readonly later: readonly (readonly [n: number, attempt: number])[];
}

let redis: PrivateRedis;
let tubes: PrivateBeanstalkd;

beforeAll(async () => {
  [redis, tubes] = await Promise.all([PrivateRedis.start(), PrivateBeanstalkd.start()]);
});

afterAll(() => Promise.all([redis.stop(), tubes.stop()]));

/** Rejects where the process does not end by itself. */
async function closeOnce(url: string): Promise<Report> {
  const { stdout, stderr } = await node(process.execPath, ['--input-type=module', '-e', SCRIPT, url], {
    cwd: folder,
    timeout: LONGEST_RUN_MS,
    env: { ...process.env, NO_COLOR: '1' },
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Report;
}

function sorted(numbers: readonly number[]): number[] {
  return numbers.toSorted((a, b) => a - b);
}

describe('an application that closes while jobs run and wait', () => {
  test.each<[engine: string, url: (n: number) => string]>([
    ['memory', () => 'memory:'],
    ['filer', (n) => `filer:${folder}/jobs-${n}`],
    ['BullMQ', (n) => `${redis.url}?prefix=closing-${n}`],
    ['beanstalkd', (n) => `beanstalkd://${tubes.host}:${tubes.port}?prefix=closing-${n}-`],
  ])(
    `ends by itself, lets its jobs publish to the end, and costs none an attempt: ${TIMES} times on %s`,
    { timeout: TIMES * LONGEST_RUN_MS },
    async (_, url) => {
      let next = 0;
      const closeAgain = async (): Promise<void> => {
        while (next < TIMES) {
          const { published, finished, running, later } = await closeOnce(url(next++));
          expect(running.filter(([, attempt]) => attempt !== 1)).toEqual([]);
          expect(running.length).toBeGreaterThanOrEqual(10);
          expect(finished.length).toBeGreaterThan(0);
          expect(later.filter(([, attempt]) => attempt !== 1)).toEqual([]);
          expect(sorted([...finished, ...later.map(([n]) => n)])).toEqual(sorted(published));
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, closeAgain));
    },
  );
});
