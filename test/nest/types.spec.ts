import { type } from 'arktype';
import type { INestApplicationContext } from '@nestjs/common';
import {
  defineJob,
  getJobEventsToken,
  getJobsToken,
  getPublisherToken,
  InjectJobEvents,
  InjectJobs,
  InjectPublisher,
  JobEvents,
  JobHandler,
  JobsService,
  PublisherService,
  type InputOf,
  type Job,
  type JobDefinition,
  type JobHandle,
  type PublishedJob,
  type PayloadOf,
  type PublishRequest,
  type ResultOf,
} from 'nestjs-jobs';
import * as v from 'valibot';
import { expectTypeOf, test } from 'vitest';
import { z } from 'zod';

declare module 'nestjs-jobs' {
  interface JobTypes {
    typed_by_name: { payload: { to: string }; result: { sentAs: string } };
  }
}

const Mail = defineJob('mail', {
  payload: z.object({ to: z.string(), at: z.string().transform((text) => new Date(text)) }),
  result: z.object({ sentAs: z.string() }),
});
const Report = defineJob('report', { payload: v.object({ week: v.number() }) });
const Label = defineJob('label', { payload: type({ order: 'number' }) });
const ByTypes = defineJob<{ to: string }, number>('by_types');
const Tick = defineJob('tick', { payload: z.object({ n: z.number() }).optional() });
const Untyped = defineJob('untyped');

interface HandledMail {
  to: string;
  at: Date;
}

test('a definition knows its types', () => {
  expectTypeOf(Mail.name).toEqualTypeOf<'mail'>();
  expectTypeOf<InputOf<typeof Mail>>().toEqualTypeOf<{ to: string; at: string }>();
  expectTypeOf<PayloadOf<typeof Mail>>().toEqualTypeOf<HandledMail>();
  expectTypeOf<ResultOf<typeof Mail>>().toEqualTypeOf<{ sentAs: string }>();
  expectTypeOf<InputOf<typeof Report>>().toEqualTypeOf<{ week: number }>();
  expectTypeOf<PayloadOf<typeof Label>>().toEqualTypeOf<{ order: number }>();
  expectTypeOf<InputOf<typeof ByTypes>>().toEqualTypeOf<{ to: string }>();
  expectTypeOf<ResultOf<typeof ByTypes>>().toEqualTypeOf<number>();
  expectTypeOf<InputOf<typeof Untyped>>().toEqualTypeOf<unknown>();
  expectTypeOf(Mail).toExtend<JobDefinition>();
});

/** Never called: what compiles is the test. */
export function publishes(publisher: PublisherService, requests: PublishRequest[], name: string): unknown[] {
  return [
    publisher.publish(Mail, { to: 'ada@example.org', at: '2026-11-21' }, { delay: '1s' }),
    // @ts-expect-error what is published is what the schema takes, not what it makes
    publisher.publish(Mail, { to: 'ada@example.org', at: new Date() }),
    // @ts-expect-error the schema asks for at as well
    publisher.publish(Mail, { to: 'ada@example.org' }),
    // @ts-expect-error the schema of zod takes no undefined, so a payload is to be given
    publisher.publish(Mail),
    // @ts-expect-error the schema of valibot takes a number as week
    publisher.publish(Report, { week: 'one' }),
    // @ts-expect-error the schema of arktype takes a number as order
    publisher.publish(Label, { order: 'one' }),
    publisher.publish(ByTypes, { to: 'ada@example.org' }),
    // @ts-expect-error to is a text by the type that defineJob was given
    publisher.publish(ByTypes, { to: 1 }),
    publisher.publish(Tick),
    publisher.publish(Tick, { n: 1 }),
    publisher.publish(Untyped),
    publisher.publish(Untyped, [1, 2]),

    publisher.publish('typed_by_name', { to: 'ada@example.org' }),
    // @ts-expect-error to is a text by JobTypes
    publisher.publish('typed_by_name', { to: 1 }),
    // @ts-expect-error JobTypes has a payload for this name, so one is to be given
    publisher.publish('typed_by_name'),
    publisher.publish('of_others'),
    publisher.publish('of_others', { anything: true }, { priority: 1 }),
    publisher.publish(name, { anything: true }),

    publisher.publishMany([]),
    publisher.publishMany(requests),
    publisher.publishMany([
      { job: Mail, payload: { to: 'ada@example.org', at: '2026-11-21' } },
      { job: Tick, options: { delay: '1s' } },
      { name: 'of_others', payload: 1 },
      { name: 'typed_by_name', payload: { to: 'ada@example.org' } },
    ]),
    publisher.publishMany([1, 2].map((week) => ({ job: Report, payload: { week } }))),
    // @ts-expect-error week is a number, also beside a job without types
    publisher.publishMany([{ name: 'of_others' }, { job: Report, payload: { week: 'one' } }]),
    // @ts-expect-error week is a number, also in a list that is made
    publisher.publishMany(['one', 'two'].map((week) => ({ job: Report, payload: { week } }))),
    // @ts-expect-error a definition in a list needs its payload too
    publisher.publishMany([{ job: Report }]),
    // @ts-expect-error to is a text by JobTypes, in a list too
    publisher.publishMany([{ name: 'typed_by_name', payload: { to: 1 } }]),
  ];
}

