import { JobHandler, type ContextCarrier } from 'nestjs-jobs';
import { ClsModule, ClsServiceManager } from 'nestjs-cls';
import { expect, test } from 'vitest';
import { startJobs, until } from './application.js';

test('with nestjs-cls, what a request has set is there in its job', async () => {
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
