import { Injectable, type OnApplicationBootstrap, type OnModuleInit } from '@nestjs/common';
import {
  JobHandler,
  PublisherService,
  type Backend,
  type BackendContext,
  type Job,
  type JobHandlerOptions,
  type JobsModuleOptions,
} from 'nestjs-jobs';
import { memory } from 'nestjs-jobs/memory';
import { expect, test } from 'vitest';
import { startJobs, turns, until } from './application.js';

/** A handler class of its own that keeps the queues from which it was given jobs. */
function keeper(name: string, options?: JobHandlerOptions): new () => { readonly queues: string[] } {
  @JobHandler(name, options)
  class Keeper {
    readonly queues: string[] = [];

    handle(_payload: unknown, job: Job): void {
      this.queues.push(job.queue);
    }
  }
  return Keeper;
}

const reading: [what: string, options: Partial<JobsModuleOptions>, handled: string[]][] = [
  ['its handlers’ queues', {}, ['default', 'mail']],
  ['the keys of `queues` too', { queues: { extra: {} } }, ['default', 'extra', 'mail']],
  ['with a list that alone', { consume: ['mail', 'other'], queues: { extra: {} } }, ['mail', 'other']],
  ['with an empty list nothing', { consume: [] }, []],
  ['with consume: false nothing', { consume: false, queues: { extra: {} } }, []],
  ['by routes', { routes: { plain: 'routed', mailed: 'elsewhere' } }, ['mail', 'routed']],
  ['the default queue by its name', { defaults: { queue: 'main' } }, ['mail', 'main']],
];

for (const [what, options, expected] of reading) {
  test(`a process reads ${what}`, async () => {
    const backend = memory();
    const Plain = keeper('plain');
    const Mailed = keeper('mailed', { queue: 'mail' });
    const web = await startJobs({}, { backend, consume: false });
    const queues = ['default', 'elsewhere', 'extra', 'mail', 'main', 'other', 'routed'];
    await web.publisher.publishMany(queues.map((queue) => ({ name: 'plain', options: { queue } })));

    const { app } = await startJobs({ providers: [Plain, Mailed] }, { ...options, backend });
    const handled = app.get(Plain).queues;
    await until(() => handled.length >= expected.length, 'the jobs of the queues that are read');
    await turns();
    expect([...handled].sort()).toEqual(expected);
  });
}

test('a job goes to its handler’s queue, with its handler’s priority; else to that of routes, else to the default', async () => {
  const { publisher } = await startJobs(
    { providers: [keeper('mailed', { queue: 'mail', priority: 3 }), keeper('plain')] },
    { consume: false, routes: { mailed: 'elsewhere', routed: 'far' }, defaults: { queue: 'main', priority: 7 } },
  );
  expect(await publisher.publish('mailed')).toMatchObject({ queue: 'mail', priority: 3 });
  expect(await publisher.publish('mailed', null, { queue: 'x', priority: 1 })).toMatchObject({
    queue: 'x',
    priority: 1,
  });
  expect(await publisher.publish('routed')).toMatchObject({ queue: 'far', priority: 7 });
  expect(await publisher.publish('plain')).toMatchObject({ queue: 'main', priority: 7 });
});

test('what is no message in a queue with rawJob reaches the handler of that name', async () => {
  const payloads: unknown[] = [];
  @JobHandler('plain')
  class Plain {
    handle(payload: unknown): void {
      payloads.push(payload);
    }
  }
  const foreign = { unreadable: 'it is no message', id: 'x', bytes: Buffer.from('{"a":1}'), kind: 'foreign' as const };
  const description = memory();
  const open = async (context: BackendContext): Promise<Backend> => {
    const backend = await description.open(context);
    const reserve = backend.reserve.bind(backend);
    backend.reserve = async (...args) => {
      const taken = await reserve(...args);
      return taken.map((delivery) => ({ ...delivery, content: foreign }));
    };
    return backend;
  };
  const { publisher } = await startJobs(
    { providers: [Plain] },
    { backend: { name: 'odd', open }, queues: { inbox: { rawJob: 'plain' } } },
  );
  await publisher.publish('any', null, { queue: 'inbox' });
  await until(() => payloads.length > 0, 'it is handled');
  expect(payloads).toEqual([{ a: 1 }]);
});