@JobHandler(Mail)
export class Right {
  handle(mail: HandledMail, job: Job<HandledMail>): Promise<{ sentAs: string }> {
    return Promise.resolve({ sentAs: mail.to + job.payload.to });
  }

  @JobHandler(Report)
  report({ week }: { week: number }): void {
    expectTypeOf(week).toBeNumber();
  }

  @JobHandler(Tick)
  tick(payload: { n: number } | undefined, job: Job): number {
    return (payload?.n ?? 0) + job.attempt;
  }

  @JobHandler('typed_by_name')
  byName({ to }: { to: string }): { sentAs: string } {
    return { sentAs: to };
  }

  @JobHandler(Untyped)
  untyped(payload: { anything: number }): number {
    return payload.anything;
  }

  @JobHandler(Report as JobDefinition)
  decorated(job: Job, week: number): string {
    return job.id + week;
  }

  @JobHandler('of_others')
  ofOthers(payload: { anything: number }, job: Job): string {
    return job.id + payload.anything;
  }
}

// @ts-expect-error the handler asks for a number where the schema makes a text
@JobHandler(Mail)
export class WrongPayload {
  handle(mail: { to: number }): { sentAs: string } {
    return { sentAs: String(mail.to) };
  }
}

// @ts-expect-error another result
@JobHandler(Mail)
export class WrongResult {
  handle(mail: HandledMail): { sentAs: number } {
    return { sentAs: mail.to.length };
  }
}

// @ts-expect-error a promise of another result
@JobHandler(Mail)
export class WrongPromise {
  handle(_mail: HandledMail): Promise<void> {
    return Promise.resolve();
  }
}

// @ts-expect-error no method handle
@JobHandler(Mail)
export class WithoutHandle {}

export class WrongMethods {
  // @ts-expect-error another payload
  @JobHandler(Report)
  report({ week }: { week: string }): string {
    return week;
  }

  // @ts-expect-error another result
  @JobHandler(ByTypes)
  byTypes({ to }: { to: string }): string {
    return to;
  }

  // @ts-expect-error another payload
  @JobHandler('typed_by_name')
  byName({ to }: { to: number }): { sentAs: string } {
    return { sentAs: String(to) };
  }

  // @ts-expect-error another result
  @JobHandler('typed_by_name')
  byNameToo({ to }: { to: string }): string {
    return to;
  }
}

export class OfInstances {
  @InjectPublisher('reports')
  readonly ofProperty!: PublisherService;

  constructor(
    @InjectPublisher() readonly publisher: PublisherService,
    @InjectPublisher('reports') readonly reports: PublisherService,
    @InjectJobs('reports') readonly jobs: JobsService,
    @InjectJobEvents('reports') readonly events: JobEvents,
    // @ts-expect-error a name is a text
    @InjectPublisher(1) readonly bad: PublisherService,
  ) {}

