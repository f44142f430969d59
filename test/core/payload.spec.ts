import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { PayloadError, toJson } from '../../lib/core/payload.js';
import { Random, SEEDS } from './random.js';

function refusal(value: unknown): { path: string; message: string } {
  try {
    toJson(value, 'payload');
  } catch (error) {
    expect(error).toBeInstanceOf(PayloadError);
    expect(error).toBeInstanceOf(TypeError);
    const { path, message } = error as PayloadError;
    return { path, message };
  }
  throw new Error('it was not refused');
}

describe('a payload', () => {
  class Order {
    readonly #secret = 'not told';
    constructor(
      readonly id: number,
      readonly note?: string,
    ) {}
    total(): string {
      return this.#secret;
    }
    static readonly currency = 'EUR';
  }
  const shared = { city: 'Vienna' };

  test.each<[string, unknown, string]>([
    ['null', null, 'null'],
    ['undefined alone', undefined, 'null'],
    ['true', true, 'true'],
    ['a text', 'a "text"\n', '"a \\"text\\"\\n"'],
    ['half an emoji', '\ud83d', '"\\ud83d"'],
    ['a number', 1.5, '1.5'],
    ['the largest number', Number.MAX_VALUE, '1.7976931348623157e+308'],
    ['0 with a sign', -0, '0'],
    ['an empty array', [], '[]'],
    ['an array', [1, 'a', null, [true]], '[1,"a",null,[true]]'],
    ['an object', { a: 1, b: { c: [2] } }, '{"a":1,"b":{"c":[2]}}'],
    ['an undefined property', { a: undefined, b: 1, c: { d: undefined } }, '{"b":1,"c":{}}'],
    ['an instance of a class', { order: new Order(5) }, '{"order":{"id":5}}'],
    ['an object without a prototype', Object.assign(Object.create(null) as object, { a: 1 }), '{"a":1}'],
    [
      'an own key __proto__',
      JSON.parse('{"__proto__":{"a":1},"constructor":2}'),
      '{"__proto__":{"a":1},"constructor":2}',
    ],
    [
      'a getter',
      {
        get a() {
          return 1;
        },
      },
      '{"a":1}',
    ],
    ['a property that is not enumerable', Object.defineProperty({ a: 1 }, 'b', { value: () => 1 }), '{"a":1}'],
    ['an inherited property', Object.create({ inherited: new Date(0) }), '{}'],
    [
      'the same object twice',
      [shared, shared, { shared }],
      '[{"city":"Vienna"},{"city":"Vienna"},{"shared":{"city":"Vienna"}}]',
    ],
    ['an array of a subclass', new (class List extends Array<number> {})(1, 2), '[1,2]'],
    ['a proxy of an object', new Proxy({ a: 1 }, {}), '{"a":1}'],
    ['an object of another realm', runInNewContext('({ a: [1, { b: null }] })'), '{"a":[1,{"b":null}]}'],
    ['a property toJSON that is no function', { toJSON: 'text' }, '{"toJSON":"text"}'],
    [
      'an enumerable symbol set to not enumerable',
      Object.defineProperty({ a: 1 }, Symbol('s'), { value: 1 }),
      '{"a":1}',
    ],
  ])('may be %s', (_, value, json) => {
    expect(toJson(value, 'payload')).toBe(json);
  });

  test('of any JSON is kept exactly', () => {
    for (const seed of SEEDS) {
      const random = new Random(seed);
      for (let n = 0; n < 500; n++) {
        const value = random.json();
        expect(JSON.parse(toJson(value, 'payload')), `seed ${seed}`).toEqual(value);
      }
    }
  });

  test('of 10 MB is kept', () => {
    const lines = Array.from({ length: 100_000 }, (_, n) => ({ n, text: 'x'.repeat(80) }));
    expect(JSON.parse(toJson(lines, 'payload'))).toEqual(lines);
    expect(toJson('x'.repeat(10_000_000), 'payload')).toHaveLength(10_000_002);
  });

  test('is kept to a depth of 1,000', () => {
    const json = '{"a":['.repeat(500) + ']}'.repeat(500);
    expect(toJson(JSON.parse(json), 'payload')).toBe(json);
  });
});

