import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Delivery } from '../../lib/core/backend.js';
import {
  BlockedError,
  FatalError,
  JobLeaseLostError,
  JobShutdownError,
  JobTimeoutError,
  TransientError,
} from '../../lib/core/errors.js';
import type { Job } from '../../lib/core/job.js';
import { decodeMessage } from '../../lib/core/message-decoding.js';
import { Bottomless, objectWithThrowingGetter, THROWN, unreadableError } from './hostile.js';
import { handler, queue, START, Work, Workshop } from './workshop.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;

let shop: Workshop;
const unhandled: unknown[] = [];
const hear = (reason: unknown): unknown => unhandled.push(reason);

beforeEach(async () => {
  unhandled.length = 0;
  process.on('unhandledRejection', hear);
  shop = await Workshop.open();
});

afterEach(async () => {
  await shop.close();
  await setImmediate();
  process.off('unhandledRejection', hear);
  expect(unhandled).toEqual([]);
});

/** Hands out once what others might have put into the queue, before all else. */
function smuggle(...contents: Delivery['content'][]): void {
  smuggleAs({}, ...contents);
}

function smuggleAs(special: Partial<Delivery>, ...contents: Delivery['content'][]): void {
  const reserve = shop.engine.reserve;
  shop.engine.reserve = (name) => {
    shop.engine.reserve = reserve;
    const leasedAt = shop.clock.monotonic();
    const storedAt = shop.clock.now();
    const delivery = { queue: name, receipt: 'smuggled', attempt: 1, storedAt, leasedAt, failures: [] };
    return Promise.resolve(contents.map((content) => ({ ...delivery, ...special, content })));
  };
}

/** Keeps what is settled of smuggled deliveries, which the engine doesn't know. */
function acceptAll(): void {
  shop.engine.settle = (delivery, settlement) => {
    shop.settled.push({ delivery, settlement, accepted: true });
    return Promise.resolve(true);
  };
}

const message = (json: unknown, id = 'smuggled'): Delivery['content'] =>
  decodeMessage(Buffer.from(JSON.stringify(json)), id);

describe('a job', () => {
  test('that returns is completed, with its result', async () => {
    shop.consume([handler('double', (n) => Promise.resolve((n as number) * 2))]);
    const { id } = await shop.publisher.publish('double', 21);
    await shop.now();
    expect(shop.story).toEqual(['started', 'completed']);
    const job = { id, name: 'double', queue: 'default', attempt: 1, maxAttempts: 20 };
    expect(shop.last('completed')).toEqual({ job, result: 42, durationMs: 0 });
    expect(shop.settled.map((one) => one.settlement)).toEqual([{ kind: 'completed' }]);
    expect(shop.lines.all).toEqual([]);
  });

  test('may be handled without a promise', async () => {
    shop.consume([handler('x', () => 'done')]);
    await shop.publisher.publish('x', {});
    await shop.now();
    expect(shop.last('completed').result).toBe('done');
  });

  test('is told how long it took by the monotonic clock', async () => {
    const work = new Work();
    shop.consume([handler('x', work.handle)]);
    await shop.publisher.publish('x', {});
    await shop.clock.advance(1234);
    work.end(0, undefined);
    await shop.now();
    expect(shop.last('completed').durationMs).toBe(1234);
  });

  test('is seen by its handler as it was published', async () => {
    const seen: Job[] = [];
    shop.consume([handler('x', (_, job) => seen.push(job), { attempts: 7 })]);
    const options = { id: 'order-17', priority: 3, expiration: '1h', headers: { trace: 'abc' } };
    await shop.publisher.publish('x', { a: [1] }, options);
    await shop.now();
    const { signal, ...job } = seen[0];
    expect(job).toEqual({
      id: 'order-17',
      name: 'x',
      queue: 'default',
      payload: { a: [1] },
      priority: 3,
      attempt: 1,
      maxAttempts: 7,
      publishedAt: new Date(START),
      expiresAt: new Date(START + 60 * MINUTE),
      headers: { trace: 'abc' },
    });
    expect(signal).toBeInstanceOf(AbortSignal);
    expect(signal.aborted).toBe(false);
  });

  test('of others that does not say when it was published was so when it was stored', async () => {
    const seen: Job[] = [];
    smuggleAs({ storedAt: START - 5000 }, message({ header: { request_type: 'x' } }));
    acceptAll();
    shop.consume([handler('x', (_, job) => seen.push(job))]);
    await shop.now();
    expect(seen[0]).toMatchObject({
      id: 'smuggled',
      payload: null,
      publishedAt: new Date(START - 5000),
      expiresAt: undefined,
    });
  });

  test('is run from any queue that is read here, whichever its handler’s is', async () => {
    shop.consume([handler('x', () => undefined, { queue: 'other' })], { queues: [queue('default'), queue('other')] });
    await shop.publisher.publish('x', {}, { queue: 'default' });
    await shop.publisher.publish('x', {}, { queue: 'other' });
    await shop.now();
    expect(shop.settled.map((one) => one.delivery.queue).toSorted()).toEqual(['default', 'other']);
  });
});

