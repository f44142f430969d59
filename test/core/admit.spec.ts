import { describe, expect, test } from 'vitest';
import { admit, readContent } from '../../lib/core/admit.js';
import type { Delivery } from '../../lib/core/backend.js';
import { DEFAULT_PRIORITY, type ReceivedMessage, type Unreadable } from '../../lib/core/message.js';
import { decodeMessage } from '../../lib/core/message-decoding.js';

const NOW = Date.parse('2026-11-21T09:00:00.000Z');

const message: ReceivedMessage = {
  id: '1',
  name: 'send_email',
  payload: {},
  priority: 10,
  attemptsUsed: 0,
  headers: {},
};

function delivery(content: ReceivedMessage | Unreadable, attempt = 1): Delivery {
  return { queue: 'default', receipt: 'r', attempt, content, storedAt: NOW, leasedAt: 0, failures: [] };
}

function stored(bytes: string | Uint8Array): Delivery {
  const content = decodeMessage(typeof bytes === 'string' ? Buffer.from(bytes) : bytes, 'file-1');
  return delivery(content);
}

describe('a delivery is admitted', () => {
  const three = { maxAttempts: 3 };
  test.each<[string, Partial<ReceivedMessage>, number, { maxAttempts: number } | undefined, unknown]>([
    ['with nothing against it', {}, 1, three, undefined],
    ['with its last attempt', {}, 3, three, undefined],
    ['not after its last attempt', {}, 4, three, { kind: 'spent' }],
    ['not without a handler', {}, 1, undefined, { kind: 'unknown' }],
    ['at its expiration', { expiresAt: NOW }, 1, three, undefined],
    ['not after its expiration', { expiresAt: NOW - 1 }, 1, three, { kind: 'late', expiresAt: NOW - 1 }],
    ['when it is due', { readyAt: NOW }, 1, three, undefined],
    ['not before it is due', { readyAt: NOW + 1 }, 1, three, { kind: 'early', readyAt: NOW + 1 }],
    ['not early without a handler', { readyAt: NOW + 1 }, 1, undefined, { kind: 'early', readyAt: NOW + 1 }],
    ['not late without a handler', { expiresAt: NOW - 1 }, 1, undefined, { kind: 'late', expiresAt: NOW - 1 }],
    [
      'not late, though it was to be delayed longer',
      { readyAt: NOW + 1, expiresAt: NOW - 1 },
      1,
      three,
      { kind: 'late', expiresAt: NOW - 1 },
    ],
    ['not late after its last attempt', { expiresAt: NOW - 1 }, 9, three, { kind: 'late', expiresAt: NOW - 1 }],
  ])('%s', (_, special, attempt, handler, ending) => {
    const received = { ...message, ...special };
    expect(admit(received, delivery(received, attempt), handler, NOW)).toEqual(ending);
  });
});

describe('what is no message', () => {
  test.each<[string, string, unknown]>([
    ['JSON', '{"picture":1}', { picture: 1 }],
    ['a JSON text', '"hello"', 'hello'],
    ['JSON null', 'null', null],
    ['text', 'hello\nworld', 'hello\nworld'],
    ['white space', ' \n', ' \n'],
    ['truncated JSON', '{"header":{"request_type":"x"}', '{"header":{"request_type":"x"}'],
    ['JSON with a byte order mark', '\uFEFF[1]', [1]],
    ['text with a byte order mark', '\uFEFFhello', 'hello'],
  ])('is the payload of the queue’s rawJob: %s', (_, text, payload) => {
    expect(readContent(stored(text), 'import_file')).toEqual({
      id: 'file-1',
      name: 'import_file',
      payload,
      priority: DEFAULT_PRIORITY,
      attemptsUsed: 0,
      headers: {},
    });
  });

  test('stays unreadable without rawJob', () => {
    const one = stored('hello');
    expect(readContent(one, undefined)).toBe(one.content);
  });

  test.each<[string, string | Uint8Array]>([
    ['an empty file', ''],
    ['bytes that are no text', new Uint8Array([0xff])],
    ['a message with a damaged field', '{"header":{"request_type":"x","priority":"y"}}'],
  ])('is not taken as a payload where it is %s', (_, bytes) => {
    const one = stored(bytes);
    expect(readContent(one, 'import_file')).toBe(one.content);
  });
});

test('a message is taken as such also where there is a rawJob', () => {
  const one = stored('{"header":{"request_type":"send_email"},"body":1}');
  expect(readContent(one, 'import_file')).toBe(one.content);
});
