import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineJob, type JobDefinition } from '../../lib/core/definition.js';
import { handledBetweenSchemas, hasSchemas } from '../../lib/core/handling.js';
import type { Job } from '../../lib/core/job.js';
import type { Ending } from '../../lib/core/outcome.js';
import { handler } from './workshop.js';

const text = z.string().transform((value) => value.length);
const Both = defineJob('x', { payload: text, result: z.number() });

test.each<[string, JobDefinition | undefined, boolean]>([
  ['no definition', undefined, false],
  ['a definition without schemas', defineJob('x'), false],
  ['a payload’s schema', defineJob('x', { payload: text }), true],
  ['a result’s schema', defineJob('x', { result: text }), true],
])('with %s', (_, definition, expected) => {
  expect(hasSchemas(handler('x', () => undefined, { definition }))).toBe(expected);
});

describe('between its schemas, a handler', () => {
  const calls: unknown[] = [];
  function run(stored: unknown, handle: (payload: unknown) => unknown, over = false): Promise<Ending | undefined> {
    calls.length = 0;
    const counted = handler('x', (payload) => (calls.push(payload), handle(payload)), { definition: Both });
    return handledBetweenSchemas(counted, stored, (payload) => (over ? undefined : ({ payload } as Job)));
  }

  test('gets what the payload’s makes, and its result is kept as it is', async () => {
    expect(await run('four', (length) => length)).toEqual({ kind: 'returned', value: 4 });
  });

  test('is not called with a payload that is refused', async () => {
    expect(await run(4, () => 1)).toMatchObject({ kind: 'refused', what: 'payload' });
    expect(calls).toEqual([]);
  });

  test('is not called where the run is over meanwhile', async () => {
    expect(await run('four', () => 1, true)).toBe(undefined);
    expect(calls).toEqual([]);
  });

  test('may give a promise of a result that is refused', async () => {
    expect(await run('four', () => Promise.resolve('x'))).toMatchObject({ kind: 'refused', what: 'result' });
  });

  test('may throw, and what it throws is its own', async () => {
    const error = await Both.result?.['~standard'].validate('x');
    expect(await run('four', () => Promise.reject(error))).toEqual({ kind: 'threw', thrown: error });
  });
});
