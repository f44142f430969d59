import { JobHandler, type JobHandlerOptions, type JobsModuleOptions } from 'nestjs-jobs';
import { expect, test } from 'vitest';
import { gate, startJobs, turns, until } from './application.js';

/** Runs 40 jobs that hold their places, of these names by turns, and tells how many of each name ran at once. */
async function mostAtOnce(
  handlers: Record<string, JobHandlerOptions>,
  names: readonly string[],
  options: Partial<JobsModuleOptions>,
  expected: Record<string, number>,
): Promise<Record<string, number>> {
  const held = gate();
  const running: Record<string, number> = {};
  const most: Record<string, number> = {};
  let done = 0;
  const classes = Object.entries(handlers).map(([name, own]) => {
    @JobHandler(name, own)
    class Hold {
      async handle(): Promise<void> {
        for (const key of [name, 'all']) {
          running[key] = (running[key] ?? 0) + 1;
          most[key] = Math.max(most[key] ?? 0, running[key]);
        }
        await held.opened;
        for (const key of [name, 'all']) running[key] = (running[key] ?? 0) - 1;
        done += 1;
      }
    }
    return Hold;
  });
  const { publisher } = await startJobs({ providers: classes }, options);
  const jobs = Array.from({ length: 40 }, (_, index) => ({ name: String(names[index % names.length]) }));
  await publisher.publishMany(jobs);
  await until(
    () => Object.entries(expected).every(([key, count]) => (most[key] ?? 0) >= count),
    'the places are taken',
  );
  await turns();
  held.open();
  await until(() => done === jobs.length, 'all are done');
  return most;
}

interface Limit {
  readonly handlers: Record<string, JobHandlerOptions>;
  readonly names?: readonly string[];
  readonly options?: Partial<JobsModuleOptions>;
  readonly expected: Record<string, number>;
}

const limits: Record<string, Limit> = {
  'of a handler by default': { handlers: { one: {} }, expected: { one: 10, all: 10 } },
  'of a handler': { handlers: { one: { concurrency: 2 } }, expected: { one: 2, all: 2 } },
  'of a handler in a wider queue': {
    handlers: { one: { concurrency: 2 } },
    options: { queues: { default: { concurrency: 20 } } },
    expected: { one: 2, all: 2 },
  },
  'of a queue by default: the sum of its handlers’': {
    handlers: { one: { concurrency: 2 }, two: { concurrency: 3 } },
    names: ['one', 'two', 'two', 'one', 'two'],
    expected: { one: 2, two: 3, all: 5 },
  },
  'of a queue': {
    handlers: { one: {}, two: {} },
    options: { queues: { default: { concurrency: 3 } } },
    expected: { all: 3 },
  },
  'by defaults.concurrency': {
    handlers: { one: {}, two: { concurrency: 1 } },
    names: ['one', 'one', 'two', 'one', 'one'],
    options: { defaults: { concurrency: 4 } },
    expected: { one: 4, two: 1, all: 5 },
  },
};

for (const [what, { handlers, names = Object.keys(handlers), options = {}, expected }] of Object.entries(limits)) {
  test(`concurrency ${what}`, async () => {
    expect(await mostAtOnce(handlers, names, options, expected)).toMatchObject(expected);
  });
}
