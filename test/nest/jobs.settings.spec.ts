import { hostname } from 'node:os';
import { memory } from 'nestjs-jobs/memory';
import { expect, test } from 'vitest';
import { DEFAULT_BACKOFF } from '../../lib/core/backoff.js';
import { jobsSettings } from '../../lib/nest/jobs.settings.js';

const backend = memory();

test('the defaults are those of the documentation', () => {
  expect(jobsSettings({ backend })).toEqual({
    backend,
    consume: true,
    queues: new Map(),
    routes: new Map(),
    handlers: new Map(),
    defaults: {
      queue: 'default',
      priority: 1024,
      attempts: 20,
      backoff: DEFAULT_BACKOFF,
      timeoutMs: undefined,
      concurrency: 10,
    },
    errors: {},
    unknownJobGraceMs: 5 * 60_000,
    blockedForMs: 7 * 24 * 3_600_000,
    publishTimeoutMs: 5_000,
    shutdownGraceMs: 30_000,
    globalEnhancers: false,
    contextCarrier: undefined,
    operate: { trace: false, redact: undefined, deadlineMs: 5_000 },
    worker: `${hostname()}:${process.pid}`,
  });
});

test('what is given is taken', () => {
  class NotThere extends Error {}
  const backoff = (attempt: number): number => attempt * 1000;
  const errors = { transient: [NotThere, () => false], fatal: [], blocked: undefined };
  const settings = jobsSettings({
    backend,
    consume: ['mail', 'mail', 'pictures'],
    queues: { mail: { concurrency: 3, rawJob: 'send_email' }, pictures: {} },
    routes: { send_email: 'mail' },
    defaults: { queue: 'mail', priority: -1, attempts: 3, backoff, timeout: '1m', concurrency: 2 },
    errors,
    unknownJobGrace: 0,
    blockedFor: '1 day',
    publishTimeout: '1s',
    shutdownGrace: 0,
  });
  expect(settings).toMatchObject({
    consume: new Set(['mail', 'pictures']),
    queues: new Map([
      ['mail', { concurrency: 3, rawJob: 'send_email' }],
      ['pictures', { concurrency: undefined, rawJob: undefined }],
    ]),
    routes: new Map([['send_email', 'mail']]),
    defaults: { queue: 'mail', priority: 0, attempts: 3, backoff, timeoutMs: 60_000, concurrency: 2 },
    errors,
    unknownJobGraceMs: 0,
    blockedForMs: 86_400_000,
    publishTimeoutMs: 1000,
    shutdownGraceMs: 0,
  });
});

