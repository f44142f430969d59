import { Injectable, type OnModuleDestroy } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { JobHandler, JobsModule, PublisherService, type Job } from 'nestjs-jobs';
import { memory } from 'nestjs-jobs/memory';
import { expect, test } from 'vitest';
import { follower, gate, moduleOf, start, startJobs, turns, until } from './application.js';

test('the consumer stops before any other onModuleDestroy: of its siblings, of global modules, of the root', async () => {
  const order: string[] = [];
  const held = gate();
  const running = gate();

  const database = (name: string): new () => OnModuleDestroy => {
    @Injectable()
    class Database implements OnModuleDestroy {
      onModuleDestroy(): void {
        order.push(name);
      }
    }
    return Database;
  };

  @JobHandler('note')
  class Note {
    async handle(): Promise<void> {
      running.open();
      await held.opened;
      order.push('handled');
    }
  }

  const GlobalModule = moduleOf({ providers: [database('global')] }, 'GlobalModule');
  const { app, publisher } = await startJobs({
    imports: [{ module: GlobalModule, global: true }, moduleOf({ providers: [database('sibling')] }, 'SiblingModule')],
    providers: [Note, database('root')],
  });
  await publisher.publish('note');
  await running.opened;
  const closed = app.close();
  await turns();
  held.open();
  await closed;
  expect(order[0]).toBe('handled');
  expect([...order].sort()).toEqual(['global', 'handled', 'root', 'sibling']);
});

test('after the consumer has stopped no job is taken', async () => {
  const backend = memory();
  const Followed = follower();

  @Injectable()
  class Late implements OnModuleDestroy {
    constructor(private readonly publisher: PublisherService) {}

    async onModuleDestroy(): Promise<void> {
      await this.publisher.publish('follow', 'late');
    }
  }

  const first = await startJobs({ providers: [Late, Followed] }, { backend });
  await first.app.close();
  expect(first.app.get(Followed).payloads).toEqual([]);

  const next = await startJobs({ providers: [Followed] }, { backend });
  await until(() => next.app.get(Followed).payloads.length > 0, 'the next application handles it');
});

test('when the grace is over, signals are aborted and the jobs handed back at no cost', async () => {
  const backend = memory();
  const attempts: number[] = [];
  const aborted: unknown[] = [];
  const running = gate();

  @JobHandler('endless')
  class Endless {
    handle(_payload: unknown, job: Job): Promise<void> {
      attempts.push(job.attempt);
      job.signal.addEventListener('abort', () => aborted.push((job.signal.reason as Error).name));
      running.open();
      return new Promise(() => undefined);
    }
  }

  const first = await startJobs({ providers: [Endless] }, { backend, shutdownGrace: 30 });
  const handedBack: string[] = [];
  first.events.on('handedBack', ({ reason }) => handedBack.push(reason));
  await first.publisher.publish('endless');
  await running.opened;
  await first.app.close();
  expect(aborted).toEqual(['JobShutdownError']);
  expect(handedBack).toEqual(['shutdown']);

  const next = await startJobs({ providers: [Endless] }, { backend, shutdownGrace: 0 });
  await until(() => attempts.length > 1, 'the next application takes it');
  await next.app.close();
  expect(attempts).toEqual([1, 1]);
});

test('an application closes twice, and before it has started', async () => {
  const { app } = await startJobs({ providers: [follower()] });
  await Promise.all([app.close(), app.close()]);
  await app.close();

  const early = await NestFactory.createApplicationContext(
    moduleOf({ imports: [JobsModule.forRoot({ backend: memory() })] }),
    { logger: false },
  );
  await early.close();
});

test('an application that closes while it starts takes no job, and its start does not fail for that', async () => {
  const backend = memory();
  const Followed = follower();
  const web = await startJobs({}, { backend, consume: false });
  await web.publisher.publish('follow');

  const reached = gate();
  const starting = gate();
  const ending = gate();
  let closesAtOnce = false;
  const slow = {
    provide: 'SLOW',
    useValue: {
      onApplicationBootstrap: (): Promise<void> => {
        reached.open();
        return starting.opened;
      },
      beforeApplicationShutdown: (): Promise<void> => {
        closesAtOnce = true;
        return ending.opened;
      },
    },
  };
  const jobs = JobsModule.forRoot({ backend });
  const app = await NestFactory.create(moduleOf({ imports: [jobs], providers: [Followed, slow] }), { logger: false });
  const started = app.init();
  await reached.opened;
  const closed = app.close();
  await turns();
  // Nest 12 waits for the start before it closes, so that a job may be handled between the two.
  const most = closesAtOnce ? 0 : 1;
  starting.open();
  await started;
  await turns();
  expect(app.get(Followed).payloads.length).toBeLessThanOrEqual(most);
  ending.open();
  await closed;
  await web.publisher.publish('follow');
  await turns();
  expect(app.get(Followed).payloads.length).toBeLessThanOrEqual(most);
});

test('hooks that throw elsewhere do not keep the consumer from stopping', async () => {
  @Injectable()
  class Broken implements OnModuleDestroy {
    onModuleDestroy(): void {
      throw new Error('broken');
    }
  }
  const Followed = follower();
  const { app, publisher } = await start(
    moduleOf({ imports: [JobsModule.forRoot({ backend: memory() })], providers: [Broken, Followed] }),
  );
  // Nest 11 passes the error on, Nest 12 logs it.
  await app.close().catch(() => undefined);
  await publisher.publish('follow').catch(() => undefined);
  await turns();
  expect(app.get(Followed).payloads).toEqual([]);
});
