import type { StandardSchemaV1 } from '@standard-schema/spec';
import { type } from 'arktype';
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { checkedBy, SchemaError, SchemaFailure } from '../../lib/core/schema-check.js';

const libraries: [name: string, schema: StandardSchemaV1][] = [
  ['zod', z.object({ to: z.string(), lines: z.array(z.object({ 'a b': z.number() })) })],
  ['valibot', v.object({ to: v.string(), lines: v.array(v.object({ 'a b': v.number() })) })],
  ['arktype', type({ to: 'string', lines: type({ 'a b': 'number' }).array() })],
];

/** A schema of one's own that answers so. */
function answering(validate: (value: unknown) => unknown): StandardSchemaV1 {
  return { '~standard': { version: 1, vendor: 'test', validate: validate as StandardSchemaV1.Props['validate'] } };
}

describe.each(libraries)('%s', (_, schema) => {
  test('gives what it accepts', async () => {
    const value = { to: 'ada', lines: [{ 'a b': 1 }] };
    expect(await checkedBy(schema, value, 'payload')).toEqual(value);
  });

  test('tells every issue and its path', async () => {
    const error: unknown = await checkedBy(schema, { to: 1, lines: [{ 'a b': 'x' }] }, 'payload').catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(SchemaError);
    const { issues, message } = error as SchemaError;
    expect(issues.map(({ path }) => path).sort()).toEqual(['payload.lines[0]["a b"]', 'payload.to']);
    for (const issue of issues) expect(message).toContain(`${issue.path}: ${issue.message}`);
    expect(message).toMatch(/^refused by its schema: payload\./);
  });
});

test('what a schema transforms is what it gives, asynchronously too', async () => {
  const schema = z.string().transform(async (text) => Promise.resolve(text.length));
  expect(await checkedBy(schema, 'four', 'payload')).toBe(4);
});

test('an absent payload, which travels as null, is accepted by a schema that takes undefined', async () => {
  expect(await checkedBy(z.object({}).optional(), null, 'payload')).toBe(undefined);
  expect(await checkedBy(z.null(), null, 'payload')).toBe(null);
  await expect(checkedBy(z.string(), null, 'payload')).rejects.toThrow(/^refused by its schema: payload: .*null/);
});

test('of very many issues the message tells the first', async () => {
  const error: unknown = await checkedBy(z.array(z.number()), Array(250).fill('x'), 'result').catch(
    (thrown: unknown) => thrown,
  );
  expect((error as SchemaError).issues).toHaveLength(250);
  expect((error as SchemaError).message).toMatch(/result\[99\]: [^;]*; and 150 more$/);
});

const failing: [what: string, validate: () => unknown, cause: RegExp][] = [
  ['throws', () => JSON.parse('{') as unknown, /JSON/],
  ['rejects', () => Promise.reject(new Error('no answer')), /^no answer$/],
  ['throws what is no error', () => Promise.reject('a text'), /"a text" was thrown/],
  ['answers nothing', () => undefined, /neither a value nor issues, but undefined/],
  ['answers neither', () => ({}), /neither a value nor issues/],
];
for (const [what, validate, cause] of failing) {
  test(`a schema that ${what} has failed, with its error as the cause`, async () => {
    const error: unknown = await checkedBy(answering(validate), 1, 'payload').catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SchemaFailure);
    expect((error as Error).message).toMatch(/^the schema of the payload failed: /);
    expect(((error as Error).cause as Error).message).toMatch(cause);
  });
}

test('paths may be of segments and symbols', async () => {
  const path = [{ key: 'a' }, 0, '1', Symbol('s'), 'b c'];
  const schema = answering(() => ({ issues: [{ message: 'bad', path }] }));
  await expect(checkedBy(schema, 1, 'result')).rejects.toThrow('result.a[0][1][Symbol(s)]["b c"]: bad');
});
