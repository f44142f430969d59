import { type } from 'arktype';
import { defineJob, JobHandler, PublishError, SchemaError, TransientError, type Job } from 'nestjs-jobs';
import { memory } from 'nestjs-jobs/memory';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startJobs, turns, until, type Application } from './application.js';

interface Mail {
  readonly to: string;
}

/** What becomes of the jobs of an application. */
function outcomes({ events }: Application): string[] {
  const all: string[] = [];
  events.on('completed', ({ result }) => all.push(`completed ${JSON.stringify(result)}`));
  events.on('failed', ({ reason }) => all.push(`failed: ${reason}`));
  events.on('retried', ({ error }) => all.push(`retried: ${error.message}`));
  return all;
}

async function rejection(publishing: Promise<unknown>): Promise<PublishError> {
  const error: unknown = await publishing.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(PublishError);
  return error as PublishError;
}

const definitions = [
  ['zod', defineJob('mail', { payload: z.object({ to: z.string() }) })],
  ['valibot', defineJob('mail', { payload: v.object({ to: v.string() }) })],
  ['arktype', defineJob('mail', { payload: type({ to: 'string' }) })],
] as const;

describe.each(definitions)('a job defined with %s', (_, Defined) => {
  @JobHandler(Defined)
  class Mails {
    readonly got: Mail[] = [];

    handle(mail: Mail): void {
      this.got.push(mail);
    }
  }

  test('is handled', async () => {
    const { app, publisher } = await startJobs({ providers: [Mails] });
    await publisher.publish(Defined, { to: 'ada' });
    await publisher.publishMany([{ job: Defined, payload: { to: 'eve' } }]);
    await until(() => app.get(Mails).got.length === 2, 'both jobs');
    expect(app.get(Mails).got).toEqual([{ to: 'ada' }, { to: 'eve' }]);
  });

  test('is not published with another payload, by its name as little', async () => {
    const { app, publisher } = await startJobs({ providers: [Mails] });
    const bad = { to: 1 } as never;
    const error = await rejection(publisher.publish(Defined, bad));
    expect(error.message).toMatch(/^job "mail" not published: refused by its schema: payload\.to: /);
    expect(error.cause).toBeInstanceOf(SchemaError);
    expect(error.maybeStored).toBe(false);
    await expect(publisher.publish('mail', bad)).rejects.toThrow(/refused by its schema: payload\.to: /);
    const many = publisher.publishMany([
      { job: Defined, payload: { to: 'ada' } },
      { job: Defined, payload: bad },
    ]);
    expect(await rejection(many)).toMatchObject({
      message: expect.stringMatching(/^job 1: job "mail" not published: refused by its schema: payload\.to: /),
      stored: 0,
    });
    await turns();
    expect(app.get(Mails).got).toEqual([]);
  });

  test('that comes with another payload from elsewhere has failed at once', async () => {
    const backend = memory();
    const elsewhere = await startJobs({}, { backend, consume: false });
    const application = await startJobs({ providers: [Mails] }, { backend });
    const all = outcomes(application);
    await elsewhere.publisher.publish('mail', { to: 1 }, { attempts: 5 });
    await until(() => all.length > 0, 'its end');
    expect(all).toEqual([expect.stringMatching(/^failed: the payload is refused by its schema: payload\.to: /)]);
    expect(application.app.get(Mails).got).toEqual([]);
    const [line] = application.lines.ofJobs('error');
    expect(line?.match(/payload\.to/g)).toHaveLength(1);
  });
});

test('what is stored is the payload as given; the handler gets, and the job has, what the schema makes of it', async () => {
  const backend = memory();
  const Dated = defineJob('dated', { payload: z.object({ at: z.coerce.date<string>() }) });
  const got: unknown[] = [];
  @JobHandler(Dated)
  class ByDate {
    handle(payload: { at: Date }, job: Job<{ at: Date }>): void {
      got.push(payload.at, job.payload === payload);
    }
  }
  const web = await startJobs({}, { backend, consume: false });
  await web.publisher.publish(Dated, { at: '2026-11-21T09:00:00.000Z' });
  await startJobs({ providers: [ByDate] }, { backend });
  await until(() => got.length === 2, 'the job');
  expect(got).toEqual([new Date('2026-11-21T09:00:00.000Z'), true]);
});

const results: [what: string, value: unknown, outcome: RegExp][] = [
  ['accepts', { sent: '7' }, /^completed \{"sent":"7"\}$/],
  ['refuses', { sent: 7 }, /^failed: the result is refused by its schema: result\.sent: /],
];
for (const [what, value, outcome] of results) {
  test(`a result that its schema ${what}`, async () => {
    const Sent = defineJob('sent', { result: z.object({ sent: z.string().transform(Number) }), attempts: 5 });
    @JobHandler(Sent)
    class Sends {
      handle(): { sent: string } {
        return value as { sent: string };
      }
    }
    const application = await startJobs({ providers: [Sends] });
    const all = outcomes(application);
    await application.publisher.publish(Sent);
    await until(() => all.length > 0, 'its end');
    expect(all).toEqual([expect.stringMatching(outcome)]);
  });
}

