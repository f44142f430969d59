import {
  Controller,
  Get,
  Injectable,
  Module,
  type BeforeApplicationShutdown,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { JobHandler, JobsModule, PublisherService, PublishError } from 'nestjs-jobs';
import { memory } from 'nestjs-jobs/memory';
import { expect, onTestFinished, test } from 'vitest';
import { follower, gate, moduleOf, startJobs, turns, until } from './application.js';

test('a handler publishes while the application closes, and the next application handles that job', async () => {
  const backend = memory();
  const Followed = follower();
  const running = gate();
  const closing = gate();

  @JobHandler('lead')
  class Lead {
    constructor(private readonly publisher: PublisherService) {}

    async handle(): Promise<void> {
      running.open();
      await closing.opened;
      await this.publisher.publish('follow', 'from a running job');
    }
  }

  const first = await startJobs({ providers: [Lead] }, { backend, routes: { follow: 'default' } });
  const completed: string[] = [];
  first.events.on('completed', ({ job }) => completed.push(String(job.name)));
  await first.publisher.publish('lead');
  await running.opened;
  const closed = first.app.close();
  await turns();
  closing.open();
  await closed;
  expect(completed).toEqual(['lead']);

  const next = await startJobs({ providers: [Followed] }, { backend });
  const { payloads } = next.app.get(Followed);
  await until(() => payloads.length > 0, 'the next application handles it');
  expect(payloads).toEqual(['from a running job']);
});

test('the publisher works through every hook of the end, those of global modules too', async () => {
  const backend = memory();

  @Injectable()
  class Busy implements OnModuleDestroy, BeforeApplicationShutdown, OnApplicationShutdown {
    constructor(private readonly publisher: PublisherService) {}

    async onModuleDestroy(): Promise<void> {
      await this.publisher.publish('follow', 'onModuleDestroy');
    }

    async beforeApplicationShutdown(): Promise<void> {
      await this.publisher.publish('follow', 'beforeApplicationShutdown');
    }

    async onApplicationShutdown(): Promise<void> {
      await this.publisher.publish('follow', 'onApplicationShutdown');
    }
  }

  const GlobalModule = moduleOf({ providers: [Busy] }, 'GlobalModule');
  const first = await startJobs(
    { imports: [{ module: GlobalModule, global: true }], providers: [{ provide: 'ROOT', useClass: Busy }] },
    { backend },
  );
  await first.app.close();
  await expect(first.publisher.publish('follow', 'too late')).rejects.toThrow(PublishError);
  await expect(first.publisher.publishMany([])).rejects.toThrow('not published: the application has closed');
  expect(first.lines.all.filter((line) => line.level === 'error')).toEqual([]);

  const Followed = follower();
  const next = await startJobs({ providers: [Followed] }, { backend });
  const { payloads } = next.app.get(Followed);
  await until(() => payloads.length === 6, 'all are handled');
  expect(new Set(payloads)).toEqual(new Set(['onModuleDestroy', 'beforeApplicationShutdown', 'onApplicationShutdown']));
});

test('a request that is still running when the application closes publishes', async () => {
  const backend = memory();
  const asked = gate();
  const closing = gate();

  @Controller()
  class Orders {
    constructor(private readonly publisher: PublisherService) {}

    @Get()
    async order(): Promise<string> {
      asked.open();
      await closing.opened;
      return (await this.publisher.publish('follow', 'from a request')).queue;
    }
  }

  @Injectable()
  class Closing implements BeforeApplicationShutdown {
    beforeApplicationShutdown(): void {
      closing.open();
    }
  }

  @Module({ imports: [JobsModule.forRoot({ backend })], controllers: [Orders], providers: [Closing] })
  class WebModule {}

  const app = await NestFactory.create(WebModule, { logger: false });
  onTestFinished(() => app.close());
  await app.listen(0, '127.0.0.1');
  const answer = fetch(await app.getUrl());
  await asked.opened;
  await app.close();
  expect(await (await answer).text()).toBe('default');
});
