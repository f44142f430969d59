import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, expectTypeOf, test } from 'vitest';
import { JobEvents, type JobEventName } from '../../lib/core/events.js';
import type { JobEventStream } from '../../lib/core/event-stream.js';
import { ORDERS_KEY, readOrders } from '../../lib/core/fleet-orders.js';
import type { Records } from '../../lib/core/records.js';
import type { ToldError, WorkerEvent } from '../../lib/core/worker-events.js';
import { JobsOperator } from '../../lib/operating/jobs-operator.js';
import { wrapped } from '../core/engine.js';
import { handler } from '../core/workshop.js';
import { openOffice, type Office } from './office.js';

const PATIENT = { timeout: 30_000, interval: 5 };

let office: Office;
let warnings: string[];

beforeEach(async () => {
  warnings = [];
  office = await openOffice({ warn: (message) => void warnings.push(message) });
});

afterEach(async () => {
  await office.operator.close();
  await office.shop.close();
});

/** A process that handles jobs `work`; what the payload says fails. */
function worker(): JobEvents {
  const events = new JobEvents();
  const work = (payload: unknown): string => {
    if (payload === 'fail') throw new RangeError('no mailbox');
    return 'secret';
  };
  office.consume([handler('work', work, { attempts: 1 })], { events });
  return events;
}

async function following(): Promise<number> {
  const { records } = office.shop.engine;
  return readOrders((await records?.get(ORDERS_KEY))?.text).following.length;
}

async function read<Name extends JobEventName>(
  stream: JobEventStream<WorkerEvent<Name>>,
  count: number,
): Promise<WorkerEvent<Name>[]> {
  const all: WorkerEvent<Name>[] = [];
  while (all.length < count) {
    const { value, done } = await stream.next();
    if (done) break;
    all.push(value);
  }
  return all;
}

test('what happens in another process is told, in plain data and without results', async () => {
  worker();
  const stream = await office.operator.follow(['completed', 'failed']);
  expectTypeOf(stream).toEqualTypeOf<JobEventStream<WorkerEvent<'completed' | 'failed'>>>();
  const done = await office.publish('work');
  await office.shop.now();
  const failed = await office.publish('work', 'fail');
  await office.shop.now();
  const [first, second] = await read(stream, 2);
  expect(first).toEqual({
    event: 'completed',
    happenedAt: expect.any(Date),
    worker: { id: expect.stringMatching(/^here:7:/), host: 'here', pid: 7, instance: 'default' },
    job: { id: done, name: 'work', queue: 'default', attempt: 1, maxAttempts: 1 },
    durationMs: expect.any(Number),
  });
  expect(second).toMatchObject({ event: 'failed', job: { id: failed }, error: { name: 'RangeError' } });
  if (second?.event === 'failed') expectTypeOf(second.error).toEqualTypeOf<ToldError>();
  expect(stream.dropped).toBe(0);
});

test('a loop that is left takes the order back, and so does a signal', async () => {
  worker();
  const ending = new AbortController();
  const left = await office.operator.follow('started');
  await office.operator.follow('started', ending);
  expect(await following()).toBe(2);
  await office.publish('work');
  await office.shop.now();
  for await (const { job } of left) {
    expect(job.name).toBe('work');
    break;
  }
  await expect.poll(following, PATIENT).toBe(1);
  ending.abort();
  await expect.poll(following, PATIENT).toBe(0);
});

test('a signal that has aborted already gives a stream that has ended, and no order', async () => {
  const stored: string[] = [];
  const records = office.shop.engine.records as Records;
  const counted: Records = {
    set: (...args) => records.set(...args),
    claim: (...args) => records.claim(...args),
    swap: (...args) => records.swap(...args),
    get: (key) => {
      stored.push(key);
      return records.get(key);
    },
    delete: (...args) => records.delete(...args),
    watch: (...args) => records.watch(...args),
  };
  const operator = new JobsOperator(wrapped(office.shop.engine, { records: counted }));
  const stream = await operator.follow('failed', { signal: AbortSignal.abort() });
  expect(await stream.next()).toEqual({ done: true, value: undefined });
  expect(stored).toEqual([]);
});

