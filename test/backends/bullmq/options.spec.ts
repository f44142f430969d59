import { Redis } from 'ioredis';
import { describe, expect, test } from 'vitest';
import { bullmq, type BullmqOptions } from '../../../lib/backends/bullmq/index.js';
import { load } from '../../../lib/backends/bullmq/packages.js';
import { checkRetention } from '../../../lib/backends/bullmq/retention.js';

const connection = 'redis://127.0.0.1:6379';

describe('bullmq', () => {
  test.for<[title: string, options: unknown, fault: string]>([
    ['nothing', undefined, 'bullmq: expected { connection, … }, got undefined'],
    ['an unknown option', { connection, host: 'x' }, 'bullmq: unknown option "host"; known are connection, prefix'],
    ['no connection', {}, 'bullmq: connection: expected a redis:// URL, { host, port, … } or a client of ioredis'],
    ['another URL', { connection: 'http://:secret@x' }, 'expected a URL that starts with redis:// or rediss://'],
    ['an empty prefix', { connection, prefix: '' }, 'bullmq: prefix: expected a text that is not empty, got ""'],
    ['no duration', { connection, lease: 'long' }, 'bullmq: lease: expected milliseconds or a duration'],
    ['too short a lease', { connection, lease: 5 }, 'bullmq: lease: expected at least 100 ms, got 5'],
    ['a key prefix', { connection: { keyPrefix: 'x' } }, "BullMQ can't use keyPrefix; set the option prefix instead"],
    ['no retention', { connection, retention: 5 }, 'bullmq: retention: expected { completed, failed, expired }, got 5'],
    ['another retention', { connection, retention: { all: {} } }, 'bullmq: retention: unknown option "all"'],
    ['no bound', { connection, retention: { failed: {} } }, 'retention.failed: expected { age, count }, true or false'],
    ['half a job', { connection, retention: { failed: { count: 0.5 } } }, 'expected a whole number of at least 0'],
  ])('refuses %s', ([, options, fault]) => {
    expect(() => bullmq(options as BullmqOptions)).toThrow(fault);
    expect(() => bullmq(options as BullmqOptions)).toThrow(TypeError);
    expect(() => bullmq(options as BullmqOptions)).not.toThrow('secret');
  });

  test('refuses a client with a key prefix', () => {
    const client = new Redis({ lazyConnect: true, keyPrefix: 'x' });
    expect(() => bullmq({ connection: client })).toThrow("can't use keyPrefix");
    client.disconnect();
  });

  test('says which package is missing, and what installs it', async () => {
    const missing = Object.assign(new Error('nope'), { code: 'ERR_MODULE_NOT_FOUND' });
    const never = (): never => {
      throw new Error('not here');
    };
    await expect(load('ioredis', never, () => Promise.reject(missing))).rejects.toThrow(
      'the package "ioredis" is missing, which it needs; install it: npm install bullmq ioredis',
    );
    const other = new Error('broken');
    await expect(load('ioredis', never, () => Promise.reject(other))).rejects.toBe(other);
    expect(await load('ioredis', never, () => Promise.resolve('bundled'))).toBe('bundled');
  });
});

test('retention is bounded unless said otherwise', () => {
  expect(checkRetention(undefined)).toEqual({
    completed: { age: 3_600, count: 1_000 },
    failed: { age: 604_800, count: 10_000 },
    expired: { age: 604_800, count: 10_000 },
  });
  expect(checkRetention({ completed: false, failed: true, expired: { age: '90s' } })).toEqual({
    completed: { count: 0 },
    failed: { count: -1 },
    expired: { age: 90, count: -1 },
  });
});