describe('a payload is refused with the path of the offender', () => {
  class Money {
    toJSON(): string {
      return '5 EUR';
    }
  }
  const sparse: unknown[] = [1];
  sparse[2] = 3;
  const cycle: Record<string, unknown> = { list: [{}] };
  (cycle['list'] as Record<string, unknown>[])[0] = { back: cycle };
  const matched = 'abc'.match(/b/) ?? [];

  test.each<[string, unknown, string, string]>([
    ['a Date', new Date(0), 'a Date (pass its toISOString())', ''],
    ['an invalid Date', new Date(NaN), 'a Date', ''],
    ['a Map', new Map([[1, 2]]), 'a Map', ''],
    ['a Set', new Set([1]), 'a Set', ''],
    ['a WeakMap', new WeakMap(), 'a WeakMap', ''],
    ['a WeakSet', new WeakSet(), 'a WeakSet', ''],
    ['a Map of a subclass', new (class Cache extends Map {})(), 'a Map', ''],
    ['a Buffer', Buffer.from('x'), 'a Buffer', ''],
    ['an Uint8Array', new Uint8Array(2), 'a Uint8Array', ''],
    ['a Float64Array', new Float64Array(2), 'a Float64Array', ''],
    ['a DataView', new DataView(new ArrayBuffer(2)), 'a DataView', ''],
    ['an ArrayBuffer', new ArrayBuffer(2), 'a ArrayBuffer', ''],
    ['a SharedArrayBuffer', new SharedArrayBuffer(2), 'a SharedArrayBuffer', ''],
    ['a RegExp', /x/, 'a RegExp', ''],
    ['an Error', new TypeError('x'), 'a Error', ''],
    ['a Promise', Promise.resolve(), 'a Promise', ''],
    ['a boxed number', Object(1), 'a Number', ''],
    ['a boxed text', Object('x'), 'a String', ''],
    ['a boxed boolean', Object(true), 'a Boolean', ''],
    ['a boxed symbol', Object(Symbol('s')), 'a Symbol', ''],
    ['a boxed bigint', Object(1n), 'a BigInt', ''],
    ['a class with toJSON', new Money(), 'something with toJSON ("Money")', ''],
    ['an URL', new URL('http://localhost/'), 'something with toJSON ("URL")', ''],
    ['an own toJSON', { toJSON: () => 1 }, 'something with toJSON ("Object")', ''],
    ['NaN', NaN, 'expected a finite number, got NaN', ''],
    ['Infinity', Infinity, 'expected a finite number, got Infinity', ''],
    ['-Infinity', -Infinity, 'expected a finite number, got -Infinity', ''],
    ['a bigint', 10n, 'a bigint', ''],
    ['a function', () => 1, 'a function', ''],
    ['a class', Money, 'a function', ''],
    ['a symbol', Symbol('s'), 'a symbol', ''],
    ['undefined in an array', [undefined], 'got undefined', '[0]'],
    ['a hole in an array', sparse, 'got undefined', '[1]'],
    ['an array that is all hole', new Array(4_294_967_295), 'got undefined', '[0]'],
    [
      'an array with properties of its own',
      Object.assign([1], { note: 'lost' }),
      'an array with properties of its own',
      '',
    ],
    ['what a regular expression found', matched, 'an array with properties of its own', ''],
    ['a property named by a symbol', { [Symbol('s')]: 1 }, 'a property named by a symbol (Symbol(s))', ''],
    ['a Date of another realm', runInNewContext('new Date(0)'), 'a Date', ''],
    ['a Map of another realm', runInNewContext('new Map()'), 'a Map', ''],
    ['a Set of another realm', runInNewContext('new Set()'), 'a Set', ''],
    ['an Error of another realm', runInNewContext('new Error("x")'), 'a Error', ''],
    ['a proxy of a Date', new Proxy(new Date(0), {}), 'a Date', ''],
    ['a proxy of a Map', new Proxy(new Map(), {}), 'a Map', ''],
    ['a cycle', cycle, 'a cycle', '.list[0].back'],
  ])('%s', (_, value, problem, path) => {
    const found = refusal(value);
    expect(found.path).toBe(`payload${path}`);
    expect(found.message).toContain(problem);
    expect(found.message.startsWith(`${found.path}: `)).toBe(true);
    expect(refusal({ order: { lines: [1, value] } })).toMatchObject({ path: `payload.order.lines[1]${path}` });
  });

  test('whose keys are written as in code', () => {
    expect(refusal({ 'odd key': { '0': [[{ $ok_1: NaN }]] } }).path).toBe('payload["odd key"]["0"][0][0].$ok_1');
    expect(refusal({ ['x'.repeat(10_000)]: NaN }).path.length).toBeLessThan(200);
  });

  test('the first of several', () => {
    expect(refusal({ a: [1, NaN], b: new Date(0) }).path).toBe('payload.a[1]');
  });

  test('also beside what JSON itself refuses', () => {
    expect(refusal({ a: { big: 1n }, b: cycle }).path).toBe('payload.a.big');
  });
});

describe('a payload that is hostile', () => {
  function boom(): never {
    throw new Error('boom');
  }

  test.each<[string, () => unknown]>([
    [
      'has a getter that throws',
      () => ({
        get a() {
          return boom();
        },
      }),
    ],
    [
      'has a getter that throws undefined',
      () => ({
        get a() {
          throw undefined;
        },
      }),
    ],
    [
      'has a getter for toJSON that throws',
      () => ({
        get toJSON() {
          return boom();
        },
      }),
    ],
    [
      'is a revoked proxy',
      () => {
        const { proxy, revoke } = Proxy.revocable({}, {});
        revoke();
        return proxy;
      },
    ],
    ['is a proxy that can not list its keys', () => new Proxy({}, { ownKeys: boom })],
    ['is a proxy that hides its prototype', () => new Proxy({}, { getPrototypeOf: boom })],
    ['is an array whose length throws', () => new Proxy([], { get: boom })],
    [
      'is 100,000 deep',
      () => {
        let at: unknown = 1;
        for (let n = 0; n < 100_000; n++) at = n % 2 ? [at] : { at };
        return at;
      },
    ],
    [
      'grows while it is read',
      () => {
        const grow = (): object => ({
          get more() {
            return grow();
          },
        });
        return grow();
      },
    ],
  ])('is refused: it %s', (_, make) => {
    expect(refusal({ deep: [make()] }).message.length).toBeLessThan(400);
  });

  test('is refused with the reason', () => {
    expect(
      refusal({
        get a() {
          return boom();
        },
      }).message,
    ).toBe('payload: expected JSON, but reading it throws boom');
    expect(
      refusal({
        get a() {
          throw undefined;
        },
      }).message,
    ).toContain('undefined was thrown');
  });

  test('is left as it was', () => {
    const payload = Object.freeze({ list: Object.freeze([1, Object.freeze({ a: undefined })]) });
    expect(toJson(payload, 'payload')).toBe('{"list":[1,{}]}');
    expect(refusal({ payload, bad: NaN }).path).toBe('payload.bad');
  });
});
