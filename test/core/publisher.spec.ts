import { setTimeout } from 'node:timers/promises';
import { runInNewContext } from 'node:vm';
import { beforeEach, describe, expect, test } from 'vitest';
import { VirtualClock } from '../../lib/backends/memory/virtual-clock.js';
import { DEFAULT_BACKOFF } from '../../lib/core/backoff.js';
import { BackendError, type Backend } from '../../lib/core/backend.js';
import { JobEvents } from '../../lib/core/events.js';
import { Handlers, type Handler } from '../../lib/core/handlers.js';
import { encodeMessage, type Message } from '../../lib/core/message.js';
import type { PublishOptions } from '../../lib/core/publish-options.js';
import type { PublishRequest } from '../../lib/core/job-types.js';
import { PublishError } from '../../lib/core/publish-error.js';
import type { PublishedJob } from '../../lib/core/published-job.js';
import { Publisher, type PublisherSetup } from '../../lib/core/publisher.js';
import { LAST_MOMENT } from '../../lib/core/time.js';
import { RecordingEngine, wrapped } from './engine.js';
import { proxyError, unreadableError } from './hostile.js';

const NOW = Date.parse('2026-11-21T09:00:00.000Z');
const MINUTE = 60_000;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

let engine: RecordingEngine;
let clock: VirtualClock;
let told: PublishedJob[];

beforeEach(() => {
  clock = new VirtualClock(NOW);
  engine = new RecordingEngine(clock);
  told = [];
});

function publisher(setup: Partial<PublisherSetup> = {}): Publisher {
  const events = new JobEvents();
  events.on('published', (job) => told.push(job));
  return new Publisher({
    backend: () => engine,
    clock,
    handlers: new Handlers(),
    routes: new Map(),
    defaults: {
      queue: 'default',
      priority: 1024,
      attempts: 20,
      backoff: DEFAULT_BACKOFF,
      timeoutMs: undefined,
      concurrency: 10,
    },
    publishTimeoutMs: 5000,
    events,
    ...setup,
  });
}

function handlersWith(special: Partial<Handler>): Handlers {
  const handlers = new Handlers();
  handlers.add({
    name: 'send_email',
    origin: 'SendEmail',
    queue: undefined,
    concurrency: undefined,
    attempts: undefined,
    backoff: undefined,
    timeoutMs: undefined,
    priority: undefined,
    handle: () => undefined,
    ...special,
  });
  return handlers;
}

/** What is stored for the options. */
async function stored(options?: PublishOptions, setup?: Partial<PublisherSetup>): Promise<Message & { queue: string }> {
  await publisher(setup).publish('send_email', {}, options);
  const call = engine.stored.at(-1);
  if (!call?.messages[0]) throw new Error('nothing was stored');
  return { queue: call.queue, ...call.messages[0] };
}

function headerOf(message: Message): object {
  return (JSON.parse(encodeMessage(message)) as { header: object }).header;
}

