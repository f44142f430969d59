import { afterEach, describe, expect, test } from 'vitest';
import {
  DEFAULT_PRIORITY,
  encodeMessage,
  isUnreadable,
  LEAST_PRIORITY,
  mostBytes,
  receive,
  RESERVED_HEADERS,
  type Message,
  type ReceivedMessage,
  type Unreadable,
} from '../../lib/core/message.js';
import { decodeMessage, textOf } from '../../lib/core/message-decoding.js';
import { LAST_MOMENT } from '../../lib/core/time.js';
import { Random, SEEDS } from './random.js';

const NINE = Date.parse('2026-11-21T09:00:00.000Z');
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function decoded(message: unknown, fallbackId = 'given'): ReceivedMessage {
  const content = decodeMessage(bytesOf(typeof message === 'string' ? message : JSON.stringify(message)), fallbackId);
  if (isUnreadable(content)) throw new Error(content.unreadable);
  return content;
}

function refused(message: unknown): Unreadable {
  const bytes =
    message instanceof Uint8Array ? message : bytesOf(typeof message === 'string' ? message : JSON.stringify(message));
  const content = decodeMessage(bytes, 'given');
  if (!isUnreadable(content)) throw new Error('it was read');
  expect(content.id).toBe('given');
  expect(content.bytes).toBe(bytes);
  return content;
}

function randomMessage(random: Random): Message {
  const time = (): number => random.whole(-62_167_219_200_000, LAST_MOMENT);
  const headers = Object.entries(
    Object.fromEntries(Array.from({ length: random.whole(0, 4) }, () => [random.text(), random.text()])),
  ).filter(([name]) => !RESERVED_HEADERS.has(name));
  return {
    id: random.text(200) || 'x',
    name: random.name(),
    body: JSON.stringify(random.json()),
    priority: random.pick([0, 1, DEFAULT_PRIORITY, LEAST_PRIORITY, random.whole(0, LEAST_PRIORITY)]),
    publishedAt: random.maybe(time),
    readyAt: random.maybe(time),
    expiresAt: random.maybe(time),
    attemptsUsed: random.pick([0, 0, 1, random.whole(0, 1_000_000)]),
    maxAttempts: random.maybe(() => random.whole(1, 1_000_000)),
    backoff: random.maybe(() => ({
      kind: random.pick(['fixed', 'exponential'] as const),
      base: random.whole(0, 1_000_000),
      factor: random.whole(1, 1000) || 1,
      max: random.whole(0, 10_000_000),
      jitter: random.fraction(),
    })),
    timeoutMs: random.maybe(() => random.whole(1, 1_000_000)),
    headers: Object.fromEntries(headers),
  };
}

describe('a message', () => {
  test.each(SEEDS)('comes back from its JSON as it was (seed %i)', (seed) => {
    const random = new Random(seed);
    for (let n = 0; n < 500; n++) {
      const message = randomMessage(random);
      const back = decoded(encodeMessage(message), 'unused');
      expect(back).toEqual(receive(message));
      expect(Object.keys(back.headers)).toEqual(Object.keys(message.headers));
    }
  });

  test.each(SEEDS)('is JSON that others can read (seed %i)', (seed) => {
    const random = new Random(seed);
    for (let n = 0; n < 100; n++) {
      const message = randomMessage(random);
      const json = JSON.parse(encodeMessage(message)) as { id: string; header: Record<string, unknown>; body: unknown };
      expect(Object.keys(json)).toEqual(['id', 'header', 'body']);
      expect(json.header['request_type']).toBe(message.name);
      expect(json.body).toEqual(JSON.parse(message.body));
    }
  });

  test('is written as the documentation says', () => {
    const json = encodeMessage({
      id: '0198f2c4',
      name: 'send_email',
      body: '{"to":"ada@example.org"}',
      priority: 10,
      publishedAt: NINE - 300_000,
      readyAt: NINE,
      expiresAt: NINE + 3_600_000,
      attemptsUsed: 0,
      headers: { trace: 'abc' },
    });
    expect(JSON.parse(json)).toEqual({
      id: '0198f2c4',
      header: {
        request_type: 'send_email',
        priority: 10,
        delay: '2026-11-21T09:00:00.000Z',
        expiration: '2026-11-21T10:00:00.000Z',
        published: '2026-11-21T08:55:00.000Z',
        trace: 'abc',
      },
      body: { to: 'ada@example.org' },
    });
  });

  test('hands out a payload of the receiver’s own', () => {
    const message = randomMessage(new Random(1));
    const stored: Message = { ...message, body: '{"list":[1]}' };
    const first = receive(stored).payload as { list: number[] };
    first.list.push(2);
    expect(receive(stored).payload).toEqual({ list: [1] });
  });
});

