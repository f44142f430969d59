import { Injectable, type ModuleMetadata } from '@nestjs/common';
import { LazyModuleLoader, ModuleRef } from '@nestjs/core';
import { getPublisherToken, JobHandler, JobsModule, JobsService, PublisherService } from 'nestjs-jobs';
import { memory } from 'nestjs-jobs/memory';
import { expect, test } from 'vitest';
import { follower, moduleOf, start, startJobs, until, type Application } from './application.js';

@Injectable()
class Recipient {
  readonly payloads: unknown[] = [];
}

function handlerOf(name: string, options: object = {}): new (recipient: Recipient) => object {
  @JobHandler(name, options)
  class Lazy {
    constructor(readonly recipient: Recipient) {}

    handle(payload: unknown): void {
      this.recipient.payloads.push(payload);
    }
  }
  return Lazy;
}

/** Loads a module of these handlers, and its recipient. */
async function load({ app }: Application, metadata: ModuleMetadata): Promise<[ModuleRef, unknown[]]> {
  const module = moduleOf({ ...metadata, providers: [Recipient, ...(metadata.providers ?? [])] }, 'LazyModule');
  const ref = await app.get(LazyModuleLoader).load(() => module);
  return [ref, ref.get(Recipient).payloads];
}

test('handlers of a lazily loaded module are found, and their jobs handled from then on', async () => {
  const application = await startJobs({ providers: [follower()] });
  const { app, publisher, lines } = application;
  await publisher.publish('lazy', 'before', { queue: 'lazy' });
  const [ref, payloads] = await load(application, {
    providers: [handlerOf('lazy', { queue: 'lazy' }), handlerOf('more')],
  });
  expect(await app.get(JobsService).register(ref)).toEqual(['lazy', 'more']);
  await publisher.publish('lazy', 'behind');
  await until(() => payloads.length === 2, 'both are handled');
  await publisher.publish('more', 'in a queue that was read already');
  await until(() => payloads.length === 3, 'the third as well');
  expect(payloads).toEqual(['before', 'behind', 'in a queue that was read already']);
  expect(lines.ofJobs('log')).toContain('Mapped {lazy} to Lazy, queue "lazy"');
  expect(await app.get(JobsService).register(ref)).toEqual([]);
});

test('in an application that had no handler yet, with what the module imports', async () => {
  const application = await startJobs({});
  const imported = moduleOf({ providers: [Recipient, handlerOf('deep')], exports: [Recipient] }, 'DeepModule');
  const module = moduleOf({ imports: [imported] }, 'LazyModule');
  const ref = await application.app.get(LazyModuleLoader).load(() => module);
  expect(await application.app.get(JobsService).register(ref)).toEqual(['deep']);
  await application.publisher.publish('deep', 1);
  const { payloads } = ref.get(Recipient, { strict: false });
  await until(() => payloads.length === 1, 'it is handled');
});

test('a process that only publishes learns the queue, and can drain it', async () => {
  const application = await startJobs({}, { consume: false });
  const [ref, payloads] = await load(application, { providers: [handlerOf('lazy', { queue: 'lazy' })] });
  const jobs = application.app.get(JobsService);
  await jobs.register(ref);
  expect(await application.publisher.publish('lazy', 1)).toMatchObject({ queue: 'lazy' });
  expect(payloads).toEqual([]);
  expect(await jobs.drain({ idle: 50 })).toMatchObject({ completed: 1 });
});

test('a queue grows by the concurrency of what comes to it', async () => {
  let running = 0;
  let most = 0;
  const application = await startJobs({ providers: [follower()] }, { defaults: { concurrency: 1 } });
  @JobHandler('wide', { concurrency: 4 })
  class Wide {
    async handle(): Promise<void> {
      most = Math.max(most, ++running);
      await until(() => most === 4, 'four run at a time');
      running -= 1;
    }
  }
  const [ref] = await load(application, { providers: [Wide] });
  await application.app.get(JobsService).register(ref);
  for (let n = 0; n < 4; n++) await application.publisher.publish('wide');
  await until(() => most === 4 && running === 0, 'all have run');
});

test('handlers of every instance are taken in, by whichever is asked', async () => {
  const imports = [
    JobsModule.forRoot({ backend: memory() }),
    JobsModule.forRoot({ name: 'reports', backend: memory() }),
  ];
  const application = await start(moduleOf({ imports }));
  const [ref, payloads] = await load(application, {
    providers: [handlerOf('lazy', { instance: 'reports' }), handlerOf('other')],
  });
  expect((await application.app.get(JobsService).register(ref)).toSorted()).toEqual(['lazy', 'other']);
  await application.app.get<PublisherService>(getPublisherToken('reports')).publish('lazy', 1);
  await until(() => payloads.length === 1, 'it is handled');
});

test('refused: a job that has a handler already; then none of the module is taken', async () => {
  const application = await startJobs({ providers: [follower()] });
  const [ref] = await load(application, { providers: [handlerOf('fresh'), handlerOf('follow')] });
  const jobs = application.app.get(JobsService);
  await expect(jobs.register(ref)).rejects.toThrow(
    /^Job "follow" has two handlers: Followed in AppModule and Lazy in LazyModule\./,
  );
  const [better] = await load(application, { providers: [handlerOf('other')] });
  expect(await jobs.register(better)).toEqual(['other']);
});

test('refused: an instance that there is not', async () => {
  const application = await startJobs({ providers: [follower()] });
  const [ref] = await load(application, { providers: [handlerOf('fresh', { instance: 'reports' })] });
  await expect(application.app.get(JobsService).register(ref)).rejects.toThrow(
    /^Lazy in LazyModule handles job "fresh", but this application has no instance "reports"/,
  );
});

test('refused: what is no ModuleRef of this application, and an application that has closed', async () => {
  const application = await startJobs({ providers: [follower()] });
  const other = await startJobs({ providers: [follower()] });
  const jobs = application.app.get(JobsService);
  const [foreign] = await load(other, {});
  const [own] = await load(application, {});
  for (const bad of [foreign, {}, undefined]) {
    await expect(jobs.register(bad as ModuleRef)).rejects.toThrow(
      /^register: expected the ModuleRef that LazyModuleLoader\.load\(\) of this application gives, got/,
    );
  }
  await application.app.close();
  await expect(jobs.register(own)).rejects.toThrow('register: the application has closed');
});

test('a module that is registered while the application is still being made is taken in once', async () => {
  const module = moduleOf({ providers: [Recipient, handlerOf('lazy')] }, 'LazyModule');
  let payloads: unknown[] = [];
  const early = {
    provide: 'EARLY',
    inject: [LazyModuleLoader, JobsService],
    useFactory: async (loader: LazyModuleLoader, jobs: JobsService) => {
      const ref = await loader.load(() => module);
      payloads = ref.get(Recipient).payloads;
      return jobs.register(ref);
    },
  };
  const { publisher } = await startJobs({ providers: [early] });
  await publisher.publish('lazy', 1);
  await until(() => payloads.length === 1, 'it is handled');
});