  publishes(): unknown[] {
    return [
      this.reports.publish(Report, { week: 1 }),
      // @ts-expect-error a publisher of another instance is typed as well: week is a number
      this.reports.publish(Report, { week: 'one' }),
    ];
  }
}

/** Never called. */
export function tokens(app: INestApplicationContext): void {
  const publisher: PublisherService = app.get(getPublisherToken('reports'));
  expectTypeOf(publisher).toEqualTypeOf<PublisherService>();
  expectTypeOf(app.get<PublisherService>(getPublisherToken('reports'))).toEqualTypeOf<PublisherService>();
  expectTypeOf(app.get<JobsService>(getJobsToken('reports'))).toEqualTypeOf<JobsService>();
  expectTypeOf(app.get<JobEvents>(getJobEventsToken())).toEqualTypeOf<JobEvents>();
  // @ts-expect-error a publisher is no JobsService
  const wrong: JobsService = app.get<PublisherService>(getPublisherToken());
  void wrong;
}

/** Never called. */
export function hears(events: JobEvents): void {
  events.on('completed', ({ job, result, durationMs }) => {
    expectTypeOf(job.name).toEqualTypeOf<string | undefined>();
    expectTypeOf(result).toBeUnknown();
    expectTypeOf(durationMs).toBeNumber();
  });
  // @ts-expect-error no such event
  events.on('done', () => undefined);
}

/** Never called. */
export function defines(): unknown[] {
  return [
    // @ts-expect-error no such option
    defineJob('mail', { retries: 3 }),
    // @ts-expect-error no Standard Schema
    defineJob('mail', { payload: { to: 'string' } }),
    // @ts-expect-error no such option
    JobHandler(Mail, { retries: 3 }),
    // @ts-expect-error a text
    JobHandler(Mail, { instance: 1 }),
  ];
}

/** Never called. */
export async function answers(publisher: PublisherService, name: string): Promise<void> {
  const mail = { to: 'ada', at: '2026-11-21' };
  expectTypeOf(await publisher.publish(Mail, mail)).toEqualTypeOf<PublishedJob<{ sentAs: string }>>();
  expectTypeOf(await (await publisher.publish(Mail, mail)).result()).toEqualTypeOf<{ sentAs: string }>();
  expectTypeOf(await publisher.call(Mail, mail, { timeout: '10s' })).toEqualTypeOf<{ sentAs: string }>();
  expectTypeOf(await publisher.call(ByTypes, { to: 'ada' })).toEqualTypeOf<number>();
  expectTypeOf(await publisher.call('typed_by_name', { to: 'ada' })).toEqualTypeOf<{ sentAs: string }>();
  expectTypeOf(await publisher.call(name, 1)).toEqualTypeOf<unknown>();
  expectTypeOf(publisher.job(Mail, 'x')).toEqualTypeOf<JobHandle<{ sentAs: string }>>();
  expectTypeOf(publisher.job('typed_by_name', 'x', { queue: 'mail' })).toEqualTypeOf<JobHandle<{ sentAs: string }>>();
  expectTypeOf(await publisher.job(name, 'x').log()).toEqualTypeOf<readonly string[]>();
  for await (const page of publisher.job(Mail, 'x').progress<number>()) expectTypeOf(page).toEqualTypeOf<number>();
  const [first, second] = await publisher.publishMany([{ job: Mail, payload: mail }, { name: 'others' }]);
  expectTypeOf(await first.result()).toEqualTypeOf<{ sentAs: string }>();
  expectTypeOf(await second.result()).toEqualTypeOf<unknown>();
  const requests: PublishRequest[] = [];
  const all: readonly PublishedJob[] = await publisher.publishMany(requests);
  // @ts-expect-error the payload is missing
  await publisher.call(Mail);
  // @ts-expect-error another type
  await publisher.call(Mail, { to: 1, at: '' }, { timeout: all.length });
  // @ts-expect-error a call keeps its result
  await publisher.call(Mail, mail, { keepResult: false });
}
