import { Inject, Injectable, Scope, type INestApplicationContext } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import {
  FatalError,
  JobHandler,
  JobsModule,
  JobsService,
  OnJobEvent,
  type JobEventMap,
  type OnJobEventOptions,
  type WorkerEvent,
} from 'nestjs-jobs';
import { memory } from 'nestjs-jobs/memory';
import { expect, expectTypeOf, test } from 'vitest';
import type { OnJobEventDecorator, OnWorkerEventDecorator } from '../../lib/nest/on-job-event.decorator.js';
import { moduleOf, start, startJobs, until } from './application.js';

@JobHandler('work')
class Works {
  handle(payload: unknown): string {
    if (payload === 'fail') throw new FatalError('never');
    return `did ${String(payload)}`;
  }
}

class Heard {
  readonly all: string[] = [];
}

class Base {
  constructor(@Inject(Heard) protected readonly heard: Heard) {}

  @OnJobEvent('completed')
  done({ job, result }: JobEventMap['completed']): void {
    this.heard.all.push(`${this.constructor.name}: ${job.name} ${String(result)}`);
  }
}

@Injectable()
class Watches extends Base {
  @OnJobEvent('failed')
  @OnJobEvent('retried')
  async failed(event: JobEventMap['failed'] | JobEventMap['retried']): Promise<void> {
    await Promise.resolve();
    this.heard.all.push(`${event.job.name} failed: ${event.error.message}`);
  }
}

test('methods of providers listen: inherited ones, several events for one, and each once', async () => {
  const { app, publisher } = await startJobs({
    providers: [Works, Heard, Watches, { provide: 'ALIAS', useExisting: Watches }, { provide: 'NONE', useValue: null }],
  });
  await publisher.publishMany([
    { name: 'work', payload: 1 },
    { name: 'work', payload: 'fail' },
  ]);
  const { all } = app.get(Heard);
  await until(() => all.length >= 2, 'both');
  expect(all.toSorted()).toEqual(['Watches: work did 1', 'work failed: never']);
});

test('a listener that throws is reported, and harms neither the job nor other listeners', async () => {
  class Throws extends Base {
    @OnJobEvent('started')
    started(): never {
      throw new Error('a broken listener');
    }
  }
  const { app, publisher, lines } = await startJobs({ providers: [Works, Heard, Throws] });
  await publisher.publish('work', 1);
  const { all } = app.get(Heard);
  await until(() => all.length === 1, 'the end');
  expect(all).toEqual(['Throws: work did 1']);
  expect(lines.ofJobs('error')).toEqual(['a listener of job event "started" failed: a broken listener']);
});

test('a method listens to the instance that it names', async () => {
  const heard: string[] = [];
  class Own {
    @OnJobEvent('published')
    own({ name }: JobEventMap['published']): void {
      heard.push(`own ${name}`);
    }

    @OnJobEvent('published', { instance: 'reports' })
    reports({ name }: JobEventMap['published']): void {
      heard.push(`reports ${name}`);
    }
  }
  const reports = JobsModule.forRoot({ name: 'reports', backend: memory(), consume: false });
  const { publisher } = await startJobs({ imports: [reports], providers: [Own] }, { consume: false });
  await publisher.publish('mail');
  expect(heard).toEqual(['own mail']);
});

/** Resolves once a process that handles jobs is known. */
async function listed(app: INestApplicationContext): Promise<void> {
  await expect.poll(async () => (await app.get(JobsService).workers()).length, { timeout: 30_000 }).toBe(1);
}

test('a method hears of all processes, as long as its application is open', async () => {
  const heard: string[] = [];
  class OfAll {
    @OnJobEvent('completed', { from: 'all' })
    done({ event, job, worker }: WorkerEvent<'completed'>): void {
      heard.push(`${event} ${job.id} ${worker.pid === process.pid}`);
    }

    @OnJobEvent('failed', { from: 'all' })
    async failed({ job, error }: WorkerEvent<'failed'>): Promise<never> {
      await Promise.resolve();
      heard.push(`${job.id}: ${error.message}`);
      throw new Error('a broken listener');
    }
  }
  const backend = memory();
  const { publisher, app: worker } = await startJobs({ providers: [Works] }, { backend });
  await listed(worker);
  const { app, lines } = await startJobs({ providers: [OfAll] }, { backend, consume: false });
  await publisher.publish('work', 1, { id: 'a' });
  await until(() => heard.length === 1, 'the first');
  await publisher.publish('work', 'fail', { id: 'b' });
  await until(() => heard.length === 2, 'the second');
  expect(heard).toEqual(['completed a true', 'b: never']);
  const report = 'a listener of job event "failed" of all processes failed: a broken listener';
  await until(() => lines.ofJobs('error').includes(report), 'the report');
  await app.close();
  await publisher.publish('work', 2);
  await worker.close();
  expect(heard).toHaveLength(2);
});

