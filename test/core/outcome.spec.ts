import { describe, expect, test } from 'vitest';
import type { Settlement } from '../../lib/core/backend.js';
import { DEFAULT_BACKOFF, type BackoffPlan } from '../../lib/core/backoff.js';
import { Blocked, BlockedError, Fatal, FatalError, Transient, TransientError } from '../../lib/core/errors.js';
import { describeError, type FailureRecord } from '../../lib/core/failure-record.js';
import { conclude, settlementOf, type Case, type Ending, type Outcome } from '../../lib/core/outcome.js';
import { SchemaError, SchemaFailure } from '../../lib/core/schema-check.js';
import { LAST_MOMENT } from '../../lib/core/time.js';
import { Bottomless, cyclicError, objectWithThrowingGetter, proxyError, THROWN, unreadableError } from './hostile.js';

const PUBLISHED = Date.parse('2026-11-21T09:00:00.000Z');
const NOW = PUBLISHED + 1000;
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const aMinute: BackoffPlan = { kind: 'fixed', base: MINUTE, factor: 1, max: HOUR, jitter: 0 };

/** Attempt 1 of 20, published a second ago, with a backoff of a minute. */
const job: Case = {
  name: 'send_email',
  queue: 'default',
  attempt: 1,
  maxAttempts: 20,
  publishedAt: PUBLISHED,
  backoff: aMinute,
  blockedForMs: 7 * DAY,
  unknownJobGraceMs: 5 * MINUTE,
  now: NOW,
  random: 0.5,
};

const threw = (thrown: unknown): Ending => ({ kind: 'threw', thrown });
const returned = (value: unknown): Ending => ({ kind: 'returned', value });

const before: FailureRecord = {
  at: '2026-11-21T08:00:00.000Z',
  worker: 'host:1',
  attempt: 0,
  durationMs: 5,
  error: { name: 'Before', message: 'before' },
};
const record = (error: Error): FailureRecord => ({ ...before, attempt: 1, error: describeError(error) });

function told(outcome: Outcome): Settlement {
  return settlementOf(outcome, [before], record);
}

function kept(settlement: Settlement): string[] {
  return !('failures' in settlement) ? [] : settlement.failures.map((one) => one.error.message);
}

@Transient()
class Busy extends Error {}
@Transient({ retryIn: '5s' })
class BusyForFiveSeconds extends Error {}
@Fatal()
class Hopeless extends Error {}
@Blocked()
class NotThere extends Error {}
@Blocked({ retryIn: '10m' })
class NotThereForTenMinutes extends Error {}
@Blocked()
class HopelessOnlyNow extends Hopeless {}
class Unmarked extends Error {}

/** What the engine hears: its kind, after how many milliseconds, whether the attempt counts, what is kept. */
interface Told {
  readonly kind: Settlement['kind'];
  readonly inMs?: number;
  readonly counts?: boolean;
  readonly reason?: RegExp;
  readonly kept?: readonly string[];
}

const completed: Told = { kind: 'completed', kept: [] };
const retried = (inMs: number, message = 'x'): Told => ({
  kind: 'again',
  inMs,
  counts: true,
  kept: ['before', message],
});
const free = (inMs: number): Told => ({ kind: 'again', inMs, counts: false, kept: ['before'] });
const failed = (reason: RegExp, message = 'x'): Told => ({ kind: 'failed', reason, kept: ['before', message] });
const expired = (reason: RegExp, ...more: string[]): Told => ({ kind: 'expired', reason, kept: ['before', ...more] });

