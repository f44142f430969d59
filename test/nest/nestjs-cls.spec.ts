import { JobHandler, type ContextCarrier } from 'nestjs-jobs';
import { expect, test } from 'vitest';
import { startJobs, until } from './application.js';

/** On NestJS 11 the ES module of nestjs-cls 7 can't be loaded: it imports `@nestjs/core/injector/injector`, without an ending. */
const loaded = await import('nestjs-cls').catch((error: NodeJS.ErrnoException) => {
  if (error.message.includes('@nestjs/core/injector/injector')) return undefined;
  throw error;
});

test.skipIf(!loaded)('with nestjs-cls, what a request has set is there in its job', async () => {
  if (!loaded) throw new Error('nestjs-cls is not there');
  const { ClsModule, ClsServiceManager } = loaded;
  const cls = ClsServiceManager.getClsService<{ tenant: string }>();
  const contextCarrier: ContextCarrier = {
    capture: () => (cls.isActive() ? { tenant: cls.get('tenant') } : {}),
    restore: (headers, run) => cls.runWith({ tenant: headers['tenant'] ?? 'none' }, run),
  };
  const seen: string[] = [];
  @JobHandler('work', { concurrency: 1 })
  class Handles {
    async handle(): Promise<void> {
      await Promise.resolve();
      seen.push(cls.get('tenant'));
    }
  }
  const { publisher } = await startJobs(
    { imports: [ClsModule.forRoot({ global: true })], providers: [Handles] },
    { contextCarrier },
  );
  await cls.runWith({ tenant: 'acme' }, () => publisher.publish('work'));
  await publisher.publish('work');
  await until(() => seen.length === 2, 'both jobs');
  expect(seen).toEqual(['acme', 'none']);
});
