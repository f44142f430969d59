import { setImmediate } from 'node:timers/promises';
import { expect, expectTypeOf, test } from 'vitest';
import { JobEvents, type JobEventMap } from '../../lib/core/events.js';

function observed(): { events: JobEvents; lines: string[]; start(...ids: number[]): void } {
  const lines: string[] = [];
  const events = new JobEvents(undefined, (line) => lines.push(line));
  return {
    events,
    lines,
    start(...ids) {
      for (const id of ids) {
        events.emit('started', {
          job: { id: String(id), name: 'work', queue: 'default', attempt: 1, maxAttempts: 20 },
        });
      }
    },
  };
}

async function idsOf(stream: AsyncIterable<JobEventMap['started']>): Promise<string[]> {
  const ids: string[] = [];
  for await (const { job } of stream) ids.push(job.id);
  return ids;
}

test('a stream gives each event from its making on, in their order, to a reader that is late or waits', async () => {
  const { events, start } = observed();
  start(1);
  const ending = new AbortController();
  const stream = events.stream('started', { signal: ending.signal });
  expectTypeOf(stream).toExtend<AsyncIterable<JobEventMap['started']>>();
  start(2, 3);
  const ids = idsOf(stream);
  await Promise.resolve();
  start(4);
  ending.abort();
  start(5);
  expect(await ids).toEqual(['2', '3', '4']);
  expect(stream.dropped).toBe(0);
});

test('a reader that waits is given the next event, and several each one of their own', async () => {
  const { events, start } = observed();
  const stream = events.stream('started');
  const both = [stream.next(), stream.next()];
  start(1, 2);
  expect((await Promise.all(both)).map(({ value }) => value?.job.id)).toEqual(['1', '2']);
  const last = stream.next();
  await stream.return();
  expect(await last).toEqual({ done: true, value: undefined });
});

test('more than the buffer takes drops the oldest, is counted, and said once when it begins and once with its number', async () => {
  const { events, lines, start } = observed();
  const stream = events.stream('started', { buffer: 2 });
  start(1, 2);
  expect([stream.dropped, lines]).toEqual([0, []]);
  start(3, 4, 5);
  expect(stream.dropped).toBe(3);
  expect(lines).toEqual([
    'the stream of job event "started" is read too slowly: more than 2 events wait, so that the oldest are dropped',
  ]);
  const read = [await stream.next(), await stream.next()];
  expect(read.map(({ value }) => value?.job.id)).toEqual(['4', '5']);
  expect(lines.slice(1)).toEqual(['the stream of job event "started": 3 events were dropped']);
  start(6, 7, 8);
  expect([stream.dropped, lines.length]).toEqual([4, 3]);
  await stream.return();
  expect(lines.slice(3)).toEqual(['the stream of job event "started": 1 event was dropped']);
});

test('of very many that wait, all are given in their order, whenever they came', async () => {
  const { events, start } = observed();
  const stream = events.stream('started', { buffer: 4_000 });
  const read: number[] = [];
  for (let round = 0; round < 10; round++) {
    start(...Array.from({ length: 1_500 }, (_, n) => round * 1_500 + n));
    for (let n = 0; n < 1_400; n++) read.push(Number((await stream.next()).value?.job.id));
  }
  const ids = Array.from({ length: 15_000 }, (_, n) => n);
  expect(read).toEqual(ids.slice(0, 14_000));
  events.close();
  expect(await idsOf(stream)).toEqual(ids.slice(14_000).map(String));
  expect(stream.dropped).toBe(0);
});

test('leaving the loop ends the stream, and what it kept is let go', async () => {
  const { events, start } = observed();
  const stream = events.stream('started');
  start(1, 2);
  for await (const { job } of stream) {
    expect(job.id).toBe('1');
    break;
  }
  start(3);
  expect(await stream.next()).toEqual({ done: true, value: undefined });
});

test('streams end when the application has closed, and with a signal that has aborted already', async () => {
  const { events, start } = observed();
  const stream = events.stream('started');
  start(1);
  events.close();
  expect(await idsOf(stream)).toEqual(['1']);
  expect(await idsOf(events.stream('started'))).toEqual([]);
  expect(await idsOf(observed().events.stream('started', { signal: AbortSignal.abort() }))).toEqual([]);
});

test('one signal ends as many streams as there are, and Node.js takes them for no leak', async () => {
  const warnings: string[] = [];
  const warned = (warning: Error): void => void warnings.push(warning.name);
  process.on('warning', warned);
  const { events } = observed();
  const ending = new AbortController();
  const streams = Array.from({ length: 20 }, () => events.stream('started', { signal: ending.signal }));
  await setImmediate();
  process.off('warning', warned);
  expect(warnings).toEqual([]);
  ending.abort();
  for (const stream of streams) expect(await idsOf(stream)).toEqual([]);
});

test.each<[object, string]>([
  [{ buffer: 0 }, 'stream: buffer: expected a whole number of at least 1, got 0'],
  [{ signal: 1 }, 'stream: signal: expected an AbortSignal, got 1'],
  [{ bufer: 1 }, 'stream: options: expected of signal, buffer, got the unknown option "bufer"'],
])('%o is refused', (options, message) => {
  expect(() => observed().events.stream('started', options)).toThrow(new TypeError(message));
});
