import { runInNewContext } from 'node:vm';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { defineJob, isDefinition, jobNameOf } from '../../lib/core/definition.js';

const schema = z.object({ to: z.string() });

test('a definition is frozen, and known as one', () => {
  const job = defineJob('mail', { payload: schema, queue: 'mails', priority: 3 });
  expect(job).toEqual({ name: 'mail', payload: schema, result: undefined, options: { queue: 'mails', priority: 3 } });
  expect(Object.isFrozen(job) && Object.isFrozen(job.options)).toBe(true);
  expect([job, { ...job }, 'mail', null, undefined].map(isDefinition)).toEqual([true, false, false, false, false]);
});

test('a job is named by its name, or by its definition', () => {
  expect(jobNameOf('send_email')).toBe('send_email');
  expect(jobNameOf(defineJob('send_email'))).toBe('send_email');
  class SendEmail {}
  for (const bad of [SendEmail, null, undefined, {}, { name: 'send_email' }, 5]) {
    expect(() => jobNameOf(bad)).toThrow(/^job name: expected 1 to 100 of/);
  }
});

describe('refused:', () => {
  const bad: [what: string, name: string, options: unknown, message: RegExp][] = [
    ['a bad name', 'a b', {}, /^defineJob\("a b"\): job name: expected .* got "a b"$/],
    ['a number', 1 as unknown as string, {}, /^defineJob\(1\): job name: expected .* got 1$/],
    ['options that are none', 'mail', null, /^defineJob\("mail"\): options: expected an object, got null$/],
    ['a bad queue', 'mail', { queue: 'a b' }, /^defineJob\("mail"\): options\.queue: .* got "a b"$/],
    ['bad attempts', 'mail', { attempts: 0 }, /options\.attempts: expected a whole number of at least 1, got 0$/],
    ['an unknown option', 'mail', { retries: 1 }, /got the unknown option "retries"$/],
    [
      'a plain object as schema',
      'mail',
      { payload: { to: 'string' } },
      /payload: expected a Standard Schema .* got \{/,
    ],
    [
      'a class as schema',
      'mail',
      { payload: class Mail {} },
      /payload: expected a Standard Schema .* got \[class Mail\]/,
    ],
    ['null as schema', 'mail', { result: null }, /result: expected a Standard Schema .* got null$/],
    ['another version', 'mail', { payload: { '~standard': { version: 2 } } }, /expected a Standard Schema/],
    ['an empty standard', 'mail', { payload: { '~standard': undefined } }, /expected a Standard Schema/],
  ];
  for (const [what, name, options, message] of bad) {
    test(what, () => expect(() => defineJob(name, options as object)).toThrow(message));
  }
});

test('an object of another realm is refused with an answer as well', () => {
  const options = runInNewContext('({ payload: {} })') as object;
  expect(() => defineJob('mail', options)).toThrow(/payload: expected a Standard Schema/);
});
