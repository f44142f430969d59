import { HttpException, NotFoundException, ServiceUnavailableException } from '@nestjs/common';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { markOf, type ErrorMark } from '../../lib/core/errors.js';
import { httpErrors } from '../../lib/core/http-errors.js';

const NOW = Date.parse('2026-11-21T09:00:00.000Z');

beforeEach(() => void vi.useFakeTimers({ now: NOW, toFake: ['Date'] }));
afterEach(() => void vi.useRealTimers());

/** An error with these properties. */
function withFields(fields: object): Error {
  return Object.assign(new Error('x'), fields);
}

const statuses: [status: number, kind: ErrorMark['kind'] | undefined][] = [
  [200, undefined],
  [302, undefined],
  [399, undefined],
  [400, 'fatal'],
  [401, 'fatal'],
  [404, 'fatal'],
  [408, 'transient'],
  [409, 'fatal'],
  [422, 'fatal'],
  [425, 'transient'],
  [429, 'transient'],
  [499, 'fatal'],
  [500, 'transient'],
  [503, 'transient'],
  [599, 'transient'],
  [600, undefined],
];
const shapes: [name: string, make: (status: number) => Error][] = [
  ['HttpException', (status) => new HttpException('x', status)],
  ['status', (status) => withFields({ status })],
  ['statusCode', (status) => withFields({ statusCode: status })],
  ['response.status', (status) => withFields({ response: { status } })],
  ['response.statusCode', (status) => withFields({ response: { statusCode: status } })],
  ['a cause', (status) => new Error('x', { cause: withFields({ status }) })],
];
describe.each(shapes)('%s', (_, make) => {
  test.each(statuses)('%i is %s', (status, kind) => expect(markOf(make(status), httpErrors())?.kind).toBe(kind));
});

test('other errors are none of these', () => {
  const none = [
    new Error('x'),
    withFields({ status: '503' }),
    withFields({ response: null }),
    withFields({ code: 503 }),
  ];
  for (const error of none) expect(markOf(error, httpErrors())).toBe(undefined);
});

const after: [what: string, headers: unknown, retryInMs: number | undefined][] = [
  ['seconds', { 'retry-after': '120' }, 120_000],
  ['a number', { 'retry-after': 2 }, 2_000],
  ['0', { 'Retry-After': '0' }, 0],
  ['a date', { 'retry-after': 'Sat, 21 Nov 2026 09:01:00 GMT' }, 60_000],
  ['a date of the past', { 'retry-after': 'Sat, 21 Nov 2026 08:00:00 GMT' }, 0],
  ['a list', { 'retry-after': ['3', '4'] }, 3_000],
  ['headers as fetch has them', new Headers({ 'Retry-After': '7' }), 7_000],
  ['another case', { 'RETRY-AFTER': '5' }, 5_000],
  ['what can’t be read', { 'retry-after': 'soon' }, undefined],
  ['a negative number', { 'retry-after': '-1' }, undefined],
  ['no such header', {}, undefined],
  ['no headers', null, undefined],
];
test.each(after)('Retry-After: %s', (_, headers, retryInMs) => {
  const expected = { kind: 'transient', ...(retryInMs === undefined ? {} : { retryInMs }) };
  expect(markOf(withFields({ response: { status: 429, headers } }), httpErrors())).toEqual(expected);
  expect(markOf(withFields({ status: 503, headers }), httpErrors())).toEqual(expected);
});

test('other rules may stand beside', () => {
  const rules = httpErrors({
    fatal: [ServiceUnavailableException],
    transient: [NotFoundException],
    blocked: [RangeError],
  });
  expect(markOf(new NotFoundException(), rules)?.kind).toBe('transient');
  expect(markOf(new RangeError(), rules)?.kind).toBe('blocked');
  expect(markOf(withFields({ status: 400 }), rules)?.kind).toBe('fatal');
});