/** The table of the API's section 5: the row, what is special in the case, how it ended, the outcome, the settlement. */
const TABLE: readonly (readonly [string, Partial<Case>, Ending, Partial<Outcome>, Told])[] = [
  ['returns nothing', {}, returned(undefined), { kind: 'completed', result: undefined }, completed],
  ['returns a value', {}, returned({ a: [1, null] }), { kind: 'completed', result: { a: [1, null] } }, completed],
  ['returns on its last attempt', { attempt: 20 }, returned(1), { kind: 'completed' }, completed],
  ['returns after its expiration', { expiresAt: NOW - 1 }, returned(1), { kind: 'completed' }, completed],

  ['throws a @Fatal class', {}, threw(new Hopeless('x')), { kind: 'failed' }, failed(/fatal/)],
  ['throws a FatalError', {}, threw(new FatalError('x')), { kind: 'failed' }, failed(/fatal/)],
  [
    'returns a BigInt',
    {},
    returned(1n),
    { kind: 'failed' },
    failed(
      /^the handler's result can't be kept: result: expected JSON, got a bigint$/,
      'result: expected JSON, got a bigint',
    ),
  ],
  [
    'returns a Date',
    {},
    returned({ at: new Date(0) }),
    { kind: 'failed' },
    failed(/result\.at: .*a Date/, 'result.at: expected JSON, got a Date (pass its toISOString())'),
  ],
  [
    'returns a cycle',
    {},
    returned(cycle()),
    { kind: 'failed' },
    failed(/result\.self: .*a cycle/, 'result.self: expected JSON, got a cycle'),
  ],
  [
    'returns a function',
    {},
    returned(cycle),
    { kind: 'failed' },
    failed(/a function/, 'result: expected JSON, got a function'),
  ],

  ['throws a @Transient class', {}, threw(new Busy('x')), { kind: 'retried', at: NOW + MINUTE }, retried(MINUTE)],
  [
    'throws one with retryIn',
    {},
    threw(new BusyForFiveSeconds('x')),
    { kind: 'retried', at: NOW + 5 * SECOND },
    retried(5 * SECOND),
  ],
  ['throws a TransientError', {}, threw(new TransientError('x')), { kind: 'retried' }, retried(MINUTE)],
  [
    'throws one with retryIn',
    {},
    threw(new TransientError('x', { retryIn: '2h' })),
    { kind: 'retried' },
    retried(2 * HOUR),
  ],
  ['throws one with retryIn 0', {}, threw(new TransientError('x', { retryIn: 0 })), { kind: 'retried' }, retried(0)],
  ['throws anything unmarked', {}, threw(new Unmarked('x')), { kind: 'retried' }, retried(MINUTE)],
  [
    'runs past its timeout',
    {},
    { kind: 'timedOut', timeoutMs: 50 },
    { kind: 'retried' },
    retried(MINUTE, 'the job ran longer than its timeout of 50 ms'),
  ],
  ['fails its last attempt but one', { attempt: 19 }, threw(new Busy('x')), { kind: 'retried' }, retried(MINUTE)],
  [
    'fails its last attempt',
    { attempt: 20 },
    threw(new Busy('x')),
    { kind: 'failed' },
    failed(/^all 20 attempts have failed$/),
  ],
  [
    'fails its last attempt with retryIn',
    { attempt: 20 },
    threw(new BusyForFiveSeconds('x')),
    { kind: 'failed' },
    failed(/^all 20 attempts/),
  ],
  [
    'fails its only attempt',
    { maxAttempts: 1 },
    threw(new Unmarked('x')),
    { kind: 'failed' },
    failed(/^its only attempt has failed$/),
  ],
  [
    'runs past its timeout the last time',
    { attempt: 20 },
    { kind: 'timedOut', timeoutMs: 50 },
    { kind: 'failed' },
    failed(/^all 20/, 'the job ran longer than its timeout of 50 ms'),
  ],
  [
    'would be retried at its expiration',
    { expiresAt: NOW + MINUTE },
    threw(new Busy('x')),
    { kind: 'retried' },
    retried(MINUTE),
  ],
  [
    'would be retried after its expiration',
    { expiresAt: NOW + MINUTE - 1 },
    threw(new Busy('x')),
    { kind: 'expired' },
    expired(/^its next attempt would start after its expiration$/, 'x'),
  ],
  [
    'would be retried after its expiration by retryIn',
    { expiresAt: NOW + SECOND },
    threw(new BusyForFiveSeconds('x')),
    { kind: 'expired' },
    expired(/after its expiration/, 'x'),
  ],
  [
    'would be retried in time by retryIn',
    { expiresAt: NOW + 6 * SECOND },
    threw(new BusyForFiveSeconds('x')),
    { kind: 'retried' },
    retried(5 * SECOND),
  ],
  [
    'fails its last attempt before its expiration',
    { attempt: 20, expiresAt: NOW + 1 },
    threw(new Busy('x')),
    { kind: 'failed' },
    failed(/^all 20/),
  ],

  [
    'throws a @Blocked class',
    {},
    threw(new NotThere('x')),
    { kind: 'blocked', at: NOW + 30 * SECOND },
    free(30 * SECOND),
  ],
  ['throws one with retryIn', {}, threw(new NotThereForTenMinutes('x')), { kind: 'blocked' }, free(10 * MINUTE)],
  ['throws a BlockedError', {}, threw(new BlockedError('x')), { kind: 'blocked' }, free(30 * SECOND)],
  ['throws one with retryIn', {}, threw(new BlockedError('x', { retryIn: 7 })), { kind: 'blocked' }, free(7)],
  ['is blocked on its last attempt', { attempt: 20 }, threw(new NotThere('x')), { kind: 'blocked' }, free(30 * SECOND)],
  [
    'is blocked until shortly before blockedFor',
    { now: PUBLISHED + 7 * DAY - 1 },
    threw(new NotThere('x')),
    { kind: 'blocked' },
    free(1),
  ],
  [
    'is blocked for blockedFor',
    { now: PUBLISHED + 7 * DAY },
    threw(new NotThere('x')),
    { kind: 'failed' },
    failed(/^it was blocked for 604800000 ms$/),
  ],
  [
    'is blocked for blockedFor of the options',
    { blockedForMs: 0 },
    threw(new NotThere('x')),
    { kind: 'failed' },
    failed(/^it was blocked for 1000 ms$/),
  ],
  [
    'would be blocked after its expiration',
    { expiresAt: NOW + 29 * SECOND },
    threw(new NotThere('x')),
    { kind: 'expired' },
    expired(/blocked at its expiration/, 'x'),
  ],
  [
    'would be blocked to the end of blockedFor, before its expiration',
    { blockedForMs: 6 * SECOND, expiresAt: NOW + 10 * SECOND },
    threw(new NotThere('x')),
    { kind: 'blocked' },
    free(5 * SECOND),
  ],

  [
    'died with its process too often',
    { attempt: 21 },
    { kind: 'spent' },
    { kind: 'failed' },
    failed(
      /^all 20 attempts are used up: the workers .* died/,
      'all 20 attempts are used up: the workers that ran it died or lost it',
    ),
  ],

  ['is running at the end of the grace', {}, { kind: 'shutDown' }, { kind: 'handedBack', reason: 'shutdown' }, free(0)],
  [
    'is running at the end of the grace for the last time',
    { attempt: 20 },
    { kind: 'shutDown' },
    { kind: 'handedBack' },
    free(0),
  ],
  [
    'is running at the end of the grace, after its expiration',
    { expiresAt: NOW - 1 },
    { kind: 'shutDown' },
    { kind: 'handedBack' },
    free(0),
  ],

  ['has no handler here', {}, { kind: 'unknown' }, { kind: 'handedBack', reason: 'unknown' }, free(SECOND)],
  [
    'has had no handler for a while',
    { now: PUBLISHED + 12 * SECOND },
    { kind: 'unknown' },
    { kind: 'handedBack' },
    free(12 * SECOND),
  ],
  [
    'has had no handler for minutes',
    { now: PUBLISHED + 4 * MINUTE },
    { kind: 'unknown' },
    { kind: 'handedBack' },
    free(30 * SECOND),
  ],
  [
    'has had no handler until shortly before the grace',
    { now: PUBLISHED + 5 * MINUTE - 10 },
    { kind: 'unknown' },
    { kind: 'handedBack' },
    free(10),
  ],
  [
    'has had no handler for the grace',
    { now: PUBLISHED + 5 * MINUTE },
    { kind: 'unknown' },
    { kind: 'failed' },
    failed(/"send_email".*"default"/, 'no handler is named "send_email" among those that read queue "default"'),
  ],
  [
    'has no handler, without a grace',
    { unknownJobGraceMs: 0 },
    { kind: 'unknown' },
    { kind: 'failed' },
    failed(/"send_email".*"default"/, 'no handler is named "send_email" among those that read queue "default"'),
  ],
  [
    'has no handler, and is of the future',
    { now: PUBLISHED - DAY },
    { kind: 'unknown' },
    { kind: 'handedBack' },
    free(SECOND),
  ],

  [
    'can’t be read',
    {},
    { kind: 'unreadable', reason: 'it is empty' },
    { kind: 'failed' },
    failed(/^the message can't be read: it is empty$/, "the message can't be read: it is empty"),
  ],

  [
    'has its delay ahead',
    {},
    { kind: 'early', readyAt: NOW + HOUR },
    { kind: 'handedBack', at: NOW + HOUR, reason: 'early' },
    free(HOUR),
  ],

  [
    'has its expiration behind',
    { expiresAt: NOW - 1 },
    { kind: 'late', expiresAt: NOW - 1 },
    { kind: 'expired' },
    expired(/^it was to be handled before 2026-11-21T09:00:00.999Z$/),
  ],
];

function cycle(): unknown {
  const value: Record<string, unknown> = {};
  value['self'] = value;
  return value;
}

describe('a job that', () => {
  test.each(TABLE)('%s', (_, special, ending, expected, engine) => {
    const now = special.now ?? NOW;
    const outcome = conclude({ ...job, ...special }, ending);
    expect(outcome).toMatchObject(expected);
    const settlement = told(outcome);
    expect(settlement.kind).toBe(engine.kind);
    expect(kept(settlement)).toEqual(engine.kept);
    if (settlement.kind === 'again') {
      expect({ inMs: settlement.at - now, counts: settlement.countsAttempt }).toEqual({
        inMs: engine.inMs,
        counts: engine.counts,
      });
    }
    if (settlement.kind === 'failed' || settlement.kind === 'expired')
      expect(settlement.reason).toMatch(engine.reason ?? /^$/);
  });
});

describe('an error’s meaning', () => {
  test.each<[string, unknown, Outcome['kind']]>([
    ['is that of its base class', new (class extends Hopeless {})('x'), 'failed'],
    ['is that of its class before its base class', new HopelessOnlyNow('x'), 'blocked'],
    ['is that of its cause', new Unmarked('x', { cause: new Hopeless('y') }), 'failed'],
    ['is that of its own before its cause', new NotThere('x', { cause: new Hopeless('y') }), 'blocked'],
    [
      'is that of the nearest cause',
      new Unmarked('x', { cause: new Unmarked('y', { cause: new NotThere('z') }) }),
      'blocked',
    ],
    ['is none, where a thrown value that is no error holds one as cause', { cause: new FatalError('x') }, 'retried'],
    ['is none, where a thrown value of a marked class is no error', new (notAnError())(), 'retried'],
  ])('%s', (_, thrown, kind) => {
    expect(conclude(job, threw(thrown)).kind).toBe(kind);
  });

  test('is that of the rules after the marks', () => {
    const errors = { fatal: [Unmarked, Busy], blocked: [(error: Error) => error.message === 'wait'] };
    expect(conclude({ ...job, errors }, threw(new Unmarked('x'))).kind).toBe('failed');
    expect(conclude({ ...job, errors }, threw(new Busy('x'))).kind).toBe('retried');
    expect(conclude({ ...job, errors }, threw(new Error('wait')))).toMatchObject({
      kind: 'blocked',
      at: NOW + 30 * SECOND,
    });
    expect(conclude({ ...job, errors }, threw(new Error('x')))).toMatchObject({ kind: 'retried', at: NOW + MINUTE });
  });

  test('keeps the retryIn of the mark that was found', () => {
    const error = new Unmarked('x', { cause: new TransientError('y', { retryIn: '3s' }) });
    expect(conclude(job, threw(error))).toMatchObject({ kind: 'retried', at: NOW + 3 * SECOND, error });
  });

  function notAnError(): new () => object {
    @Fatal()
    class NotAnError {}
    return NotAnError;
  }
});

describe('what a schema says', () => {
  const refusal = new SchemaError([{ path: 'payload.to', message: 'expected a text' }]);
  test.each(['payload', 'result'] as const)('against a %s fails the job at once', (what) => {
    const reason = `the ${what} is refused by its schema: payload.to: expected a text`;
    expect(conclude(job, { kind: 'refused', what, error: refusal })).toEqual({
      kind: 'failed',
      reason,
      error: refusal,
    });
  });

  const unchecked = (cause: Error): Outcome =>
    conclude(job, { kind: 'unchecked', error: new SchemaFailure('the schema failed', { cause }) });
  test('is final where it throws', () => {
    expect(unchecked(new Error('x'))).toMatchObject({ kind: 'failed', reason: 'the schema failed' });
    expect(unchecked(new FatalError('x'))).toMatchObject({ kind: 'failed' });
  });
  test('unless its error is marked', () => {
    expect(unchecked(new TransientError('x', { retryIn: '5s' }))).toMatchObject({ kind: 'retried', at: NOW + 5000 });
    expect(unchecked(new BlockedError('x', { retryIn: '5s' }))).toMatchObject({ kind: 'blocked', at: NOW + 5000 });
  });
});

describe('whatever is thrown', () => {
  test.each(THROWN)('such as %s is a failed attempt that can be kept', (_, make) => {
    const thrown = make();
    const outcome = conclude(job, threw(thrown));
    expect(outcome.kind).toBe('retried');
    expect(() => JSON.stringify(told(outcome))).not.toThrow();
    expect(conclude({ ...job, attempt: 20 }, threw(thrown)).kind).toBe('failed');
  });

  test.each([undefined, null, 'a text', 42])('such as %j is wrapped in an error that holds it', (thrown) => {
    const outcome = conclude(job, threw(thrown));
    expect(outcome).toMatchObject({ kind: 'retried', error: { cause: thrown } });
  });
});

describe('whatever is returned', () => {
  test('such as what can not be read fails the job at once', () => {
    for (const value of [
      objectWithThrowingGetter(),
      unreadableError(),
      proxyError(),
      cyclicError(),
      new Bottomless('x'),
    ]) {
      const outcome = conclude(job, returned(value));
      expect(outcome.kind).toBe('failed');
      expect(() => JSON.stringify(told(outcome))).not.toThrow();
    }
  });
});

describe('the wait before a retry', () => {
  const at = (special: Partial<Case>): number => {
    const outcome = conclude({ ...job, ...special }, threw(new Busy('x')));
    if (outcome.kind !== 'retried') throw new Error(outcome.kind);
    return outcome.at - NOW;
  };

  test('grows with the attempts, within its jitter', () => {
    for (const [attempt, middle] of [
      [1, SECOND],
      [2, 2 * SECOND],
      [5, 16 * SECOND],
      [13, HOUR],
      [19, HOUR],
    ] as const) {
      expect(at({ attempt, backoff: DEFAULT_BACKOFF })).toBe(middle);
      expect(at({ attempt, backoff: DEFAULT_BACKOFF, random: 0 })).toBe(middle * 0.9);
      expect(at({ attempt, backoff: DEFAULT_BACKOFF, random: 1 - Number.EPSILON })).toBe(Math.round(middle * 1.1));
    }
  });

  test('makes 20 attempts last about 8 hours', () => {
    let now = PUBLISHED;
    for (let attempt = 1; attempt <= 20; attempt++) {
      const outcome = conclude(
        { ...job, attempt, now, backoff: DEFAULT_BACKOFF, random: (attempt * 0.37) % 1 },
        threw('x'),
      );
      expect(outcome.kind).toBe(attempt < 20 ? 'retried' : 'failed');
      if (outcome.kind === 'retried') now = outcome.at;
    }
    expect((now - PUBLISHED) / HOUR).toBeGreaterThan(7.5);
    expect((now - PUBLISHED) / HOUR).toBeLessThan(8.5);
  });

  test('may be a function’s of the attempt', () => {
    expect(at({ attempt: 3, backoff: (attempt) => attempt * 100 })).toBe(300);
    expect(at({ backoff: () => '2m' })).toBe(2 * MINUTE);
  });

  test('is in whole milliseconds, and a moment that can be told', () => {
    expect(at({ backoff: () => 0.2 })).toBe(1);
    expect(at({ backoff: () => Number.MAX_VALUE })).toBe(LAST_MOMENT - NOW);
    const endless = { retryIn: Number.MAX_VALUE };
    expect(conclude(job, threw(new TransientError('x', endless)))).toMatchObject({ kind: 'retried', at: LAST_MOMENT });
    expect(conclude(job, threw(new TransientError('x', { retryIn: 0.5 })))).toMatchObject({ at: NOW + 1 });
    expect(conclude(job, threw(new BlockedError('x', endless)))).toMatchObject({
      kind: 'blocked',
      at: PUBLISHED + 7 * DAY,
    });
  });

  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('my bug');
      },
    ],
    [
      'throws undefined',
      () => {
        throw undefined;
      },
    ],
    [
      'throws what can not be read',
      () => {
        throw unreadableError();
      },
    ],
    ['gives nothing', () => undefined],
    ['gives NaN', () => NaN],
    ['gives less than 0', () => -1],
    ['gives Infinity', () => Infinity],
    ['gives no duration', () => 'soon'],
    ['gives a promise', () => Promise.resolve(5)],
  ])('is the default one’s where the function %s, which is said', (_, backoff) => {
    const outcome = conclude({ ...job, attempt: 3, backoff: backoff as () => number }, threw(new Busy('x')));
    expect(outcome).toMatchObject({
      kind: 'retried',
      at: NOW + 4 * SECOND,
      warning: expect.stringMatching(/^the backoff function of job "send_email" failed, so the default is used: /),
    });
  });

  test('is not asked for where the error says it', () => {
    const backoff = (): number => {
      throw new Error('asked');
    };
    const outcome = conclude({ ...job, backoff }, threw(new BusyForFiveSeconds('x')));
    expect(outcome).toEqual({ kind: 'retried', at: NOW + 5 * SECOND, error: expect.any(BusyForFiveSeconds) as Error });
  });
});

test('a job that is blocked and not blocked by turns is counted by its failures alone', () => {
  expect(told(conclude({ ...job, attempt: 3 }, threw(new NotThere('x'))))).toMatchObject({
    countsAttempt: false,
    failures: [before],
  });
  expect(told(conclude({ ...job, attempt: 3 }, threw(new Busy('x'))))).toMatchObject({ countsAttempt: true });
});

test('concluding changes nothing and gives the same again', () => {
  const frozen = Object.freeze({ ...job });
  const ending = Object.freeze(threw(new Busy('x')));
  expect(conclude(frozen, ending)).toEqual(conclude(frozen, ending));
});

test('the reason of a job that no handler was reached for has no stack of ours', () => {
  const outcome = conclude(job, { kind: 'unreadable', reason: 'it is empty' });
  expect(outcome).toMatchObject({ error: { name: 'JobNotHandledError', stack: undefined } });
  expect(told(outcome)).toMatchObject({ failures: [before, { error: { name: 'JobNotHandledError' } }] });
});
