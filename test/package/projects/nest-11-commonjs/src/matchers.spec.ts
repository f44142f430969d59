import { expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { PublisherService } from 'nestjs-jobs';
import { JobsTesting, JobsTestingModule } from 'nestjs-jobs/testing';
import { jobMatchers } from 'nestjs-jobs/testing/jest-globals';
import { AppModule } from './app.module';

expect.extend(jobMatchers);

it('has matchers that are typed for @jest/globals', async () => {
  const app = await Test.createTestingModule({ imports: [AppModule.with(undefined), JobsTestingModule] }).compile();
  await app.init();
  await app.get(PublisherService).publish('greet', { name: 'Ada', at: 'noon' }, { delay: '1h' });
  expect(app.get(JobsTesting)).toHavePublished('greet', { name: expect.stringMatching('^A') });
  expect(app.get(JobsTesting)).not.toHavePublishedTimes('greet', 2);
  await app.close();
});