describe('a message of others', () => {
  const zone = process.env['TZ'];
  afterEach(() => {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  });

  test('needs nothing but header.request_type', () => {
    expect(decoded({ header: { request_type: 'send_email' } }, 'file-7')).toEqual({
      id: 'file-7',
      name: 'send_email',
      payload: null,
      priority: DEFAULT_PRIORITY,
      attemptsUsed: 0,
      headers: {},
    });
  });

  test('may say everything', () => {
    const message = {
      id: 'a foreign id / with anything',
      header: {
        request_type: 'Größe ändern',
        priority: 7,
        delay: '2026-11-21 09:00:00.123456',
        expiration: '2026-11-21T11:00:00+01:00',
        published: '2026-11-21T08:55',
        attempts: 3,
        max_attempts: 5,
        backoff: { kind: 'fixed', base: '30s' },
        timeout: 60_000,
        version: 1,
        trace: 'abc',
      },
      body: [1, 2],
      more: 'left alone',
    };
    expect(decoded(message)).toEqual({
      id: 'a foreign id / with anything',
      name: 'Größe ändern',
      payload: [1, 2],
      priority: 7,
      readyAt: NINE + 123,
      expiresAt: NINE + 3_600_000,
      publishedAt: NINE - 300_000,
      attemptsUsed: 3,
      maxAttempts: 5,
      backoff: { kind: 'fixed', base: 30_000, factor: 2, max: 3_600_000, jitter: 0.1 },
      timeoutMs: 60_000,
      headers: { trace: 'abc' },
    });
  });

  test('without a zone is UTC, whatever the host’s zone', () => {
    process.env['TZ'] = 'America/New_York';
    expect(new Date(NINE).getTimezoneOffset()).toBe(300);
    expect(decoded({ header: { request_type: 'x', delay: '2026-11-21 09:00:00' } }).readyAt).toBe(NINE);
    expect(decoded({ header: { request_type: 'x', delay: '2026-11-21T04:00:00-05:00' } }).readyAt).toBe(NINE);
  });

  test('whose fields are null is one that does not say', () => {
    const nulls = Object.fromEntries([...RESERVED_HEADERS].map((name) => [name, null]));
    const message = decoded({ id: null, header: { ...nulls, request_type: 'x' }, body: null });
    expect(message).toEqual(decoded({ header: { request_type: 'x' } }));
  });

  test.each([
    [0, 0],
    [-0, 0],
    [-3, 0],
    [-1e300, 0],
    [1024, 1024],
    [10.0, 10],
    [LEAST_PRIORITY, LEAST_PRIORITY],
  ])('of priority %d has %d', (priority, expected) => {
    expect(decoded({ header: { request_type: 'x', priority } }).priority).toBe(expected);
  });

  test.each<[string, unknown]>([
    ['id', 'x'.repeat(1000)],
    ['id', 'é'.repeat(500)],
    ['id', '../../etc/passwd'],
    ['id', 'a\0b\n'],
    ['id', '😀'],
  ])('may have any %s up to 1,000 bytes (%#)', (_, id) => {
    expect(decoded({ id, header: { request_type: 'x' } }).id).toBe(id);
  });

  test('keeps its own headers, those that are no text as their JSON', () => {
    const header =
      '{"request_type":"x","n":5,"yes":true,"none":null,"list":[1,"a"],"map":{"a":{}},"text":"5","":"empty",' +
      '"__proto__":{"polluted":true},"constructor":"c","toString":1}';
    const { headers } = decoded(`{"header":${header}}`);
    expect(Object.entries(headers)).toEqual([
      ['n', '5'],
      ['yes', 'true'],
      ['none', 'null'],
      ['list', '[1,"a"]'],
      ['map', '{"a":{}}'],
      ['text', '5'],
      ['', 'empty'],
      ['__proto__', '{"polluted":true}'],
      ['constructor', 'c'],
      ['toString', '1'],
    ]);
    expect(Object.getPrototypeOf(headers)).toBe(Object.prototype);
    expect('polluted' in {}).toBe(false);
  });

  test('is not changed by keys named __proto__ anywhere', () => {
    const text =
      '{"__proto__":{"header":{"request_type":"bad"}},"header":{"request_type":"x","priority":1},"body":{"__proto__":{"admin":true},"a":1}}';
    const message = decoded(text);
    expect(message.name).toBe('x');
    expect(Object.keys(message.payload as object)).toEqual(['__proto__', 'a']);
    expect((message.payload as { admin?: boolean }).admin).toBeUndefined();
    expect(refused('{"__proto__":{"header":{"request_type":"bad"}}}').kind).toBe('foreign');
    expect(refused('{"header":{"__proto__":{"request_type":"bad"}}}').kind).toBe('foreign');
  });

  test('may begin with a byte order mark', () => {
    expect(decoded('\uFEFF{"header":{"request_type":"x"},"body":"\uFEFF"}').payload).toBe('\uFEFF');
  });

  test('may have spaces around it, and its last field wins', () => {
    expect(decoded(' \n{"header":{"request_type":"a","request_type":"b"}}\r\n').name).toBe('b');
  });

  test('may be a view into other bytes', () => {
    const all = bytesOf('....{"header":{"request_type":"x"}}....');
    const content = decodeMessage(all.subarray(4, -4), 'given');
    expect(content).toMatchObject({ name: 'x' });
  });

  test('may be of 50 MB', () => {
    const message = decoded(`{"header":{"request_type":"x"},"body":"${'x'.repeat(50_000_000)}"}`);
    expect((message.payload as string).length).toBe(50_000_000);
  });

  test('may be 100,000 deep', () => {
    const message = decoded(`{"header":{"request_type":"x"},"body":${'['.repeat(100_000)}${']'.repeat(100_000)}}`);
    expect(message.payload).toBeInstanceOf(Array);
  });
});

