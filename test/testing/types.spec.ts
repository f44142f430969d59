import { Test } from '@nestjs/testing';
import { defineJob, JobHandler, JobsModule, PublishError } from 'nestjs-jobs';
import { JobsTesting, JobsTestingModule, type JobOutcome, type TestedJob } from 'nestjs-jobs/testing';
import { expect, expectTypeOf, onTestFinished, test } from 'vitest';
import { z } from 'zod';

declare module 'nestjs-jobs' {
  interface JobTypes {
    tested_by_name: { payload: { to: string }; result: { sentAs: string } };
  }
}

const Mail = defineJob('mail', {
  payload: z.object({ to: z.string(), at: z.string().transform((text) => new Date(text)) }),
  result: z.object({ sentAs: z.string() }),
});
const Tick = defineJob('tick', { payload: z.object({ n: z.number() }).optional() });
const Tags = defineJob<{ of: { customer: string; orders: { id: number; note?: string }[] } }>('tags');

/** Never called: what compiles is the test. */
export async function lists(jobs: JobsTesting, name: string): Promise<void> {
  expectTypeOf(jobs.published()).toEqualTypeOf<readonly TestedJob[]>();
  expectTypeOf(jobs.published(undefined, { instance: 'reports' })).toEqualTypeOf<readonly TestedJob[]>();
  expectTypeOf(jobs.published(name)).toEqualTypeOf<readonly TestedJob[]>();
  expectTypeOf(jobs.published(Mail)).toEqualTypeOf<readonly TestedJob<{ to: string; at: string }>[]>();
  expectTypeOf(jobs.published('tested_by_name')).toEqualTypeOf<readonly TestedJob<{ to: string }>[]>();
  // @ts-expect-error neither a name nor a definition
  jobs.published({ name: 'mail' });

  const mail = { to: 'ada', at: '2026-11-21' };
  expectTypeOf(await jobs.run(Mail, mail)).toEqualTypeOf<JobOutcome<{ sentAs: string }>>();
  expectTypeOf(await jobs.run('tested_by_name', { to: 'ada' })).toEqualTypeOf<JobOutcome<{ sentAs: string }>>();
  expectTypeOf(await jobs.run(name)).toEqualTypeOf<JobOutcome>();
  await jobs.run(Mail, mail, { attempt: 3, instance: 'reports' });
  await jobs.run(Tick);
  // @ts-expect-error what is published is what the schema takes, not what it makes
  await jobs.run(Mail, { to: 'ada', at: new Date() });
  // @ts-expect-error the payload is missing
  await jobs.run(Mail);
  // @ts-expect-error another type
  await jobs.run('tested_by_name', { to: 1 });
  // @ts-expect-error a delay is none of its options
  await jobs.run(Mail, mail, { delay: '1h' });
}

/** Never called. */
export function fakes(jobs: JobsTesting): void {
  jobs.answer(Mail, { sentAs: 'x' });
  jobs.answer(Mail, ({ to }) => ({ sentAs: to }), { instance: 'reports' });
  jobs.answer('tested_by_name', ({ to }) => Promise.resolve({ sentAs: to }));
  jobs.answer('of_others', 7);
  // @ts-expect-error another type
  jobs.answer(Mail, { sentAs: 1 });
  // @ts-expect-error another type
  jobs.answer('tested_by_name', () => ({ sentAs: 1 }));
}

/** Never called. */
export function matches(jobs: JobsTesting): void {
  expect(jobs).toHavePublished(Mail);
  expect(jobs).toHavePublished(Mail, { to: 'ada' });
  expect(jobs).toHavePublished(Mail, { to: expect.any(String) }, { instance: 'reports' });
  expect(jobs).toHavePublished(Tick, { n: 1 });
  expect(jobs).toHavePublished(Tags, { of: { orders: [{ id: 1 }] } });
  expect(jobs).not.toHavePublished('tested_by_name', { to: 'ada' });
  expect(jobs).toHavePublished('of_others', { anything: true });
  expect(jobs).toHavePublishedTimes(Mail, 1);
  expect(jobs).toHavePublishedTimes('of_others', 1, { instance: 'reports' });
  // @ts-expect-error another type
  expect(jobs).toHavePublished(Mail, { to: 1 });
  // @ts-expect-error no such property
  expect(jobs).toHavePublished(Mail, { too: 'ada' });
  // @ts-expect-error another type, further in
  expect(jobs).toHavePublished(Tags, { of: { orders: [{ id: 'one' }] } });
  // @ts-expect-error another type
  expect(jobs).toHavePublished('tested_by_name', { to: 1 });
  // @ts-expect-error neither a name nor a definition
  expect(jobs).toHavePublishedTimes({ name: 'mail' }, 1);
  // @ts-expect-error no number
  expect(jobs).toHavePublishedTimes(Mail, 'once');
}

test('a run by a definition is checked by its schema, also where its handler goes by the plain name', async () => {
  const got: unknown[] = [];
  @JobHandler('mail')
  class Mails {
    handle(payload: unknown): { sentAs: string } {
      got.push(payload);
      return { sentAs: 'x' };
    }
  }
  const imports = [JobsModule.forRoot({ backend: undefined }), JobsTestingModule];
  const compiled = await Test.createTestingModule({ imports, providers: [Mails] }).compile();
  onTestFinished(() => compiled.close());
  await compiled.init();
  const jobs = compiled.get(JobsTesting);
  const refused = await jobs.run(Mail, { to: 1, at: 'x' } as never).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(PublishError);
  expect((refused as Error).message).toMatch(/^job "mail" not published: refused by its schema: payload\.to: /);
  const mail = { to: 'ada', at: '2026-11-21' };
  expect(await jobs.run(Mail, mail)).toEqual({ kind: 'completed', result: { sentAs: 'x' } });
  expect(got).toEqual([mail]);
});