const throwing: [what: string, error: Error, outcome: RegExp][] = [
  ['fails the job', new RangeError('no table'), /^failed: the schema of the payload failed: no table$/],
  ['retries the job where the error says so', new TransientError('busy'), /^retried: .*schema of the payload.*: busy$/],
];
for (const [what, error, outcome] of throwing) {
  test(`a schema that throws ${what}, and rejects a publish with the cause`, async () => {
    const schema = z.unknown().transform(() => {
      throw error;
    });
    const backend = memory();
    const Thrown = defineJob('thrown', { payload: schema, backoff: { kind: 'fixed', base: '1h' } });
    @JobHandler(Thrown)
    class Throws {
      handle(): void {}
    }
    const web = await startJobs({}, { backend, consume: false });
    const application = await startJobs({ providers: [Throws] }, { backend });
    const all = outcomes(application);
    await web.publisher.publish('thrown');
    await until(() => all.length > 0, 'its end');
    expect(all).toEqual([expect.stringMatching(outcome)]);

    const refused = await rejection(web.publisher.publish(Thrown, 1));
    expect(refused.message).toContain(`job "thrown" not published: the schema of the payload failed: ${error.message}`);
    expect((refused.cause as Error).cause).toBe(error);
  });
}

test('a schema that never answers rejects a publish within publishTimeout, and runs into the job’s timeout', async () => {
  const schema = z.unknown().refine(() => new Promise<boolean>(() => undefined));
  const Hung = defineJob('hung', { payload: schema, timeout: 20, attempts: 1 });
  let called = false;
  @JobHandler(Hung)
  class Hangs {
    handle(): void {
      called = true;
    }
  }
  const backend = memory();
  const web = await startJobs({}, { backend, consume: false, publishTimeout: 20 });
  expect((await rejection(web.publisher.publish(Hung, 1))).message).toMatch(/no answer of its schema within 20 ms$/);
  const application = await startJobs({ providers: [Hangs] }, { backend });
  const all = outcomes(application);
  await web.publisher.publish('hung', 1);
  await until(() => all.length > 0, 'its end');
  expect([all, called]).toEqual([['failed: its only attempt has failed'], false]);
});

test('queue and priority are those of publish, else the definition’s, else the handler’s, else the module’s', async () => {
  const Full = defineJob('full', { queue: 'defined', priority: 5 });
  const Bare = defineJob('bare');
  @JobHandler(Full)
  class Fully {
    handle(): void {}

    @JobHandler(Bare, { queue: 'handled', priority: 6 })
    bare(): void {}
  }
  const here = await startJobs({ providers: [Fully] }, { consume: false, routes: { bare: 'routed', full: 'routed' } });
  expect(await here.publisher.publish(Full, null, { queue: 'given', priority: 1 })).toMatchObject({
    queue: 'given',
    priority: 1,
  });
  expect(await here.publisher.publish(Full)).toMatchObject({ name: 'full', queue: 'defined', priority: 5 });
  expect(await here.publisher.publish('full')).toMatchObject({ queue: 'defined', priority: 5 });
  expect(await here.publisher.publish(Bare)).toMatchObject({ queue: 'handled', priority: 6 });

  const elsewhere = await startJobs({}, { consume: false, routes: { bare: 'routed', full: 'routed' } });
  const published = await elsewhere.publisher.publishMany([{ job: Full }, { job: Bare }, { name: 'full' }]);
  expect(published.map(({ queue, priority }) => [queue, priority])).toEqual([
    ['defined', 5],
    ['routed', 1024],
    ['routed', 1024],
  ]);
});

test('a handler’s options go before its definition’s, but not where others publish by them', async () => {
  const Slow = defineJob('slow', { attempts: 2, timeout: '1h', queue: 'slow', priority: 1 });
  const told: number[] = [];
  @JobHandler(Slow, { attempts: 1, queue: 'slow' })
  class Slowly {
    handle(_: unknown, job: Job): void {
      told.push(job.maxAttempts);
    }
  }
  const { publisher } = await startJobs({ providers: [Slowly] });
  await publisher.publish(Slow);
  await until(() => told.length > 0, 'the job');
  expect(told).toEqual([1]);
  expect(() => JobHandler(Slow, { queue: 'fast' })(Slowly)).toThrow(
    /^@JobHandler\("slow"\) on Slowly: options\.queue: expected "slow" as the definition says, .* got "fast"$/,
  );
  expect(() => JobHandler(Slow, { priority: 2 })(Slowly)).toThrow(/options\.priority: expected 1 .* got 2$/);
});

test('a definition with two handlers stops the application, naming both', async () => {
  const Twice = defineJob('twice');
  @JobHandler(Twice)
  class One {
    handle(): void {}
  }
  @JobHandler(Twice)
  class Two {
    handle(): void {}
  }
  await expect(startJobs({ providers: [One, Two] })).rejects.toThrow(/Job "twice" has two handlers: One .* and Two /);
});

test('a request has one name', async () => {
  const { publisher } = await startJobs({}, { consume: false });
  const Named = defineJob('named');
  for (const request of [{ job: Named, name: 'named' }, { job: 'named' }, { job: { ...Named } }]) {
    await expect(publisher.publishMany([request] as never)).rejects.toThrow(
      /expected \{ name, payload, options \}, or /,
    );
  }
});