describe('no message at all, which rawJob may take, is', () => {
  test.each<[string, string]>([
    ['white space', ' \n\t '],
    ['a byte order mark alone', '\uFEFF'],
    ['plain text', 'hello'],
    ['truncated JSON', '{"header":{"request_type":"x"},"bo'],
    ['two messages', '{"header":{"request_type":"x"}}{"header":{"request_type":"y"}}'],
    ['null', 'null'],
    ['a number', '5'],
    ['a text', '"{}"'],
    ['an array', '[]'],
    ['an array of messages', '[{"header":{"request_type":"x"}}]'],
    ['an object', '{}'],
    ['a header that is null', '{"header":null}'],
    ['a header that is a text', '{"header":"request_type"}'],
    ['a header that is an array', '{"header":[{"request_type":"x"}]}'],
    ['a header without request_type', '{"header":{"priority":1}}'],
    ['a request_type that is null', '{"header":{"request_type":null}}'],
    ['a request_type beside the header', '{"request_type":"x"}'],
    ['zero bytes', '\0\0\0'],
    ['100,000 brackets', '['.repeat(100_000)],
  ])('%s', (_, text) => {
    const content = refused(text);
    expect(content.kind).toBe('foreign');
    expect(content.unreadable).toMatch(
      /^it is not JSON: |^it is JSON, but no message: header.request_type is missing$/,
    );
    expect(content.unreadable.length).toBeLessThan(300);
  });
});