test('a method of a lazily loaded module hears of all processes once that is registered', async () => {
  const heard: string[] = [];
  class Late {
    @OnJobEvent('completed', { from: 'all' })
    done({ job }: WorkerEvent<'completed'>): void {
      heard.push(job.id);
    }
  }
  const { app, publisher } = await startJobs({ providers: [Works] });
  await listed(app);
  const loaded = await app.get(LazyModuleLoader).load(() => moduleOf({ providers: [Late] }, 'LateModule'));
  await app.get(JobsService).register(loaded);
  await publisher.publish('work', 1, { id: 'later' });
  await until(() => heard.length === 1, 'it is heard');
  expect(heard).toEqual(['later']);
});

test('an instance that is not there, and a class that is made for each request, stop the application', async () => {
  class Elsewhere {
    @OnJobEvent('failed', { instance: 'reports' })
    failed(): void {}
  }
  await expect(startJobs({ providers: [Elsewhere] })).rejects.toThrow(
    'Elsewhere.failed in AppModule listens to job event "failed", but this application has no instance "reports" of JobsModule',
  );
  class Nameless {
    @OnJobEvent('failed')
    failed(): void {}
  }
  const reports = JobsModule.forRoot({ name: 'reports', backend: memory() });
  await expect(start(moduleOf({ imports: [reports], providers: [Nameless] }), undefined, 'reports')).rejects.toThrow(
    "Name one: @OnJobEvent('…', { instance: '…' })",
  );
  @Injectable({ scope: Scope.REQUEST })
  class PerRequest {
    @OnJobEvent('failed')
    failed(): void {}
  }
  await expect(startJobs({ providers: [PerRequest] })).rejects.toThrow(
    'PerRequest.failed in AppModule listens to job event "failed", but its class is made for each request',
  );
});

test('the listeners of a module that is loaded lazily listen once it is registered', async () => {
  const heard: string[] = [];
  class Late {
    @OnJobEvent('published')
    published({ name }: JobEventMap['published']): void {
      heard.push(name);
    }
  }
  const { app, publisher } = await startJobs({});
  const loaded = await app.get(LazyModuleLoader).load(() => moduleOf({ providers: [Late] }, 'LateModule'));
  await publisher.publish('before');
  await app.get(JobsService).register(loaded);
  await app.get(JobsService).register(loaded);
  await publisher.publish('after');
  expect(heard).toEqual(['after']);
});

test.each<[string, () => unknown, string]>([
  [
    'an unknown event',
    () => {
      class A {
        @OnJobEvent('fail' as 'failed')
        method(): void {}
      }
      return A;
    },
    '@OnJobEvent("fail") on A.method: expected an event of published, started, progress',
  ],
  [
    'a static method',
    () => {
      class B {
        @OnJobEvent('failed')
        static method(): void {}
      }
      return B;
    },
    '@OnJobEvent("failed") on B.method: expected a method that is not static',
  ],
  [
    'an unknown option',
    () => {
      class C {
        @OnJobEvent('failed', { queue: 'mail' } as OnJobEventOptions)
        method(): void {}
      }
      return C;
    },
    'on C.method: options: expected of instance, from, got the unknown option "queue"',
  ],
  [
    'another from',
    () => {
      class D {
        @OnJobEvent('failed', { from: 'everywhere' as 'all' })
        method(): void {}
      }
      return D;
    },
    `on D.method: options.from: expected 'here' or 'all', got "everywhere"`,
  ],
])('%s is refused where it stands', (_, declare, message) => {
  expect(declare).toThrow(message);
});

/** What compiles is the test. */
export class Typed {
  @OnJobEvent('expired')
  nothing(): void {}

  @OnJobEvent('failed')
  whole(event: JobEventMap['failed']): string {
    return event.reason;
  }

  // @ts-expect-error a lease that is lost tells no error
  @OnJobEvent('leaseLost')
  wrong(event: JobEventMap['failed']): string {
    return event.reason;
  }
}

/** What compiles is the test. */
export class TypedOfAll {
  @OnJobEvent('failed', { from: 'all' })
  whole({ error, worker }: WorkerEvent<'failed'>): string {
    return error.name + worker.host;
  }
}

test('what hears of all processes tells no result, and what hears of this one no worker', () => {
  type HearsResult = (event: JobEventMap['completed']) => unknown;
  type HearsWorker = (event: WorkerEvent<'failed'>) => unknown;
  expectTypeOf(OnJobEvent('completed', { from: 'all' })).toEqualTypeOf<OnWorkerEventDecorator<'completed'>>();
  expectTypeOf<HearsResult>().not.toExtend<(event: WorkerEvent<'completed'>) => unknown>();
  expectTypeOf(OnJobEvent('failed')).toEqualTypeOf<OnJobEventDecorator<'failed'>>();
  expectTypeOf<HearsWorker>().not.toExtend<(event: JobEventMap['failed']) => unknown>();
});

/** Never called. */
export function unknownEvent(): unknown {
  // @ts-expect-error there is no such event
  return OnJobEvent('fails');
}