test('closing ends all streams, also such as are begun meanwhile or later', async () => {
  const streams = [office.operator.follow('failed'), office.operator.follow(['started', 'log'])];
  const first = await streams[0];
  const closing = office.operator.close();
  streams.push(office.operator.follow('failed'));
  await closing;
  streams.push(office.operator.follow('failed'));
  for (const stream of await Promise.all(streams)) expect(await stream.next()).toMatchObject({ done: true });
  expect(await first?.next()).toMatchObject({ done: true });
  await expect.poll(following, PATIENT).toBe(0);
});

test('what is read too slowly is dropped, counted and said', async () => {
  const events = worker();
  const stream = await office.operator.follow('started', { buffer: 2 });
  for (const id of ['1', '2', '3', '4', '5']) {
    events.emit('started', { job: { id, name: 'work', queue: 'default', attempt: 1, maxAttempts: 20 } });
  }
  await expect.poll(() => stream.dropped, PATIENT).toBe(3);
  expect((await read(stream, 2)).map(({ job }) => job.id)).toEqual(['4', '5']);
  expect(warnings).toEqual([
    'the stream of job events "started" of all processes is read too slowly: more than 2 events wait, so that the oldest are dropped',
    'the stream of job events "started" of all processes: 3 events were dropped',
  ]);
});

test('what a process could not tell is counted, and said at the latest at the end', async () => {
  const events = worker();
  const stream = await office.operator.follow('started');
  for (let n = 1; n <= 1_000; n++) {
    events.emit('started', { job: { id: String(n), name: 'work', queue: 'default', attempt: 1, maxAttempts: 20 } });
  }
  await expect.poll(() => stream.dropped, PATIENT).toBeGreaterThan(0);
  const { dropped } = stream;
  expect((await read(stream, 1_000 - dropped)).at(-1)?.job.id).toBe('1000');
  expect(warnings).toEqual([]);
  await stream.return();
  expect(warnings).toEqual([
    `the stream of job events "started" of all processes: ${dropped} events were not told, for a process tells 200 of them ten times a second at most`,
  ]);
});

test('an engine that fails is told, and nothing is left', async () => {
  const operator = new JobsOperator(wrapped(office.shop.engine, { records: hanging() }), { deadline: 50 });
  await expect(operator.follow('failed')).rejects.toMatchObject({ name: 'OperatorTimeoutError' });
  await operator.close();
});

/** Records that never answer. */
function hanging(): Records {
  const never = (): Promise<never> => new Promise(() => undefined);
  return { set: never, claim: never, swap: never, get: never, delete: never, watch: never };
}

test('an engine without records says why it can’t', async () => {
  const operator = new JobsOperator(wrapped(office.shop.engine, { records: undefined }));
  await expect(operator.follow('failed')).rejects.toThrow(
    "memory can't follow events: it keeps no records, by which processes hear of each other",
  );
});

test.each<[unknown, object | undefined, string]>([
  ['fail', {}, 'follow: expected an event of published, started, progress, log, completed, retried, blocked'],
  [['failed', 'toString'], {}, 'got "toString"'],
  [[], {}, 'follow: expected the name of an event or several, got []'],
  [undefined, {}, 'got undefined'],
  ['failed', { bufer: 1 }, 'follow: options: expected of signal, buffer, got the unknown option "bufer"'],
  ['failed', { signal: 1 }, 'follow: signal: expected an AbortSignal, got 1'],
])('follow(%o, %o) is refused', async (names, options, message) => {
  const refused = office.operator.follow(names as JobEventName, options);
  await expect(refused).rejects.toThrow(TypeError);
  await expect(office.operator.follow(names as JobEventName, options)).rejects.toThrow(message);
});

test('who follows needs no process that handles jobs to be there', async () => {
  const stream = await office.operator.follow('completed');
  await sleep(20);
  worker();
  await expect
    .poll(async () => {
      await office.publish('work');
      await office.shop.now();
      await sleep(20);
      const next = await Promise.race([stream.next(), sleep(150, undefined)]);
      return next?.value?.event;
    }, PATIENT)
    .toBe('completed');
});