describe('a damaged message is', () => {
  const header = (fields: Record<string, unknown>): unknown => ({ header: { request_type: 'x', ...fields } });

  test.each<[string, unknown, RegExp]>([
    ['no byte', new Uint8Array(0), /^it is empty$/],
    ['invalid UTF-8', new Uint8Array([0x22, 0xff, 0x22]), /^it is not UTF-8 text$/],
    ['UTF-8 cut within a character', bytesOf('"é"').subarray(0, 2), /^it is not UTF-8 text$/],
    ['UTF-16', Buffer.from('\uFEFF{}', 'utf16le'), /^it is not UTF-8 text$/],
    ['surrogates as UTF-8', new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22]), /^it is not UTF-8 text$/],
    [
      'a request_type that is empty',
      header({ request_type: '' }),
      /^header\.request_type: expected a text .*, got ""$/,
    ],
    [
      'a request_type that is a number',
      header({ request_type: 5 }),
      /^header\.request_type: expected a text .*, got 5$/,
    ],
    [
      'an id that is empty',
      { id: '', header: { request_type: 'x' } },
      /^id: expected a text that is not empty, got ""$/,
    ],
    ['an id that is a number', { id: 5, header: { request_type: 'x' } }, /^id: expected a text .*, got 5$/],
    [
      'an id of 1,001 bytes',
      { id: 'x'.repeat(1001), header: { request_type: 'x' } },
      /^id: expected at most 1000 bytes, got 1001$/,
    ],
    ['an id of 501 characters of two bytes', { id: 'é'.repeat(501), header: { request_type: 'x' } }, /got 1002$/],
    [
      'a priority as text',
      header({ priority: '10' }),
      /^header\.priority: expected a whole number up to 4294967295, got "10"$/,
    ],
    ['a priority of 1.5', header({ priority: 1.5 }), /^header\.priority: .* got 1\.5$/],
    ['a priority of -1.5', header({ priority: -1.5 }), /^header\.priority: .* got -1\.5$/],
    ['a priority above the least', header({ priority: 4_294_967_296 }), /^header\.priority: .* got 4294967296$/],
    ['a priority of 2^53', header({ priority: 2 ** 53 }), /^header\.priority: /],
    [
      'a priority beyond all numbers',
      '{"header":{"request_type":"x","priority":1e999}}',
      /^header\.priority: .* got Infinity$/,
    ],
    ['a priority of true', header({ priority: true }), /^header\.priority: .* got true$/],
    ['a delay that is no time', header({ delay: 'soon' }), /^header\.delay: expected a time such as .*, got "soon"$/],
    ['a delay that is a number', header({ delay: NINE }), /^header\.delay: expected a time/],
    ['a delay that is empty', header({ delay: '' }), /^header\.delay: expected a time/],
    ['a delay on a day that is none', header({ delay: '2026-02-30' }), /^header\.delay: expected a time/],
    ['an expiration that is no time', header({ expiration: {} }), /^header\.expiration: expected a time/],
    ['a published that is no time', header({ published: '21.11.2026' }), /^header\.published: expected a time/],
    ['attempts of -1', header({ attempts: -1 }), /^header\.attempts: expected a whole number of at least 0, got -1$/],
    ['attempts as text', header({ attempts: '1' }), /^header\.attempts: .* got "1"$/],
    [
      'max_attempts of 0',
      header({ max_attempts: 0 }),
      /^header\.max_attempts: expected a whole number of at least 1, got 0$/,
    ],
    ['max_attempts of 2^53', header({ max_attempts: 2 ** 53 }), /^header\.max_attempts: /],
    ['a timeout of 0', header({ timeout: 0 }), /^header\.timeout: expected a whole number of at least 1, got 0$/],
    ['a backoff that is a text', header({ backoff: 'fixed' }), /^header\.backoff: expected \{ kind/],
    ['a backoff of another kind', header({ backoff: { kind: 'x' } }), /^header\.backoff\.kind: expected/],
    ['a version of 2', header({ version: 2 }), /^header\.version: expected 1, got 2$/],
    ['a version as text', header({ version: '1' }), /^header\.version: expected 1, got "1"$/],
    [
      'a header 100,000 deep',
      `{"header":{"request_type":"x","deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}}`,
      /stack/,
    ],
  ])('%s', (_, message, reason) => {
    const content = refused(message);
    expect(content.kind).toBe('damaged');
    expect(content.unreadable).toMatch(reason);
    expect(content.unreadable.length).toBeLessThan(300);
  });

  test('also one whose damage is of 50 MB', () => {
    expect(refused(header({ priority: 'x'.repeat(50_000_000) })).unreadable.length).toBeLessThan(300);
  });
});

