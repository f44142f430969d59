import { defineJob } from 'nestjs-jobs';
import { jobMatchers } from 'nestjs-jobs/testing';
import { expect, test } from 'vitest';
import { shop } from './applications.js';

expect.extend(jobMatchers);

test('a job that was published, by its name, and by what its payload has', async () => {
  const { jobs, publisher } = await shop();
  await publisher.publish('mail', { to: 'ada', subject: 'Hi', tags: ['a', { b: 1 }] });
  expect(jobs).toHavePublished('mail');
  expect(jobs).toHavePublished(defineJob<{ to: string }>('mail'), { to: 'ada' });
  expect(jobs).toHavePublished('mail', { subject: expect.stringMatching(/^H/) as string, tags: ['a', { b: 1 }] });
  expect(jobs).not.toHavePublished('mail', { to: 'bob' });
  expect(jobs).not.toHavePublished('mail', { tags: ['a'] });
  expect(jobs).not.toHavePublished('order');
  expect(jobs).toHavePublishedTimes('mail', 1);
  expect(jobs).toHavePublishedTimes('order', 0);
  expect(jobs).not.toHavePublishedTimes('mail', 2);
});

test('what fails lists what was published', async () => {
  const { jobs, publisher } = await shop();
  expect(() => expect(jobs).toHavePublished('mail')).toThrow(
    'expected a job "mail" to be published\n\npublished: nothing',
  );
  await publisher.publish('mail', { to: 'ada' });
  await publisher.publish('order', { to: 'bob' });
  const published = "published: \n  mail { to: 'ada' }\n  order { to: 'bob' }";
  expect(() => expect(jobs).toHavePublished('mail', { to: 'bob' })).toThrow(
    `expected a job "mail" with { to: 'bob' } to be published\n\n${published}`,
  );
  expect(() => expect(jobs).not.toHavePublished('mail')).toThrow(
    `expected no job "mail" to be published\n\n${published}`,
  );
  expect(() => expect(jobs).toHavePublishedTimes('mail', 2)).toThrow(
    `expected 2 of job "mail" to be published, got 1\n\n${published}`,
  );
  expect(() => expect(jobs).not.toHavePublishedTimes('mail', 1)).toThrow(
    'expected another number than 1 of job "mail" to be published, got 1',
  );
});

test('what is no JobsTesting, or no job, is refused', async () => {
  const { jobs } = await shop();
  expect(() => expect({}).toHavePublished('mail')).toThrow('toHavePublished: expected app.get(JobsTesting), got {}');
  expect(() => expect(jobs).toHavePublished('a b')).toThrow(/^job name: expected 1 to 100/);
  expect(() => expect(jobs).toHavePublished('mail', {}, { instance: 'x' })).toThrow(/\(the default one\), got "x"$/);
});