test('what a handler’s options say holds for its jobs', async () => {
  const told: number[] = [];
  @JobHandler('fail', { attempts: 2, backoff: () => 0, timeout: 20 })
  class Fail {
    handle(_payload: unknown, job: Job): Promise<void> {
      told.push(job.attempt, job.maxAttempts);
      return new Promise(() => undefined);
    }
  }
  const { events, publisher } = await startJobs({ providers: [Fail] });
  const reasons: string[] = [];
  events.on('failed', ({ error, reason }) => reasons.push(error.name, reason));
  await publisher.publish('fail');
  await until(() => reasons.length > 0, 'the job has failed');
  expect(told).toEqual([1, 2, 2, 2]);
  expect(reasons).toEqual(['JobTimeoutError', 'all 2 attempts have failed']);
});

test('defaults and errors hold where a handler says nothing', async () => {
  class Refused extends Error {}
  @JobHandler('refuse')
  class Refuse {
    handle(): never {
      throw new Refused('no');
    }
  }
  const { events, publisher } = await startJobs(
    { providers: [Refuse] },
    { defaults: { attempts: 7 }, errors: { fatal: [Refused] } },
  );
  const failed: unknown[] = [];
  events.on('failed', ({ job, reason }) => failed.push(job.maxAttempts, reason));
  await publisher.publish('refuse');
  await until(() => failed.length > 0, 'the job has failed');
  expect(failed).toEqual([7, 'a fatal error']);
});

test('jobs are taken only after the last onApplicationBootstrap of the application', async () => {
  const order: string[] = [];

  @Injectable()
  class Slow implements OnModuleInit, OnApplicationBootstrap {
    constructor(private readonly publisher: PublisherService) {}

    async onModuleInit(): Promise<void> {
      await this.publisher.publish('note');
      order.push('published');
    }

    async onApplicationBootstrap(): Promise<void> {
      await turns();
      order.push('bootstrapped');
    }
  }

  @JobHandler('note', { queue: 'notes' })
  class Note {
    handle(_payload: unknown, job: Job): void {
      order.push(`handled from ${job.queue}`);
    }
  }

  await startJobs({ providers: [Slow, Note] });
  await until(() => order.length === 3, 'the job is handled');
  expect(order).toEqual(['published', 'bootstrapped', 'handled from notes']);
});

test('constructors and factories publish to their handlers’ queues, too', async () => {
  const published: Promise<unknown>[] = [];
  @Injectable()
  class Eager {
    constructor(publisher: PublisherService) {
      published.push(publisher.publish('note'));
    }
  }
  const eager = {
    provide: 'EAGER',
    inject: [PublisherService],
    useFactory: (publisher: PublisherService) => publisher.publish('note'),
  };
  const Note = keeper('note', { queue: 'notes' });
  const { app } = await startJobs({ providers: [eager, Eager, Note] });
  expect(app.get('EAGER')).toMatchObject({ queue: 'notes' });
  expect(await Promise.all(published)).toMatchObject([{ queue: 'notes' }]);
  await until(() => app.get(Note).queues.length === 2, 'both are handled');
});

test('a handler that was not there yet when somebody published is known later', async () => {
  const Late = keeper('note', { queue: 'notes' });
  const { app, publisher } = await startJobs(
    {
      providers: [
        {
          provide: 'LATE',
          inject: [PublisherService],
          useFactory: async (early: PublisherService) => {
            await early.publish('other');
            return new Late();
          },
        },
      ],
    },
    { queues: { default: {} } },
  );
  expect(await publisher.publish('note')).toMatchObject({ queue: 'notes' });
  const late = app.get<InstanceType<typeof Late>>('LATE');
  await until(() => late.queues.length > 0, 'it handles the job');
});