test('a message has at most as many bytes as is said without encoding it', () => {
  for (const seed of SEEDS) {
    const random = new Random(seed);
    for (let n = 0; n < 300; n++) {
      const message = randomMessage(random);
      expect(bytesOf(encodeMessage(message)).length).toBeLessThanOrEqual(mostBytes(message));
    }
  }
  const name = 'n'.repeat(100);
  const longest: Message = {
    id: name,
    name,
    body: JSON.stringify('\u20ac\ud83d\ude00'.repeat(1_000)),
    priority: LEAST_PRIORITY,
    publishedAt: LAST_MOMENT,
    readyAt: LAST_MOMENT,
    expiresAt: LAST_MOMENT,
    attemptsUsed: Number.MAX_SAFE_INTEGER,
    maxAttempts: Number.MAX_SAFE_INTEGER,
    backoff: { kind: 'exponential', base: 1 / 3, factor: 1 / 3, max: 1 / 3, jitter: 1 / 3 },
    timeoutMs: Number.MAX_SAFE_INTEGER,
    headers: { '\u0001': '\u0002'.repeat(1_000), '\ud800': '\udfff'.repeat(1_000) },
  };
  expect(bytesOf(encodeMessage(longest)).length).toBeLessThanOrEqual(mostBytes(longest));
});

test('any bytes at all are either a message or unreadable, never an exception', () => {
  for (const seed of SEEDS) {
    const random = new Random(seed);
    for (let n = 0; n < 300; n++) {
      const bytes = bytesOf(encodeMessage(randomMessage(random)));
      for (let hits = random.whole(1, 5); hits > 0; hits--)
        bytes[random.whole(0, bytes.length - 1)] = random.whole(0, 255);
      const damaged = random.chance(0.3) ? bytes.subarray(0, random.whole(0, bytes.length)) : bytes;
      const content = decodeMessage(damaged, 'given');
      if (isUnreadable(content)) expect(content.bytes).toBe(damaged);
      else expect(decoded(encodeMessage({ ...content, body: JSON.stringify(content.payload) }))).toEqual(content);
    }
  }
});

describe('the text of bytes', () => {
  test('is their UTF-8 without the mark', () => {
    expect(textOf(bytesOf('a\uFEFFé😀'))).toBe('a\uFEFFé😀');
    expect(textOf(bytesOf('\uFEFF\uFEFFa'))).toBe('\uFEFFa');
    expect(textOf(new Uint8Array(0))).toBe('');
  });

  test('is none where they are not UTF-8', () => {
    expect(textOf(new Uint8Array([0xff]))).toBeUndefined();
    expect(textOf(new Uint8Array([0xc3]))).toBeUndefined();
  });
});
