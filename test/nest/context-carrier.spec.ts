import { AsyncLocalStorage } from 'node:async_hooks';
import { Injectable, UseGuards, UseInterceptors, type CallHandler, type NestInterceptor } from '@nestjs/common';
import { JobHandler, PublishError, type ContextCarrier, type Job, type JobsModuleOptions } from 'nestjs-jobs';
import { memory } from 'nestjs-jobs/memory';
import type { Observable } from 'rxjs';
import { expect, test } from 'vitest';
import { startJobs, until } from './application.js';

const storage = new AsyncLocalStorage<string>();
const tenant: ContextCarrier = {
  capture: () => ({ tenant: storage.getStore(), absent: undefined }),
  restore: (headers, run) => storage.run(headers['tenant'] ?? 'unknown', run),
};

test('a context travels in the headers, and is there for guards, interceptors and the handler', async () => {
  const seen: unknown[] = [];
  @Injectable()
  class Notes implements NestInterceptor {
    intercept(_: unknown, next: CallHandler): Observable<unknown> {
      seen.push(`interceptor ${storage.getStore()}`);
      return next.handle();
    }
  }
  @JobHandler('work', { concurrency: 1 })
  @UseGuards({ canActivate: () => seen.push(`guard ${storage.getStore()}`) > 0 })
  @UseInterceptors(Notes)
  class Handles {
    async handle(_payload: unknown, job: Job): Promise<void> {
      await Promise.resolve();
      seen.push(`handler ${storage.getStore()} ${job.headers['trace']} ${Object.keys(job.headers).join()}`);
    }

    @JobHandler('bare', { concurrency: 1 })
    bare(): void {
      seen.push(`bare ${storage.getStore()}`);
    }
  }
  const backend = memory();
  const web = await startJobs({}, { backend, consume: false, contextCarrier: tenant });
  await storage.run('acme', () => web.publisher.publish('work', 1, { headers: { trace: 't1' } }));
  await web.publisher.publish('bare', 1, { headers: { tenant: 'given' } });
  expect(seen).toEqual([]);
  await startJobs(
    { providers: [Handles] },
    { backend, contextCarrier: tenant, queues: { default: { concurrency: 1 } } },
  );
  await until(() => seen.length >= 4 && seen.some((one) => String(one).startsWith('bare')), 'both jobs');
  expect(seen).toEqual(
    expect.arrayContaining(['guard acme', 'interceptor acme', 'handler acme t1 tenant,trace', 'bare given']),
  );
});

const bad: [what: string, capture: () => never, message: RegExp][] = [
  ['is no text', () => ({ tenant: 1 }) as never, /headers\["tenant"\]: expected a text, got 1/],
  [
    'throws',
    () => {
      throw new Error('no context');
    },
    /^job "work" not published: no context$/,
  ],
];
for (const [what, capture, message] of bad) {
  test(`what a carrier captures and ${what} is not published`, async () => {
    const { publisher } = await startJobs({}, { consume: false, contextCarrier: { ...tenant, capture } });
    const error: unknown = await publisher.publish('work').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(PublishError);
    expect((error as PublishError).message).toMatch(message);
  });
}

test('a carrier that can’t restore fails the attempt', async () => {
  @JobHandler('work')
  class Handles {
    handle(): void {}
  }
  const contextCarrier: ContextCarrier = {
    capture: () => ({}),
    restore: () => {
      throw new Error('no context');
    },
  };
  const { publisher, events } = await startJobs({ providers: [Handles] }, { contextCarrier });
  const errors: string[] = [];
  events.on('retried', ({ error }) => errors.push(error.message));
  await publisher.publish('work');
  await until(() => errors.length > 0, 'the retry');
  expect(errors).toEqual(['no context']);
});

const options: [given: Partial<Record<keyof JobsModuleOptions, unknown>>, message: RegExp][] = [
  [{ contextCarrier: {} }, /contextCarrier: expected an object with capture and restore, got \{\}/],
  [{ contextCarrier: null }, /contextCarrier: expected an object with capture and restore, got null/],
  [{ globalEnhancers: 'yes' }, /globalEnhancers: expected true or false, got "yes"/],
];
for (const [given, message] of options) {
  test(`refused: ${String(message)}`, async () => {
    await expect(startJobs({}, given as Partial<JobsModuleOptions>)).rejects.toThrow(message);
  });
}
