import { expect, expectTypeOf, test } from 'vitest';
import type { JobEventMap, JobEventName } from '../../lib/core/events.js';
import { readTold, textOfEvent, toldFields, workerEvent, type ToldEvent } from '../../lib/core/told-events.js';
import type { ToldError, WorkerEvent, WorkerEventMap } from '../../lib/core/worker-events.js';

const job = { id: '1', name: 'send_email', queue: 'mail', attempt: 2, maxAttempts: 20 };
const worker = { id: 'here:7:abc', host: 'here', pid: 7, instance: 'default' };
const HAPPENED = Date.UTC(2026, 10, 21, 9, 0, 0, 123);
const later = new Date(HAPPENED + 5_000);

/** The event as another process is told it, and how long that is. */
function told<Name extends JobEventName>(name: Name, event: JobEventMap[Name]): { bytes: number; event: WorkerEvent } {
  const text = textOfEvent(name, HAPPENED, toldFields(name, event));
  return { bytes: Buffer.byteLength(text), event: workerEvent(JSON.parse(text) as ToldEvent, worker) };
}

const ERROR = Object.assign(new RangeError('no such mailbox'), { stack: 'RangeError: no such mailbox\n    at here' });
const error = { name: 'RangeError', message: 'no such mailbox', stack: ERROR.stack };

const EVENTS: { readonly [Name in JobEventName]: readonly [event: unknown, told: Omit<WorkerEventMap[Name], never>] } =
  {
    published: [
      {
        id: '1',
        name: 'send_email',
        queue: 'mail',
        priority: 5,
        readyAt: later,
        expiresAt: undefined,
        duplicate: false,
      },
      { job: { id: '1', name: 'send_email', queue: 'mail' }, priority: 5, readyAt: later, duplicate: false } as never,
    ],
    started: [{ job }, { job }],
    progress: [
      { job, value: { at: '2026', done: 1 } },
      { job, value: { at: '2026', done: 1 } },
    ],
    log: [
      { job, line: 'one' },
      { job, line: 'one' },
    ],
    completed: [
      { job, result: 'secret', durationMs: 3 },
      { job, durationMs: 3 },
    ],
    retried: [
      { job, error: ERROR, at: later, durationMs: 3 },
      { job, error, at: later, durationMs: 3 },
    ],
    blocked: [
      { job, error: ERROR, at: later, durationMs: 3 },
      { job, error, at: later, durationMs: 3 },
    ],
    handedBack: [
      { job, at: later, reason: 'paused' },
      { job, at: later, reason: 'paused' },
    ],
    failed: [
      { job, error: ERROR, reason: 'why', durationMs: 3 },
      { job, error, reason: 'why', durationMs: 3 },
    ],
    expired: [{ job, error: undefined, reason: 'late' }, { job, reason: 'late' } as never],
    dropped: [
      { job: { id: '1', name: undefined, queue: 'mail' }, reason: 'drop-oldest' },
      { job: { id: '1', queue: 'mail' } as never, reason: 'drop-oldest' },
    ],
    leaseLost: [{ job }, { job }],
  };

test.each(Object.entries(EVENTS))('%s is told in plain data, and without a result', (name, [event, expected]) => {
  const { event: got } = told(name as JobEventName, event as JobEventMap[JobEventName]);
  expect(got).toEqual({ event: name, happenedAt: new Date(HAPPENED), worker, ...expected });
  expect(JSON.stringify(got)).not.toContain('secret');
});

test('what it says of a moment is a moment', () => {
  expectTypeOf<WorkerEvent<'retried'>['at']>().toEqualTypeOf<Date>();
  expectTypeOf<WorkerEvent<'failed'>['error']>().toEqualTypeOf<ToldError>();
  expectTypeOf<WorkerEvent<'expired'>['error']>().toEqualTypeOf<ToldError | undefined>();
  expectTypeOf<WorkerEvent<'completed'>>().not.toHaveProperty('result');
  expectTypeOf<Extract<WorkerEvent, { event: 'log' }>['line']>().toEqualTypeOf<string>();
});

test('long texts are cut until there is room for the event, ids never', () => {
  const long = '"\u0000ü'.repeat(20_000);
  const id = 'x'.repeat(1_000);
  const failing = Object.assign(new Error(long), { stack: long, name: long });
  const { bytes, event } = told('failed', {
    job: { ...job, id, name: long },
    error: failing,
    reason: long,
    durationMs: 1,
  });
  expect(bytes).toBeLessThanOrEqual(7_500);
  expect(event.job.id).toBe(id);
  expect(event).toMatchObject({ reason: expect.stringMatching(/^.{50,}…$/s), job: { queue: 'mail' } });
});

test('a text that there is room for is told whole', () => {
  const line = 'l'.repeat(4_000);
  expect(told('log', { job, line }).event).toMatchObject({ line });
});

test('a long progress is told without its value, a short one as it was when it was told', () => {
  expect(told('progress', { job, value: 'x'.repeat(1_000) }).event).toMatchObject({ event: 'progress', job });
  expect(told('progress', { job, value: 'x'.repeat(1_000) }).event).not.toHaveProperty('value');
  const value = { done: 1 };
  const fields = toldFields('progress', { job, value });
  value.done = 2;
  expect(JSON.parse(textOfEvent('progress', HAPPENED, fields))).toMatchObject({ value: { done: 1 } });
});

test('an error that throws at each touch is told all the same', () => {
  const evil = new Proxy(new Error('x'), {
    get() {
      throw new Error('no');
    },
  });
  const { event } = told('failed', { job, error: evil, reason: 'why', durationMs: 1 });
  expect(event).toMatchObject({ event: 'failed', reason: 'why' });
});

test.each([undefined, '', 'nonsense', '[]', '{}', 'null', '{"worker":{},"counts":{},"since":{},"events":{}}'])(
  'a record that says %s tells nothing',
  (text) => {
    expect(readTold(text)).toBeUndefined();
  },
);

test('events of a later version are left out', () => {
  const text = JSON.stringify({
    worker,
    counts: {},
    since: {},
    events: [{ event: 'toString' }, null, { event: 'started', happenedAt: 1, job }],
  });
  expect(readTold(text)?.events).toEqual([{ event: 'started', happenedAt: 1, job }]);
});
