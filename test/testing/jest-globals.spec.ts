import type { expect as jestExpect } from '@jest/globals';
import { defineJob } from 'nestjs-jobs';
import type { JobsTesting } from 'nestjs-jobs/testing';
import { jobMatchers } from 'nestjs-jobs/testing/jest-globals';
import { expect, test } from 'vitest';
import { jobMatchers as ofTesting } from '../../lib/testing/job-matchers.js';

const Mail = defineJob<{ to: string }>('mail');

/** Never called: what compiles is the test. */
export function typed(expected: typeof jestExpect, jobs: JobsTesting): void {
  expected(jobs).toHavePublished('mail', { to: 'ada' });
  expected(jobs).not.toHavePublished(Mail, { to: 'ada' });
  expected(jobs).toHavePublishedTimes(Mail, 2);
  // @ts-expect-error to is a text by the definition
  expected(jobs).toHavePublished(Mail, { to: 1 });
  // @ts-expect-error how often is missing
  expected(jobs).toHavePublishedTimes(Mail);
}

test('the matchers for @jest/globals are those for all', () => {
  expect(jobMatchers).toBe(ofTesting);
});