describe('a job that fails', () => {
  test('is retried after its backoff until its attempts are used up, and keeps what happened', async () => {
    shop.consume([
      handler(
        'x',
        (_, job) => {
          throw new TypeError(`attempt ${job.attempt}`);
        },
        { attempts: 3 },
      ),
    ]);
    await shop.publisher.publish('x', {});
    await shop.now();
    expect(shop.last('retried')).toMatchObject({ at: new Date(START + SECOND), job: { attempt: 1, maxAttempts: 3 } });
    await shop.clock.advance(SECOND - 1);
    expect(shop.story).toEqual(['started', 'retried']);
    await shop.clock.advance(1);
    expect(shop.story).toEqual(['started', 'retried', 'started', 'retried']);
    await shop.clock.advance(2 * SECOND);
    expect(shop.story.slice(4)).toEqual(['started', 'failed']);
    expect(shop.last('failed')).toMatchObject({
      reason: 'all 3 attempts have failed',
      error: { message: 'attempt 3' },
    });
    const settlement = shop.settled.at(-1)?.settlement;
    expect(settlement).toMatchObject({
      kind: 'failed',
      failures: [1, 2, 3].map((attempt) => ({
        attempt,
        worker: 'host:1',
        durationMs: 0,
        error: {
          name: 'TypeError',
          message: `attempt ${attempt}`,
          stack: expect.stringContaining('job-run.spec.ts') as string,
        },
      })),
    });
    expect(settlement?.kind === 'failed' && settlement.failures.map((one) => Date.parse(one.at) - START)).toEqual([
      0,
      SECOND,
      3 * SECOND,
    ]);
    await shop.clock.advance(60 * MINUTE);
    expect(shop.story).toHaveLength(6);
  });

  test('for good is not retried', async () => {
    shop.consume([handler('x', () => Promise.reject(new FatalError('never')))]);
    await shop.publisher.publish('x', {});
    await shop.clock.advance(60 * MINUTE);
    expect(shop.story).toEqual(['started', 'failed']);
  });

  test('with a result that JSON can not keep is not retried', async () => {
    shop.consume([handler('x', () => ({ total: 10n }))]);
    await shop.publisher.publish('x', {});
    await shop.clock.advance(60 * MINUTE);
    expect(shop.story).toEqual(['started', 'failed']);
    expect(shop.last('failed').reason).toBe(
      "the handler's result can't be kept: result.total: expected JSON, got a bigint",
    );
  });

  test('is retried when its error says so', async () => {
    shop.consume([handler('x', () => Promise.reject(new TransientError('busy', { retryIn: '5m' })))]);
    await shop.publisher.publish('x', {});
    await shop.clock.advance(5 * MINUTE - 1);
    expect(shop.story).toEqual(['started', 'retried']);
    await shop.clock.advance(1);
    expect(shop.story).toEqual(['started', 'retried', 'started', 'retried']);
  });

  test('is expired where the retry would come too late', async () => {
    shop.consume([handler('x', () => Promise.reject(new Error('busy')))]);
    await shop.publisher.publish('x', {}, { expiration: 2500 });
    await shop.clock.advance(60 * MINUTE);
    expect(shop.story).toEqual(['started', 'retried', 'started', 'expired']);
    expect(shop.last('expired')).toMatchObject({
      error: { message: 'busy' },
      reason: expect.stringContaining('after its expiration') as string,
    });
  });

  test('takes what it brings along before its handler’s, and that before the defaults', async () => {
    const fixed = (base: number) => ({ kind: 'fixed', base, jitter: 0 }) as const;
    const plan = { kind: 'fixed', base: 2000, factor: 1, max: 9999, jitter: 0 } as const;
    const fail = (): never => {
      throw new Error('x');
    };
    shop.consume([handler('own', fail, { attempts: 5, backoff: plan }), handler('plain', fail)]);
    const waits: Record<string, unknown> = {};
    shop.events.on('retried', ({ job, at }) => (waits[job.id] = [at.getTime() - START, job.maxAttempts]));
    await shop.publisher.publish('own', {}, { id: 'message', attempts: 9, backoff: fixed(3000) });
    await shop.publisher.publish('own', {}, { id: 'handler' });
    await shop.publisher.publish('plain', {}, { id: 'default' });
    await shop.now();
    expect(waits).toEqual({ message: [3000, 9], handler: [2000, 5], default: [1000, 20] });
  });

  test('by a backoff function that fails is retried by the default, which is said', async () => {
    const backoff = (): never => {
      throw new Error('my bug');
    };
    shop.consume([handler('x', () => Promise.reject(new Error('busy')), { backoff })]);
    await shop.publisher.publish('x', {});
    await shop.now();
    expect(shop.story).toEqual(['started', 'retried']);
    expect(shop.lines.all).toEqual(['warn: the backoff function of job "x" failed, so the default is used: my bug']);
  });
});

