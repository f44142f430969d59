import { defineJob, JobHandler, PublisherService, type JobsModuleOptions, type PublishOptions } from 'nestjs-jobs';
import { expect, test } from 'vitest';
import { follower, startJobs, until } from './application.js';

@JobHandler('send', { queue: 'mail', attempts: 5, priority: 7, concurrency: 1 })
class Send {
  readonly tried: string[] = [];

  handle(payload: string, job: { attempt: number; maxAttempts: number; queue: string; priority: number }): void {
    this.tried.push(`${job.queue} ${job.priority} ${job.attempt}/${job.maxAttempts}`);
    if (payload === 'badly') throw new Error('so it was asked');
  }
}

function started(
  handlers: JobsModuleOptions['handlers'],
  more: Partial<JobsModuleOptions> = {},
): ReturnType<typeof startJobs> {
  return startJobs({ providers: [Send] }, { handlers, ...more });
}

test('what the configuration says of a handler goes before its decorator, and what it does not say stays', async () => {
  const { app, publisher, events } = await started({
    send: { queue: 'outbox', attempts: 2, backoff: { kind: 'fixed', base: 1 } },
  });
  let failed = false;
  events.on('failed', () => (failed = true));
  expect(await publisher.publish('send', 'badly')).toMatchObject({ queue: 'outbox', priority: 7 });
  await until(() => failed, 'it fails');
  expect(app.get(Send).tried).toEqual(['outbox 7 1/2', 'outbox 7 2/2']);
});

test('also what a job is published with before the application has started', async () => {
  const published: unknown[] = [];
  const early = {
    provide: 'EARLY',
    inject: [PublisherService],
    useFactory: async (publisher: PublisherService) => published.push(await publisher.publish('send', 'well')),
  };
  await startJobs({ providers: [early, Send] }, { handlers: { send: { queue: 'outbox', priority: 1 } } });
  expect(published).toMatchObject([{ queue: 'outbox', priority: 1 }]);
});

interface Said {
  readonly publish?: PublishOptions;
  readonly configuration?: { queue?: string; priority?: number };
  readonly definition?: { queue?: string; priority?: number };
  readonly handler?: { queue?: string; priority?: number };
  readonly routes?: Record<string, string>;
}
const said = {
  publish: { queue: 'published', priority: 1 },
  configuration: { queue: 'configured', priority: 2 },
  definition: { queue: 'defined', priority: 3 },
  handler: { queue: 'handled', priority: 4 },
  routes: { job: 'routed' },
};
const { publish, configuration, definition, handler, routes } = said;
const precedence: [what: string, said: Said, here: [string, number], elsewhere?: [string, number]][] = [
  ['publish before all', { publish, configuration, definition, routes }, ['published', 1]],
  ['configuration before the definition', { configuration, definition, routes }, ['configured', 2]],
  ['configuration before the handler', { configuration, handler, routes }, ['configured', 2]],
  ['configuration before routes', { configuration, routes }, ['configured', 2]],
  ['the queue alone', { configuration: { queue: 'configured' }, definition, routes }, ['configured', 3]],
  ['the priority alone', { configuration: { priority: 2 }, definition, routes }, ['defined', 2]],
  ['a definition before routes', { definition, routes }, ['defined', 3]],
  ['a handler before routes, elsewhere unknown', { handler, routes }, ['handled', 4], ['routed', 1024]],
  ['routes before the default', { routes }, ['routed', 1024]],
  ['nothing', {}, ['default', 1024]],
];
for (const [what, given, here, elsewhere = here] of precedence) {
  test(`where a job lands and how urgent it is, published by its definition: ${what}`, async () => {
    const Job = defineJob('job', given.definition);
    const done: string[] = [];
    @JobHandler(Job, given.handler)
    class Handles {
      handle(_: unknown, job: { queue: string }): void {
        done.push(job.queue);
      }
    }
    const options = { handlers: { job: given.configuration ?? {} }, routes: given.routes ?? {} };
    const worker = await startJobs({ providers: [Handles] }, options);
    expect(await worker.publisher.publish(Job, null, given.publish)).toMatchObject({
      queue: here[0],
      priority: here[1],
    });
    if (!given.publish) {
      await until(() => done.length === 1, 'it is read where it was published to');
      expect(await worker.publisher.publish('job')).toMatchObject({ queue: here[0], priority: here[1] });
    }
    const web = await startJobs({}, { consume: false, ...options });
    const [queue, priority] = elsewhere;
    expect(await web.publisher.publish(Job, null, given.publish)).toMatchObject({ queue, priority });
  });
}

test('a job published by its plain name where its handler is not, goes by the configuration, too', async () => {
  const web = await startJobs({}, { consume: false, handlers: { job: { queue: 'configured' } }, routes });
  expect(await web.publisher.publish('job')).toMatchObject({ queue: 'configured', priority: 1024 });
});

test('the concurrency of a handler comes from the configuration', async () => {
  let running = 0;
  let most = 0;
  @JobHandler('wide', { concurrency: 1 })
  class Wide {
    async handle(): Promise<void> {
      most = Math.max(most, ++running);
      await until(() => most === 3, 'three run at a time');
      running -= 1;
    }
  }
  const { publisher } = await startJobs({ providers: [Wide] }, { handlers: { wide: { concurrency: 3 } } });
  for (let n = 0; n < 3; n++) await publisher.publish('wide');
  await until(() => most === 3 && running === 0, 'all have run');
});

test('a name that no handler has is warned of where jobs are consumed, and there alone', async () => {
  const warning = 'JobsModule: the option handlers names "sent", but no handler here has that name';
  const worker = await started({ send: {}, sent: { attempts: 1 } });
  expect(worker.lines.ofJobs('warn')).toEqual([warning]);
  const web = await startJobs({ providers: [follower()] }, { consume: false, handlers: { sent: { attempts: 1 } } });
  expect(web.lines.ofJobs('warn')).toEqual([]);
});

const refused: [unknown, RegExp][] = [
  ['send', /^JobsModule: handlers: expected an object, got "send"$/],
  [{ 'a b': {} }, /^JobsModule: handlers: job name: expected 1 to 100/],
  [{ send: 5 }, /^JobsModule: handlers\.send: expected an object, got 5$/],
  [{ send: { attempts: 0 } }, /^JobsModule: handlers\.send\.attempts: expected a whole number of at least 1, got 0$/],
  [{ send: { instance: 'x' } }, /^JobsModule: handlers\.send: expected of .* got the unknown option "instance"$/],
];
for (const [handlers, message] of refused) {
  test(`refused: ${JSON.stringify(handlers)}`, () =>
    expect(started(handlers as JobsModuleOptions['handlers'])).rejects.toThrow(message));
}