const refused: [options: unknown, message: string | RegExp][] = [
  [7, 'options: expected an object, got 7'],
  [[], 'options: expected an object, got []'],
  [{ backend, queue: {} }, /^options: expected of backend, consume, .*, got the unknown option "queue"$/],
  [{ backend, isGlobal: false }, /got the unknown option "isGlobal"$/],
  [{}, /^backend: expected what a factory .*'filer:var\/jobs', got undefined$/],
  [{ backend: 5 }, /^backend: expected what a factory .* got 5$/],
  [{ backend: memory }, /^backend: expected what a factory .* got \[Function: memory\]$/],
  [
    { backend: { traits: {}, publish: () => [], close: () => undefined } },
    'backend: expected an object that keeps the contract Backend, got one without reserve, settle, extend',
  ],
  [{ backend: { open: () => undefined } }, 'backend.name: expected a text, got undefined'],
  [
    { backend: 'amqp://ada:secret@host' },
    'backend: expected a URL that starts with filer: or memory: or redis: or rediss: or beanstalkd:, got "amqp:"',
  ],
  [{ backend, consume: 'mail' }, 'consume: expected true, false or a list of queue names, got "mail"'],
  [{ backend, consume: ['mail', 'a/b'] }, /^consume\[1\]: queue name: expected 1 to 100 of .*; got "a\/b"$/],
  [{ backend, queues: ['mail'] }, /^queues: expected an object, got/],
  [{ backend, queues: { '.mail': {} } }, /^queues: queue name: expected 1 to 100 of .*; got "\.mail"$/],
  [{ backend, queues: { mail: 5 } }, 'queues.mail: expected an object, got 5'],
  [
    { backend, queues: { mail: { limit: 5 } } },
    'queues.mail: expected of concurrency, rawJob, maxJobs, maxBytes, maxAge, whenFull, rate, got the unknown option "limit"',
  ],
  [
    { backend, queues: { mail: { concurrency: 0 } } },
    'queues.mail.concurrency: expected a whole number of at least 1, got 0',
  ],
  [
    { backend, queues: { mail: { concurrency: Infinity } } },
    'queues.mail.concurrency: expected a whole number of at least 1, got Infinity',
  ],
  [{ backend, queues: { mail: { rawJob: 'a b' } } }, /^queues\.mail\.rawJob: job name: expected .* got "a b"$/],
  [
    { backend, queues: { mail: { maxJobs: 1.5 } } },
    'queues.mail.maxJobs: expected a whole number of at least 1, got 1.5',
  ],
  [
    { backend, queues: { mail: { maxBytes: '1mb' } } },
    'queues.mail.maxBytes: expected a whole number of at least 1, got "1mb"',
  ],
  [{ backend, queues: { mail: { maxAge: 0 } } }, 'queues.mail.maxAge: expected more than 0, got 0'],
  [{ backend, queues: { mail: { maxAge: 'old' } } }, /^queues\.mail\.maxAge: expected milliseconds .* got "old"$/],
  [
    { backend, queues: { mail: { maxJobs: 1, whenFull: 'drop' } } },
    "queues.mail.whenFull: expected of 'reject', 'wait', 'drop-oldest', 'drop-newest', got \"drop\"",
  ],
  [
    { backend, queues: { mail: { maxAge: '1h', whenFull: 'wait' } } },
    'queues.mail.whenFull: expected maxJobs or maxBytes beside it, got neither',
  ],
  [{ backend, queues: { mail: { rate: 10 } } }, 'queues.mail.rate: expected an object, got 10'],
  [
    { backend, queues: { mail: { rate: { max: 0, per: '1s' } } } },
    'queues.mail.rate.max: expected a whole number of at least 1, got 0',
  ],
  [{ backend, queues: { mail: { rate: { max: 1, per: 0 } } } }, 'queues.mail.rate.per: expected more than 0, got 0'],
  [
    { backend, queues: { mail: { rate: { max: 1 } } } },
    /^queues\.mail\.rate\.per: expected milliseconds .* undefined$/,
  ],
  [
    { backend, handlers: { send_email: { rate: { max: 1, every: '1s' } } } },
    'handlers.send_email.rate: expected of max, per, got the unknown option "every"',
  ],
  [
    { backend, defaults: { rate: { max: 1, per: '1s' } } },
    'defaults.rate: expected the rate of a queue or of a handler, got one of all',
  ],
  [{ backend, routes: 'mail' }, 'routes: expected an object, got "mail"'],
  [{ backend, routes: { send_email: 5 } }, /^routes\.send_email: queue name: expected .* got 5$/],
  [{ backend, routes: { 'send email': 'mail' } }, /^routes: job name: expected .* got "send email"$/],
  [{ backend, defaults: [] }, 'defaults: expected an object, got []'],
  [{ backend, defaults: { retries: 3 } }, /^defaults: expected of queue, .*, got the unknown option "retries"$/],
  [{ backend, defaults: { queue: '' } }, /^defaults\.queue: queue name: expected .* got ""$/],
  [{ backend, defaults: { priority: 1.5 } }, /^defaults\.priority: expected a whole number from 0 .* got 1\.5$/],
  [{ backend, defaults: { attempts: 0 } }, 'defaults.attempts: expected a whole number of at least 1, got 0'],
  [
    { backend, defaults: { backoff: { kind: 'linear' } } },
    /^defaults\.backoff\.kind: expected 'fixed' or 'exponential'/,
  ],
  [{ backend, defaults: { timeout: 0 } }, 'defaults.timeout: expected more than 0, got 0'],
  [{ backend, defaults: { concurrency: '3' } }, /^defaults\.concurrency: expected a whole number .* got "3"$/],
  [{ backend, errors: [] }, 'errors: expected an object, got []'],
  [
    { backend, errors: { passing: [] } },
    /^errors: expected of transient, fatal, blocked, got the unknown option "passing"$/,
  ],
  [{ backend, errors: { fatal: TypeError } }, /^errors\.fatal: expected a list of error classes and predicates, got/],
  [
    { backend, errors: { blocked: ['ENOENT'] } },
    /^errors\.blocked: expected a list of error classes and predicates, got/,
  ],
  [{ backend, unknownJobGrace: 'soon' }, /^unknownJobGrace: expected milliseconds or a duration .* got "soon"$/],
  [{ backend, blockedFor: -1 }, /^blockedFor: expected milliseconds or a duration .* got -1$/],
  [{ backend, publishTimeout: 0 }, 'publishTimeout: expected more than 0, got 0'],
  [{ backend, publishTimeout: NaN }, /^publishTimeout: expected milliseconds or a duration .* got NaN$/],
  [{ backend, shutdownGrace: {} }, /^shutdownGrace: expected milliseconds or a duration .* got \{\}$/],
];

for (const [options, message] of refused) {
  test(`refused: ${String(message)}`, () => {
    let said: unknown;
    try {
      jobsSettings(options);
    } catch (error) {
      said = error;
    }
    expect(said).toBeInstanceOf(TypeError);
    const told = (said as Error).message;
    expect(told.startsWith('JobsModule: ')).toBe(true);
    if (typeof message === 'string') expect(told.slice(12)).toBe(message);
    else expect(told.slice(12)).toMatch(message);
  });
}