describe('a job that is blocked', () => {
  test('is asked again at no cost, and fails after blockedFor', async () => {
    const attempts: number[] = [];
    shop.consume(
      [
        handler(
          'x',
          (_, job) => {
            attempts.push(job.attempt);
            throw new BlockedError('not yet', { retryIn: '1h' });
          },
          { attempts: 2 },
        ),
      ],
      { blockedForMs: 5 * 60 * MINUTE },
    );
    await shop.publisher.publish('x', {});
    await shop.clock.advance(24 * 60 * MINUTE);
    expect(attempts).toEqual([1, 1, 1, 1, 1, 1]);
    expect(shop.story.filter((name) => name !== 'started')).toEqual([...Array<string>(5).fill('blocked'), 'failed']);
    expect(shop.last('failed')).toMatchObject({
      reason: 'it was blocked for 18000000 ms',
      error: { message: 'not yet' },
    });
  });
});

describe('a job without a handler here', () => {
  test('is put back at no cost, said once, and fails after the grace', async () => {
    shop.consume([]);
    for (const id of ['a', 'b', 'c']) await shop.publisher.publish('unheard_of', {}, { id });
    await shop.clock.advance(4 * MINUTE);
    expect(new Set(shop.story)).toEqual(new Set(['handedBack']));
    expect(shop.last('handedBack')).toMatchObject({ reason: 'unknown', job: { name: 'unheard_of', attempt: 1 } });
    expect(shop.story.length).toBeLessThan(3 * 20);
    await shop.clock.advance(MINUTE);
    expect(shop.story.slice(-3)).toEqual(['failed', 'failed', 'failed']);
    expect(shop.last('failed').reason).toContain('"unheard_of"');
    expect(shop.last('failed').reason).toContain('"default"');
    expect(shop.lines.all).toEqual([
      expect.stringMatching(/^warn: No handler here is named "unheard_of", but queue "default"/),
    ]);
  });

  test('is handled by another process meanwhile', async () => {
    shop.consume([]);
    await shop.publisher.publish('x', {});
    await shop.clock.advance(MINUTE);
    const attempts: number[] = [];
    shop.consume([handler('x', (_, job) => attempts.push(job.attempt))]);
    await shop.clock.advance(5 * MINUTE);
    expect(attempts).toEqual([1]);
  });

  test('fails after the grace though it says that it was published in the future', async () => {
    const future = message({ header: { request_type: 'x', published: '9999-01-01' } });
    smuggleAs({ storedAt: START - 5 * MINUTE }, future);
    acceptAll();
    shop.consume([]);
    await shop.now();
    expect(shop.story).toEqual(['failed']);
  });

  test('and with a name of others’ making is said on one line', async () => {
    smuggle(message({ header: { request_type: `a\nb${'x'.repeat(10_000)}` } }));
    acceptAll();
    shop.consume([]);
    await shop.now();
    expect(shop.lines.all).toEqual([expect.stringMatching(/^warn: No handler here is named "a\\nbx+…, but .{1,200}$/)]);
  });

  test('is not said any more after a thousand names', async () => {
    const names = Array.from({ length: 1010 }, (_, n) => message({ header: { request_type: `name_${n}` } }));
    smuggle(...names);
    acceptAll();
    shop.consume([]);
    await shop.now();
    expect(shop.story).toHaveLength(1010);
    expect(shop.lines.all).toHaveLength(1000);
  });
});

describe('a job that never reaches its handler', () => {
  const never = handler('x', () => {
    throw new Error('it was handled');
  });

  test('for it can not be read fails with the reason, and the others go on', async () => {
    smuggle(decodeMessage(Buffer.from('{"header":{"request_type":"x","priority":"high"}}'), 'file-1'));
    acceptAll();
    await shop.publisher.publish('y', {});
    shop.consume([never, handler('y', () => undefined)]);
    await shop.now();
    expect(shop.last('failed')).toMatchObject({
      job: { id: 'file-1', name: undefined, queue: 'default', attempt: 1 },
      reason: expect.stringMatching(/^the message can't be read: header\.priority: expected a whole number/) as string,
      durationMs: 0,
    });
    expect(shop.story).toContain('completed');
  });

  test('for its delay lies ahead is put back until then', async () => {
    smuggle(message({ header: { request_type: 'x', delay: new Date(START + MINUTE).toISOString() } }));
    acceptAll();
    shop.consume([never]);
    await shop.now();
    expect(shop.last('handedBack')).toMatchObject({ at: new Date(START + MINUTE), reason: 'early' });
    expect(shop.settled.at(-1)?.settlement).toMatchObject({ kind: 'again', at: START + MINUTE, countsAttempt: false });
  });

  test('for its expiration has passed is expired', async () => {
    await shop.publisher.publish('x', {}, { expiration: '1s' });
    await shop.clock.advance(SECOND + 1);
    shop.consume([never]);
    await shop.now();
    expect(shop.story).toEqual(['expired']);
    expect(shop.last('expired')).toMatchObject({
      error: undefined,
      reason: 'it was to be handled before 2026-11-21T09:00:01.000Z',
    });
  });

  test('for it expires while it waits for a place is expired', async () => {
    const work = new Work();
    shop.consume([handler('x', work.handle, { concurrency: 1 })]);
    await shop.publisher.publish('x', 'first');
    await shop.publisher.publish('x', 'second', { expiration: '1s' });
    await shop.clock.advance(2 * SECOND);
    work.end(0, undefined);
    await shop.now();
    expect(shop.story).toEqual(['started', 'completed', 'expired']);
    expect(work.names).toEqual(['first']);
  });

  test('for its workers died is failed with the attempt after the last', async () => {
    await shop.publisher.publish('x', {}, { attempts: 2 });
    for (let deaths = 0; deaths < 2; deaths++) {
      expect(await shop.engine.reserve('default', 1, AbortSignal.abort())).toHaveLength(1);
      await shop.clock.advance(30 * SECOND);
    }
    shop.consume([never]);
    await shop.now();
    expect(shop.story).toEqual(['failed']);
    expect(shop.last('failed').reason).toBe('all 2 attempts are used up: the workers that ran it died or lost it');
  });

  test('for its lease had lapsed when it was handed out is left to others', async () => {
    smuggleAs({ leasedAt: shop.clock.monotonic() - 30 * SECOND }, message({ header: { request_type: 'x' } }));
    acceptAll();
    shop.consume([never]);
    await shop.now();
    expect(shop.story).toEqual(['leaseLost']);
    expect(shop.settled).toEqual([]);
  });

  test('where the queue has rawJob, for it is no message at all, does reach it', async () => {
    const seen: unknown[] = [];
    smuggle(decodeMessage(Buffer.from('a,b\n1,2'), 'data.csv'));
    acceptAll();
    shop.consume([handler('import', (payload, job) => seen.push(payload, job.id))], {
      queues: [queue('default', { rawJob: 'import' })],
    });
    await shop.now();
    expect(seen).toEqual(['a,b\n1,2', 'data.csv']);
  });
});

describe('a handler that is hostile', () => {
  test.each(THROWN)('and throws %s fails its attempt, as a rejection does', async (_, make) => {
    shop.consume([
      handler(
        'throws',
        () => {
          throw make();
        },
        { attempts: 1 },
      ),
      handler('rejects', () => Promise.reject(make()), { attempts: 2 }),
      handler('well', () => 'behaved'),
    ]);
    for (const name of ['throws', 'rejects', 'well']) await shop.publisher.publish(name, {});
    await shop.clock.advance(MINUTE);
    expect(shop.story.toSorted()).toEqual([
      'completed',
      'failed',
      'failed',
      'retried',
      'started',
      'started',
      'started',
      'started',
    ]);
    for (const { settlement } of shop.settled) {
      if ('failures' in settlement) expect(settlement.failures.length).toBeGreaterThan(0);
      expect(JSON.parse(JSON.stringify(settlement))).toEqual(settlement);
    }
    expect(shop.lines.all).toEqual([]);
  });

  test.each<[string, () => unknown]>([
    ['a BigInt', () => 1n],
    ['a symbol', () => Symbol('s')],
    ['a function', () => () => 1],
    ['an object with a throwing getter', objectWithThrowingGetter],
    ['an error', () => new Bottomless('x')],
    ['what can not be read', unreadableError],
  ])('and returns %s fails at once', async (_, make) => {
    shop.consume([handler('x', make), handler('async', () => Promise.resolve(make()))]);
    await shop.publisher.publish('x', {});
    await shop.publisher.publish('async', {});
    await shop.clock.advance(MINUTE);
    expect(shop.story.toSorted()).toEqual(['failed', 'failed', 'started', 'started']);
  });

  test.each<[string, unknown]>([
    [
      'throws when it is waited for',
      {
        then: () => {
          throw new Error('no');
        },
      },
    ],
    [
      'can not be waited for',
      {
        get then(): never {
          throw new Error('no');
        },
      },
    ],
    [
      'answers twice',
      {
        then: (resolve: (n: number) => void, reject: (e: Error) => void) => {
          reject(new Error('no'));
          resolve(1);
          reject(new Error('too'));
        },
      },
    ],
  ])('and returns a promise that %s fails its attempt once', async (_, thenable) => {
    shop.consume([handler('x', () => thenable, { attempts: 1 })]);
    await shop.publisher.publish('x', {});
    await shop.clock.advance(MINUTE);
    expect(shop.story).toEqual(['started', 'failed']);
    expect(shop.last('failed').error.message).toBe('no');
  });

  test('and changes its job and payload harms nobody', async () => {
    const seen: unknown[] = [];
    shop.consume([
      handler(
        'x',
        (payload, job) => {
          seen.push((payload as { n: number }).n, job.attempt);
          (payload as { n: number }).n = 99;
          Object.assign(job, { attempt: 99, id: 'other' });
          throw new Error('again');
        },
        { attempts: 2 },
      ),
    ]);
    await shop.publisher.publish('x', { n: 1 }, { id: 'mine' });
    await shop.clock.advance(MINUTE);
    expect(seen).toEqual([1, 1, 1, 2]);
    expect(shop.last('failed').job).toMatchObject({ id: 'mine', attempt: 2 });
  });

  test('and is no function fails its attempt', async () => {
    shop.consume([handler('x', undefined as never, { attempts: 1 })]);
    await shop.publisher.publish('x', {});
    await shop.now();
    expect(shop.last('failed').error).toBeInstanceOf(TypeError);
  });
});

describe('a handler past its timeout', () => {
  test('is told so, and its attempt failed at once', async () => {
    const work = new Work();
    shop.consume([handler('x', work.handle, { timeoutMs: 500 })]);
    await shop.publisher.publish('x', {});
    await shop.now();
    const { signal } = work.started[0];
    await shop.clock.advance(499);
    expect({ aborted: signal.aborted, story: shop.story }).toEqual({ aborted: false, story: ['started'] });
    await shop.clock.advance(1);
    expect(signal.reason).toBeInstanceOf(JobTimeoutError);
    expect(shop.story).toEqual(['started', 'retried']);
    expect(shop.last('retried')).toMatchObject({ durationMs: 500, error: { name: 'JobTimeoutError' } });
  });

  test('is not heard any more, whether it returns or rejects then, nor by its next attempt', async () => {
    const work = new Work();
    shop.consume([handler('x', work.handle, { timeoutMs: 500, attempts: 2, concurrency: 1 })]);
    await shop.publisher.publish('x', {});
    await shop.clock.advance(1500);
    expect(work.started).toHaveLength(2);
    work.fail(0, new Error('too late'));
    await shop.now();
    expect(shop.story).toEqual(['started', 'retried', 'started']);
    work.end(1, 'second');
    await shop.now();
    expect(shop.story).toEqual(['started', 'retried', 'started', 'completed']);
    expect(shop.last('completed')).toMatchObject({ result: 'second', job: { attempt: 2 } });
  });

  test('frees its place at once', async () => {
    const work = new Work();
    shop.consume([handler('x', work.handle, { timeoutMs: 500, concurrency: 1 })]);
    await shop.publisher.publish('x', 'first');
    await shop.publisher.publish('x', 'second');
    await shop.clock.advance(500);
    expect(work.names).toEqual(['first', 'second']);
  });

  test('that asks for its signal only then finds it aborted', async () => {
    let reason: unknown;
    let late: () => void = () => undefined;
    shop.consume([
      handler(
        'x',
        (_, job) =>
          new Promise(() => {
            late = () => {
              reason = job.signal.reason;
            };
          }),
        { timeoutMs: 5 },
      ),
    ]);
    await shop.publisher.publish('x', {});
    await shop.clock.advance(5);
    late();
    expect(reason).toBeInstanceOf(JobTimeoutError);
  });

  test('that throws as soon as it is told is a timeout all the same', async () => {
    shop.consume([
      handler(
        'x',
        (_, job) =>
          new Promise((_resolve, reject) =>
            job.signal.addEventListener('abort', () => reject(new FatalError('aborted'))),
          ),
        { timeoutMs: 5 },
      ),
    ]);
    await shop.publisher.publish('x', {});
    await shop.clock.advance(5);
    expect(shop.story).toEqual(['started', 'retried']);
  });

  test('is that of the message, else of the handler, else of the defaults', async () => {
    const work = new Work();
    shop.consume([handler('own', work.handle, { timeoutMs: 200 }), handler('plain', work.handle)], {
      defaults: { queue: 'default', priority: 1, attempts: 1, backoff: () => 1, concurrency: 10, timeoutMs: 300 },
    });
    const ended: [string, number][] = [];
    shop.events.on('failed', ({ job, durationMs }) => ended.push([job.id, durationMs]));
    await shop.publisher.publish('own', {}, { id: 'message', timeout: 100 });
    await shop.publisher.publish('own', {}, { id: 'handler' });
    await shop.publisher.publish('plain', {}, { id: 'default' });
    await shop.clock.advance(MINUTE);
    expect(ended).toEqual([
      ['message', 100],
      ['handler', 200],
      ['default', 300],
    ]);
  });

  test('does not come where it has ended in time, and leaves no timer', async () => {
    shop.consume([handler('x', () => undefined, { timeoutMs: 500 })]);
    await shop.publisher.publish('x', {});
    await shop.clock.advance(MINUTE);
    expect(shop.story).toEqual(['started', 'completed']);
  });
});

describe('the signal of a job', () => {
  test('is the same each time it is asked for, and never aborts where the job ends well', async () => {
    const signals: AbortSignal[] = [];
    shop.consume([
      handler('x', (_, job) => {
        signals.push(job.signal, job.signal, { ...job }.signal);
      }),
    ]);
    await shop.publisher.publish('x', {});
    await shop.clock.advance(MINUTE);
    expect(new Set(signals).size).toBe(1);
    expect(signals[0]?.aborted).toBe(false);
  });

  test('does not abort while the engine is told of the end', async () => {
    const work = new Work();
    shop.consume([handler('x', work.handle)]);
    await shop.publisher.publish('x', {});
    await shop.now();
    const { signal } = work.started[0];
    shop.engine.settle = () => new Promise(() => undefined);
    shop.engine.extend = () => Promise.resolve(false);
    work.end(0, undefined);
    await shop.clock.advance(60 * SECOND);
    expect(signal.aborted).toBe(false);
  });
});

describe('a lease', () => {
  test('is renewed while the job runs, however long', async () => {
    const work = new Work();
    shop.consume([handler('x', work.handle)]);
    shop.consume([handler('x', work.handle)]);
    await shop.publisher.publish('x', {});
    await shop.clock.advance(60 * MINUTE);
    expect(work.started).toHaveLength(1);
    work.end(0, undefined);
    await shop.now();
    expect(shop.story).toEqual(['started', 'completed']);
  });

  test('is renewed while the job waits for a place', async () => {
    const work = new Work();
    shop.consume([handler('x', work.handle, { concurrency: 1 })]);
    await shop.publisher.publish('x', 'first');
    await shop.publisher.publish('x', 'second');
    await shop.clock.advance(10 * MINUTE);
    work.end(0, undefined);
    await shop.now();
    work.end(1, undefined);
    await shop.now();
    expect(shop.story.toSorted()).toEqual(['completed', 'completed', 'started', 'started']);
    expect(shop.settled.map((one) => one.delivery.attempt)).toEqual([1, 1]);
  });

  test('that the engine takes away aborts the job, which sends no settlement and frees its place', async () => {
    const work = new Work();
    shop.consume([handler('x', work.handle, { concurrency: 1 })]);
    await shop.publisher.publish('x', 'first', { id: 'first' });
    await shop.publisher.publish('x', 'second');
    await shop.now();
    const extend = shop.engine.extend;
    shop.engine.extend = (delivery) => (delivery.content.id === 'first' ? Promise.resolve(false) : extend(delivery));
    await shop.clock.advance(10 * SECOND);
    expect(work.started[0].signal.reason).toBeInstanceOf(JobLeaseLostError);
    expect(shop.story.toSorted()).toEqual(['leaseLost', 'started', 'started']);
    expect(work.names).toEqual(['first', 'second']);
    expect(shop.settled).toEqual([]);
    work.fail(0, new Error('aborted'));
    work.end(1, undefined);
    await shop.now();
    expect(shop.story.slice(3)).toEqual(['completed']);
  });

  test('that lapsed, for this process stood still, aborts the job, which another runs meanwhile', async () => {
    const work = new Work();
    shop.consume([handler('x', work.handle)]);
    await shop.publisher.publish('x', {});
    await shop.now();
    shop.engine.extend = () => new Promise(() => undefined);
    await shop.clock.advance(30 * SECOND);
    expect(work.started[0].signal.reason).toBeInstanceOf(JobLeaseLostError);
    expect(shop.story.slice(0, 2)).toEqual(['started', 'leaseLost']);
    work.end(0, 'too late');
    await shop.now();
    expect(shop.settled).toEqual([]);
    expect(work.started).toHaveLength(2);
    expect(work.started[1]?.attempt).toBe(2);
  });

  test('that is lost while the job waits for a place gives up the wait', async () => {
    const work = new Work();
    shop.consume([handler('x', work.handle, { concurrency: 1 })]);
    await shop.publisher.publish('x', 'first', { id: 'first' });
    await shop.publisher.publish('x', 'second', { id: 'second', expiration: '5s' });
    await shop.now();
    const extend = shop.engine.extend;
    shop.engine.extend = (delivery) => (delivery.content.id === 'second' ? Promise.resolve(false) : extend(delivery));
    await shop.clock.advance(10 * SECOND);
    expect(shop.story).toEqual(['started', 'leaseLost']);
    expect(shop.last('leaseLost').job.id).toBe('second');
  });

  test('that another has is refused by the engine, which is told as lost', async () => {
    const work = new Work();
    shop.consume([handler('x', work.handle)]);
    await shop.publisher.publish('x', {});
    await shop.now();
    shop.engine.settle = () => Promise.resolve(false);
    work.end(0, undefined);
    await shop.now();
    expect(shop.story).toEqual(['started', 'leaseLost']);
  });
});

describe('a settlement that the engine does not take', () => {
  const fails = (): Promise<never> => Promise.reject(new Error('ECONNRESET'));

  test('for a while is sent again until it does, the outage being said once', async () => {
    shop.consume([handler('x', () => 'done')]);
    const settle = shop.engine.settle;
    let tries = 0;
    shop.engine.settle = () => {
      tries += 1;
      return fails();
    };
    await shop.publisher.publish('x', {});
    await shop.clock.advance(20 * SECOND);
    expect(tries).toBeGreaterThan(5);
    expect(tries).toBeLessThan(20);
    shop.engine.settle = settle;
    await shop.clock.advance(11 * SECOND);
    expect(shop.story).toEqual(['started', 'completed']);
    expect(shop.lines.all).toEqual([
      'error: memory fails: ECONNRESET. Trying again until it is back.',
      expect.stringMatching(/^log: memory is back after \d+(\.\d+)? s$/),
    ]);
  });

  test('until its lease is over is given up', async () => {
    shop.consume([handler('x', () => 'done')]);
    shop.engine.settle = fails;
    shop.engine.extend = fails;
    await shop.publisher.publish('x', {}, { attempts: 1 });
    await shop.clock.advance(29_999);
    expect(shop.story).toEqual(['started']);
    await shop.clock.advance(20 * SECOND);
    expect(shop.story.slice(0, 2)).toEqual(['started', 'leaseLost']);
    expect(shop.lines.all).toHaveLength(1);
  });

  test('while others are taken is no end of the outage, nor the beginning of another', async () => {
    shop.consume([handler('x', () => 'done')]);
    const settle = shop.engine.settle;
    shop.engine.settle = (delivery, settlement) =>
      delivery.content.id === 'poison' ? fails() : settle(delivery, settlement);
    await shop.publisher.publish('x', {}, { id: 'poison' });
    for (let n = 0; n < 50; n++) {
      await shop.publisher.publish('x', {});
      await shop.clock.advance(SECOND);
    }
    expect(shop.story.filter((name) => name === 'completed')).toHaveLength(50);
    expect(shop.lines.all).toHaveLength(1);
  });
});

describe('a clock that begins at 0', () => {
  test('makes no difference', async () => {
    const early = await Workshop.open({ start: 0 });
    const work = new Work();
    const consumer = early.consume([handler('x', work.handle)]);
    await early.publisher.publish('x', {});
    await early.now();
    const stopped = consumer.stop(5000);
    await early.clock.advance(100);
    expect(work.started[0].signal.aborted).toBe(false);
    work.end(0, undefined);
    await stopped;
    expect(early.story).toEqual(['started', 'completed']);
    expect(early.last('completed').durationMs).toBe(100);
    await early.close();
  });
});

test('a job at the end of the grace is told so, and handed back at no cost', async () => {
  const work = new Work();
  const consumer = shop.consume([handler('x', work.handle)]);
  await shop.publisher.publish('x', {});
  await shop.now();
  const stopped = consumer.stop(5000);
  await shop.clock.advance(5000);
  await stopped;
  expect(work.started[0].signal.reason).toBeInstanceOf(JobShutdownError);
  expect(shop.last('handedBack')).toMatchObject({ reason: 'shutdown', at: new Date(START + 5000) });
  expect(shop.settled.at(-1)).toMatchObject({ accepted: true, settlement: { kind: 'again', countsAttempt: false } });
  work.fail(0, new Error('aborted'));
  shop.consume([handler('x', work.handle)]);
  await shop.now();
  expect(work.started[1]?.attempt).toBe(1);
});