async function refusal(act: () => Promise<unknown>): Promise<PublishError> {
  const error: unknown = await act().then(
    () => new Error('it was published'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(PublishError);
  return error as PublishError;
}

describe('publishing', () => {
  test('stores the job and tells of it', async () => {
    const job = await publisher().publish(
      'send_email',
      { to: 'ada@example.org' },
      { delay: '5m', priority: 10, expiration: '1h' },
    );
    expect(job).toEqual({
      id: expect.stringMatching(UUID) as string,
      name: 'send_email',
      queue: 'default',
      priority: 10,
      readyAt: new Date(NOW + 5 * MINUTE),
      expiresAt: new Date(NOW + 60 * MINUTE),
      duplicate: false,
    });
    expect(engine.stored).toEqual([
      {
        queue: 'default',
        messages: [
          expect.objectContaining({
            id: job.id,
            name: 'send_email',
            body: '{"to":"ada@example.org"}',
            priority: 10,
            publishedAt: NOW,
            readyAt: NOW + 5 * MINUTE,
            expiresAt: NOW + 60 * MINUTE,
            attemptsUsed: 0,
            headers: {},
          }),
        ],
      },
    ]);
    expect(told).toEqual([job]);
  });

  test('without options leaves to the consuming process what that decides', async () => {
    const message = await stored();
    expect(message).toMatchObject({ queue: 'default', priority: 1024, publishedAt: NOW });
    for (const field of ['readyAt', 'expiresAt', 'maxAttempts', 'backoff', 'timeoutMs'] as const) {
      expect(message[field]).toBeUndefined();
    }
    expect(Object.keys(headerOf(message))).toEqual(['request_type', 'priority', 'published']);
  });

  test('passes on what the engine says of duplicates', async () => {
    for (const duplicate of [true, false, undefined]) {
      const backend = wrapped(engine, { publish: () => Promise.resolve([{ duplicate }]) });
      expect((await publisher({ backend: () => backend }).publish('x', 1, { id: 'a' })).duplicate).toBe(duplicate);
    }
    expect(told).toHaveLength(3);
  });
});

describe('the option', () => {
  test.each<[string, PublishOptions, Partial<Message>]>([
    ['delay as text', { delay: '5m' }, { readyAt: NOW + 5 * MINUTE }],
    ['delay as milliseconds', { delay: 1500 }, { readyAt: NOW + 1500 }],
    ['delay as a fraction', { delay: 0.2 }, { readyAt: NOW + 1 }],
    ['delay as a Date', { delay: new Date(NOW + 7) }, { readyAt: NOW + 7 }],
    [
      'delay as a Date of another realm',
      { delay: runInNewContext(`new Date(${NOW + 7})`) as Date },
      { readyAt: NOW + 7 },
    ],
    ['delay of 0', { delay: 0 }, { readyAt: undefined }],
    ['delay of now', { delay: new Date(NOW) }, { readyAt: undefined }],
    ['delay of the past', { delay: new Date(0) }, { readyAt: undefined }],
    ['delay to the last moment', { delay: new Date(LAST_MOMENT) }, { readyAt: LAST_MOMENT }],
    ['priority 0', { priority: 0 }, { priority: 0 }],
    ['priority 1', { priority: 1 }, { priority: 1 }],
    ['priority of the least', { priority: 4_294_967_295 }, { priority: 4_294_967_295 }],
    ['priority below 0', { priority: -3 }, { priority: 0 }],
    ['priority -0', { priority: -0 }, { priority: 0 }],
    ['priority far below 0', { priority: -1e300 }, { priority: 0 }],
    ['expiration as text', { expiration: '1 day' }, { expiresAt: NOW + 86_400_000 }],
    ['expiration as milliseconds', { expiration: 1 }, { expiresAt: NOW + 1 }],
    ['expiration as a Date', { expiration: new Date(NOW + 1) }, { expiresAt: NOW + 1 }],
    ['expiration after delay', { delay: '5m', expiration: 5 * MINUTE + 1 }, { expiresAt: NOW + 5 * MINUTE + 1 }],
    [
      'expiration after a delay of the past',
      { delay: new Date(0), expiration: 1 },
      { readyAt: undefined, expiresAt: NOW + 1 },
    ],
    ['attempts', { attempts: 1 }, { maxAttempts: 1 }],
    ['attempts, very many', { attempts: Number.MAX_SAFE_INTEGER }, { maxAttempts: Number.MAX_SAFE_INTEGER }],
    [
      'backoff',
      { backoff: { kind: 'fixed', base: '5s' } },
      { backoff: { ...DEFAULT_BACKOFF, kind: 'fixed', base: 5000 } },
    ],
    ['timeout', { timeout: '30s' }, { timeoutMs: 30_000 }],
    ['timeout as a fraction', { timeout: 0.5 }, { timeoutMs: 1 }],
    ['id', { id: 'order-17' }, { id: 'order-17' }],
    ['id of 100 characters', { id: 'x'.repeat(100) }, { id: 'x'.repeat(100) }],
    [
      'headers',
      { headers: { trace: 'abc', '': 'empty', 'Ä b': '\0' } },
      { headers: { trace: 'abc', '': 'empty', 'Ä b': '\0' } },
    ],
    ['headers, none', { headers: {} }, { headers: {} }],
    [
      'all undefined',
      { delay: undefined, priority: undefined, id: undefined, headers: undefined },
      { priority: 1024, readyAt: undefined },
    ],
  ])('%s', async (_, options, expected) => {
    const before = structuredClone(options);
    expect(await stored(options)).toMatchObject(expected);
    expect(options).toEqual(before);
  });

  test('id is a new one where none is given', async () => {
    const ids = new Set<string>();
    for (let n = 0; n < 100; n++) ids.add((await stored()).id);
    expect(ids.size).toBe(100);
    for (const id of ids) expect(id).toMatch(UUID);
  });

  test('headers may be named as an object’s own things are, and stay so in the message', async () => {
    const headers = JSON.parse('{"__proto__":"a","constructor":"b","toJSON":"c"}') as Record<string, string>;
    const message = await stored({ headers });
    expect(Object.entries(message.headers)).toEqual(Object.entries(headers));
    expect(headerOf(message)).toHaveProperty('toJSON', 'c');
  });

  test('headers are a copy', async () => {
    const headers: Record<string, string> = { a: '1' };
    const message = await stored({ headers });
    headers['a'] = '2';
    expect(message.headers).toEqual({ a: '1' });
  });

  describe('queue is', () => {
    test.each<[string, PublishOptions, Partial<Handler> | undefined, Record<string, string>, string]>([
      ['the one given', { queue: 'mail' }, { queue: 'handlers' }, { send_email: 'routed' }, 'mail'],
      ['else the handler’s', {}, { queue: 'handlers' }, { send_email: 'routed' }, 'handlers'],
      ['else of the routes, where the handler has none', {}, {}, { send_email: 'routed' }, 'routed'],
      ['else of the routes', {}, undefined, { send_email: 'routed' }, 'routed'],
      ['else the default, where the routes are of others', {}, undefined, { other: 'routed' }, 'default'],
      ['else the default', {}, undefined, {}, 'default'],
    ])('%s', async (_, options, handler, routes, queue) => {
      const setup = {
        routes: new Map(Object.entries(routes)),
        ...(handler ? { handlers: handlersWith(handler) } : {}),
      };
      expect((await stored(options, setup)).queue).toBe(queue);
    });
  });

  describe('priority is', () => {
    test.each<[string, PublishOptions, Partial<Handler> | undefined, number]>([
      ['the one given', { priority: 1 }, { priority: 2 }, 1],
      ['0 where 0 is given', { priority: 0 }, { priority: 2 }, 0],
      ['else the handler’s', {}, { priority: 2 }, 2],
      ['else 1024', {}, {}, 1024],
    ])('%s', async (_, options, handler, priority) => {
      expect((await stored(options, { handlers: handlersWith(handler ?? {}) })).priority).toBe(priority);
    });
  });

  test('attempts, backoff and timeout of a handler here do not travel', async () => {
    const handlers = handlersWith({ attempts: 3, backoff: DEFAULT_BACKOFF, timeoutMs: 5 });
    const message = await stored({}, { handlers });
    expect([message.maxAttempts, message.backoff, message.timeoutMs]).toEqual([undefined, undefined, undefined]);
  });
});

describe('publishing is refused, and nothing stored, for', () => {
  const NAMES = ['', '..', '.x', '-x', 'a/b', '../x', 'a\0b', 'a\nb', 'a\n', 'x'.repeat(101), '😀', 'a b'];
  const name = /: expected 1 to 100 of A-Z a-z 0-9 _ - \. and not starting with \. or -; got /;

  test.each(NAMES)('the job name %j', async (bad) => {
    const error = await refusal(() => publisher().publish(bad, {}));
    expect(error.message).toMatch(name);
    expect(error.message).toContain('job name');
  });

  test.each(NAMES)('the queue name %j', async (queue) => {
    const error = await refusal(() => publisher().publish('send_email', {}, { queue }));
    expect(error.message).toMatch(name);
    expect(error.message).toMatch(/^job "send_email" not published: queue name/);
  });

  test.each(NAMES)('the id %j', async (id) => {
    const error = await refusal(() => publisher().publish('send_email', {}, { id }));
    expect(error.message).toMatch(name);
    expect(error.message).toMatch(/^job "send_email" not published: job id/);
  });

  test.each<[string, unknown, RegExp]>([
    ['a delay below 0', { delay: -1 }, /delay: expected milliseconds or a duration .* got -1$/],
    ['a delay that is no duration', { delay: 'soon' }, /delay: expected milliseconds or a duration .* got "soon"$/],
    ['a delay of null', { delay: null }, /delay: expected milliseconds/],
    ['a delay as the text of a time', { delay: '2026-11-21T09:00:00Z' }, /delay: expected milliseconds/],
    ['a delay of an Invalid Date', { delay: new Date(NaN) }, /delay: expected a valid Date, got Invalid Date$/],
    ['a delay without end', { delay: Infinity }, /delay: expected milliseconds/],
    ['a delay beyond all years', { delay: 1e300 }, /delay: expected a moment before the year 10000, got 1e\+300$/],
    [
      'a delay to the year 10000',
      { delay: new Date(LAST_MOMENT + 1) },
      /delay: expected a moment before the year 10000/,
    ],
    ['a priority of 1.5', { priority: 1.5 }, /priority: expected a whole number from 0 to 4294967295, got 1\.5$/],
    ['a priority of NaN', { priority: NaN }, /priority: .* got NaN$/],
    ['a priority of Infinity', { priority: Infinity }, /priority: .* got Infinity$/],
    ['a priority of -Infinity', { priority: -Infinity }, /priority: .* got -Infinity$/],
    ['a priority of 2^53', { priority: 2 ** 53 }, /priority: .* got 9007199254740992$/],
    ['a priority above the least', { priority: 4_294_967_296 }, /priority: .* got 4294967296$/],
    ['a priority as text', { priority: '10' }, /priority: .* got "10"$/],
    ['an expiration of now', { expiration: 0 }, /expiration: expected a moment in the future, got 0$/],
    [
      'an expiration of the past',
      { expiration: new Date(NOW - 1) },
      /expiration: expected a moment in the future, got 2026-/,
    ],
    ['an expiration of the present', { expiration: new Date(NOW) }, /expiration: expected a moment in the future/],
    ['an expiration of an Invalid Date', { expiration: new Date(NaN) }, /expiration: expected a valid Date/],
    ['an expiration beyond all years', { expiration: 1e300 }, /expiration: expected a moment before the year 10000/],
    ['an expiration that is no duration', { expiration: 'never' }, /expiration: expected milliseconds/],
    [
      'an expiration before the delay',
      { delay: '5m', expiration: '1m' },
      /expiration: expected a moment after the delay \(2026-11-21T09:05:00\.000Z\), got 2026-11-21T09:01:00\.000Z$/,
    ],
    ['an expiration at the delay', { delay: '5m', expiration: '5m' }, /expiration: expected a moment after the delay/],
    ['attempts of 0', { attempts: 0 }, /attempts: expected a whole number of at least 1, got 0$/],
    ['attempts of 1.5', { attempts: 1.5 }, /attempts: .* got 1\.5$/],
    ['attempts of 2^53', { attempts: 2 ** 53 }, /attempts: expected a whole number/],
    ['attempts as text', { attempts: '3' }, /attempts: .* got "3"$/],
    [
      'a backoff that is a function',
      { backoff: () => 5 },
      /backoff: a function cannot travel with a job; give it to the handler/,
    ],
    ['a backoff of another kind', { backoff: { kind: 'linear' } }, /backoff\.kind: expected 'fixed' or 'exponential'/],
    ['a backoff with an unknown option', { backoff: { kind: 'fixed', delay: 5 } }, /backoff: unknown option "delay"$/],
    ['a backoff that is a number', { backoff: 5 }, /backoff: expected \{ kind/],
    ['a timeout of 0', { timeout: 0 }, /timeout: expected more than 0, got 0$/],
    ['a timeout that is no duration', { timeout: 'x' }, /timeout: expected milliseconds/],
    ['an id that is a number', { id: 5 }, /job id: expected 1 to 100 of .* got 5$/],
    ['an id of null', { id: null }, /job id: expected 1 to 100/],
    ['a queue that is a number', { queue: 5 }, /queue name: expected 1 to 100/],
    ['headers that are a text', { headers: 'x' }, /headers: expected an object of texts, got "x"$/],
    ['headers that are a list', { headers: ['x'] }, /headers: expected an object of texts/],
    ['headers that are null', { headers: null }, /headers: expected an object of texts, got null$/],
    ['a header that is a number', { headers: { a: 1 } }, /headers\["a"\]: expected a text, got 1$/],
    ['a header that is undefined', { headers: { a: undefined } }, /headers\["a"\]: expected a text, got undefined$/],
    ['a reserved header', { headers: { attempts: '1' } }, /headers: "attempts" is reserved; choose another name$/],
    [
      'an unknown option',
      { prio: 1 },
      /unknown option "prio"; known are queue, delay, priority, expiration, attempts, backoff, timeout, id, unique, keepResult, headers$/,
    ],
    ['an unknown option that is inherited', Object.create({ prio: 1 }), /unknown option "prio"/],
    ['options that are a text', 'now', /options: expected an object, got "now"$/],
    ['options that are a number', 5, /options: expected an object, got 5$/],
  ])('%s', async (_, options, message) => {
    const error = await refusal(() => publisher().publish('send_email', {}, options as PublishOptions));
    expect(error.message).toMatch(message);
    expect(error.message.startsWith('job "send_email" not published: ')).toBe(true);
    expect(error).toMatchObject({ name: 'PublishError', maybeStored: false, stored: 0 });
    expect(error.cause).toBeInstanceOf(TypeError);
    expect(engine.stored).toEqual([]);
    expect(told).toEqual([]);
  });

  test.each([
    ...'request_type priority delay expiration published attempts max_attempts backoff timeout version'.split(' '),
  ])('the reserved header %s', async (reserved) => {
    const error = await refusal(() => publisher().publish('x', {}, { headers: { [reserved]: '1' } }));
    expect(error.message).toContain('is reserved');
  });

  test.each<[string, unknown, string]>([
    ['a Date in the payload', { at: [new Date(0)] }, 'payload.at[0]: expected JSON, got a Date'],
    ['a BigInt as payload', 1n, 'payload: expected JSON, got a bigint'],
    [
      'a payload that throws',
      {
        get a(): never {
          throw undefined;
        },
      },
      'payload: expected JSON, but reading it throws',
    ],
  ])('%s', async (_, payload, message) => {
    expect((await refusal(() => publisher().publish('x', payload))).message).toContain(message);
    expect(engine.stored).toEqual([]);
  });

  test('options that throw', async () => {
    for (const thrown of [undefined, 'a text', new Error('boom'), unreadableError(), proxyError()]) {
      const options = Object.defineProperty({}, 'queue', {
        enumerable: true,
        get: () => {
          throw thrown;
        },
      });
      const error = await refusal(() => publisher().publish('x', {}, options));
      expect(error.message).toMatch(/^job "x" not published: /);
    }
  });

  test('a name that is no text', async () => {
    for (const bad of [undefined, null, 5, {}, Symbol('s')]) {
      const error = await refusal(() => publisher().publish(bad as string, {}));
      expect(error.message).toMatch(/^not published: job name: expected 1 to 100/);
    }
  });
});

describe('publishing several', () => {
  const requests = (...queues: string[]): PublishRequest[] =>
    queues.map((queue, index) => ({ name: `job_${index}`, payload: index, options: { queue } }));

  test('stores them in their order, those of one queue together, and tells of each', async () => {
    const jobs = await publisher().publishMany(requests('a', 'a', 'b', 'a', 'b', 'b'));
    expect(engine.stored.map(({ queue, messages }) => [queue, ...messages.map((one) => one.body)])).toEqual([
      ['a', '0', '1'],
      ['b', '2'],
      ['a', '3'],
      ['b', '4', '5'],
    ]);
    expect(jobs.map((job) => [job.name, job.queue])).toEqual([
      ['job_0', 'a'],
      ['job_1', 'a'],
      ['job_2', 'b'],
      ['job_3', 'a'],
      ['job_4', 'b'],
      ['job_5', 'b'],
    ]);
    expect(jobs.map((job) => job.id)).toEqual(engine.messages.map((message) => message.id));
    expect(told).toEqual(jobs);
  });

  test('gives each its own receipt', async () => {
    const backend = wrapped(engine, {
      publish: (_, messages) => Promise.resolve(messages.map((one) => ({ duplicate: one.body === '1' }))),
    });
    const jobs = await publisher({ backend: () => backend }).publishMany(requests('a', 'a', 'b'));
    expect(jobs.map((job) => job.duplicate)).toEqual([false, true, false]);
  });

  test('of none stores none', async () => {
    expect(await publisher().publishMany([])).toEqual([]);
    expect(engine.stored).toEqual([]);
  });

  test('of 10,000 to two queues by turns keeps their order', async () => {
    const many = requests(...Array.from({ length: 10_000 }, (_, n) => (n % 2 ? 'a' : 'b')));
    const jobs = await publisher().publishMany(many);
    expect(jobs.map((job) => job.name)).toEqual(many.map((one) => one.name));
  });

  test.each<[string, unknown, RegExp]>([
    ['a bad option', { name: 'x', options: { priority: 1.5 } }, /^job 2: job "x" not published: priority: expected/],
    [
      'a bad payload',
      { name: 'x', payload: [NaN] },
      /^job 2: job "x" not published: payload\[0\]: expected a finite number/,
    ],
    ['a bad name', { name: 'a/b' }, /^job 2: job "a\/b" not published: job name: expected/],
    ['a request that is null', null, /^job 2: not published: expected \{ name, payload, options \}, .* got null$/],
    ['a request that is a text', 'x', /^job 2: not published: expected \{ name, payload, options \}, .* got "x"$/],
    [
      'a request with an option in the wrong place',
      { name: 'x', delay: '5m' },
      /^job 2: not published: expected \{ name, payload, options \}, .* got \{ name: 'x', delay: '5m' \}$/,
    ],
  ])('stores none where one has %s', async (_, bad, message) => {
    const error = await refusal(() =>
      publisher().publishMany([...requests('a', 'b'), bad as PublishRequest, ...requests('c')]),
    );
    expect(error.message).toMatch(message);
    expect(error).toMatchObject({ maybeStored: false, stored: 0 });
    expect(engine.stored).toEqual([]);
    expect(told).toEqual([]);
  });

  test('stores none where one is too large for the engine, whichever queue it is for', async () => {
    const backend: Backend = { ...wrapped(engine, {}), traits: { ...engine.traits, maxBytes: 1000 } };
    const many = [...requests('a', 'b'), { name: 'big', payload: 'x'.repeat(1000), options: { queue: 'c' } }];
    const error = await refusal(() => publisher({ backend: () => backend }).publishMany(many));
    expect(error.message).toMatch(
      /^job 2: job "big" not published: its message has 1\d\d\d bytes, and recorder takes at most 1000$/,
    );
    expect(error).toMatchObject({ maybeStored: false, stored: 0 });
    expect(engine.stored).toEqual([]);
  });

  test('is refused for what is no list', async () => {
    for (const bad of [undefined, null, 5, 'jobs', { 0: { name: 'x' }, length: 1 }]) {
      const error = await refusal(() => publisher().publishMany(bad as unknown as PublishRequest[]));
      expect(error.message).toMatch(/^not published: expected an array of \{ name, payload, options \}/);
    }
  });

  test.each<[string, unknown, Partial<PublishError>]>([
    [
      'says so',
      new BackendError('full', { passing: true, stored: 1, maybeStored: false }),
      { stored: 3, maybeStored: false },
    ],
    ['knows of none', new BackendError('full', { passing: true }), { stored: 2, maybeStored: false }],
    ['is not sure', new BackendError('full', { passing: true, maybeStored: true }), { stored: 2, maybeStored: true }],
    ['throws anything', new Error('bug'), { stored: 2, maybeStored: true }],
    ['throws nothing', undefined, { stored: 2, maybeStored: true }],
  ])('tells how many are stored where the engine fails in the middle and %s', async (_, thrown, expected) => {
    const backend = wrapped(engine, {
      publish: (queue, messages) => (queue === 'b' ? Promise.reject(thrown) : engine.publish(queue, messages)),
    });
    const error = await refusal(() =>
      publisher({ backend: () => backend }).publishMany(requests('a', 'a', 'b', 'b', 'a')),
    );
    expect(error).toMatchObject(expected);
    expect(error.cause).toBe(thrown);
    expect(engine.messages).toHaveLength(2);
    expect(told).toHaveLength(2);
  });
});

describe('a job that is too large', () => {
  test('for the engine is refused with both sizes, to the byte', async () => {
    const size = Buffer.byteLength(encodeMessage(await stored({ id: 'a', headers: { e: 'é' } })));
    const limited = (maxBytes: number): Backend => ({ ...wrapped(engine, {}), traits: { ...engine.traits, maxBytes } });
    const options = { id: 'a', headers: { e: 'é' } };
    await publisher({ backend: () => limited(size) }).publish('send_email', {}, options);
    const error = await refusal(() =>
      publisher({ backend: () => limited(size - 1) }).publish('send_email', {}, options),
    );
    expect(error.message).toBe(
      `job "send_email" not published: its message has ${size} bytes, and recorder takes at most ${size - 1}`,
    );
    expect(engine.messages).toHaveLength(2);
  });

  test('for others is published where the engine has no limit', async () => {
    await publisher().publish('x', 'x'.repeat(10_000_000));
    expect(engine.messages[0]?.body).toHaveLength(10_000_002);
  });
});

describe('an engine that fails', () => {
  test.each<[string, unknown, Partial<PublishError>, RegExp]>([
    ['surely', new BackendError('the disk is full', { passing: true }), { maybeStored: false }, /the disk is full$/],
    [
      'unsurely',
      new BackendError('no answer', { passing: true, maybeStored: true }),
      { maybeStored: true },
      /no answer$/,
    ],
    ['in an unknown way', new Error('ECONNRESET'), { maybeStored: true }, /ECONNRESET$/],
    ['with no error', 'a text', { maybeStored: true }, /"a text" was thrown, which is no Error$/],
    ['with nothing', undefined, { maybeStored: true }, /undefined was thrown/],
  ])('%s rejects the publish', async (_, thrown, expected, message) => {
    const backend = wrapped(engine, { publish: () => Promise.reject(thrown) });
    const error = await refusal(() => publisher({ backend: () => backend }).publish('x', {}));
    expect(error).toMatchObject({ ...expected, stored: 0 });
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/^not published to queue "default" of recorder: /);
    expect(error.cause).toBe(thrown);
    expect(told).toEqual([]);
  });

  test('that throws at once rejects the publish as well', async () => {
    const backend = wrapped(engine, {
      publish: () => {
        throw new Error('bug');
      },
    });
    expect(await refusal(() => publisher({ backend: () => backend }).publish('x', {}))).toMatchObject({
      maybeStored: true,
    });
  });

  test('that does not answer rejects after publishTimeout, and may have stored the job', async () => {
    const backend = wrapped(engine, { publish: () => new Promise(() => undefined) });
    const error = await refusal(() => publisher({ backend: () => backend, publishTimeoutMs: 20 }).publish('x', {}));
    expect(error).toMatchObject({ message: 'no answer of recorder within 20 ms', maybeStored: true, stored: 0 });
  });

  test('that does not answer for the second queue tells how many are stored', async () => {
    const backend = wrapped(engine, {
      publish: (queue, messages) => (queue === 'b' ? new Promise(() => undefined) : engine.publish(queue, messages)),
    });
    const many = ['a', 'a', 'b'].map((queue) => ({ name: 'x', options: { queue } }));
    const error = await refusal(() => publisher({ backend: () => backend, publishTimeoutMs: 20 }).publishMany(many));
    expect(error).toMatchObject({ maybeStored: true, stored: 2 });
  });

  test('that answers too late, well or badly, is not heard', async () => {
    const unhandled: unknown[] = [];
    const hear = (reason: unknown): unknown => unhandled.push(reason);
    process.on('unhandledRejection', hear);
    for (const end of ['well', 'badly']) {
      const answered = setTimeout(60).then(() => {
        if (end === 'badly') throw new Error('late');
        return [{ duplicate: false }];
      });
      const backend = wrapped(engine, { publish: () => answered });
      await refusal(() => publisher({ backend: () => backend, publishTimeoutMs: 5 }).publish('x', {}));
      await answered.catch(() => undefined);
    }
    await setTimeout(5);
    process.off('unhandledRejection', hear);
    expect(unhandled).toEqual([]);
    expect(told).toEqual([]);
  });

  test('later is no reason to refuse bad input later: that is refused before it is asked', async () => {
    const backend = (): never => {
      throw new Error('asked');
    };
    expect((await refusal(() => publisher({ backend }).publish('a/b', {}))).message).toContain('job name');
  });
});

describe('a backend that is opened late', () => {
  test('is opened by the first publish, and once', async () => {
    let opened = 0;
    const backend = async (): Promise<Backend> => {
      opened += 1;
      await setTimeout(1);
      return engine;
    };
    const late = publisher({ backend });
    await late.publish('a', {});
    await late.publish('b', {});
    await late.publishMany([{ name: 'c' }]);
    expect(opened).toBe(1);
    expect(engine.messages.map((message) => message.name)).toEqual(['a', 'b', 'c']);
  });

  test('keeps the order of those that wait for it', async () => {
    const opening = setTimeout(5).then(() => engine);
    const late = publisher({ backend: () => opening });
    await Promise.all(Array.from({ length: 50 }, (_, n) => late.publish(`job_${n}`, {})));
    expect(engine.messages.map((message) => message.name)).toEqual(Array.from({ length: 50 }, (_, n) => `job_${n}`));
  });

  test.each<[string, () => Promise<Backend>]>([
    ['rejects', () => Promise.reject(new Error('no such directory'))],
    [
      'throws',
      () => {
        throw new Error('no such directory');
      },
    ],
  ])('and %s rejects the publish, and is asked again by the next', async (_, fail) => {
    let works = false;
    const late = publisher({ backend: () => (works ? engine : fail()) });
    const error = await refusal(() => late.publish('x', {}));
    expect(error).toMatchObject({ message: 'not published: no such directory', maybeStored: false, stored: 0 });
    works = true;
    await late.publish('x', {});
    expect(engine.messages).toHaveLength(1);
  });

  test('and rejects with nothing rejects the publish', async () => {
    const error = await refusal(() => publisher({ backend: () => Promise.reject(undefined) }).publish('x', {}));
    expect(error.message).toContain('undefined was thrown');
  });

  test('and never opens rejects after publishTimeout, with nothing stored', async () => {
    const late = publisher({ backend: () => new Promise(() => undefined), publishTimeoutMs: 20 });
    for (const act of [() => late.publish('x', {}), () => late.publishMany([{ name: 'x' }])]) {
      expect(await refusal(act)).toMatchObject({
        message: 'not published: no backend within 20 ms',
        maybeStored: false,
        stored: 0,
      });
    }
  });
});

test('a listener that fails does not fail the publish', async () => {
  const events = new JobEvents();
  events.on('published', () => {
    throw new Error('a listener’s bug');
  });
  await expect(publisher({ events }).publish('x', {})).resolves.toMatchObject({ name: 'x' });
});
