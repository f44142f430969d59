import { expect, test } from 'vitest';
import { show } from '../../lib/core/show.js';

test.each([
  ['text', '"text"'],
  ['two\nlines "quoted"', '"two\\nlines \\"quoted\\""'],
  [undefined, 'undefined'],
  [1.5, '1.5'],
  [5n, '5n'],
  [Symbol('s'), 'Symbol(s)'],
  [new Date(NaN), 'Invalid Date'],
  [{ a: { b: { c: 1 } } }, '{ a: { b: [Object] } }'],
])('a value is shown as in code (%#)', (value, text) => {
  expect(show(value)).toBe(text);
});

test.each([
  ['a long text', 'x'.repeat(50_000_000)],
  ['a text of control characters', '\0'.repeat(1000)],
  ['a long array', Array.from({ length: 100_000 }, () => 'x'.repeat(1000))],
  ['an error', new Error('several\nlines')],
  ['a text that is cut within an emoji', `${'x'.repeat(115)}${'😀'.repeat(20)}`],
])('%s is shown on one short line', (_, value) => {
  expect(show(value)).toMatch(/^.{1,120}$/);
});

test('a value that throws when it is looked at is shown all the same', () => {
  const hostile = {
    get [Symbol.for('nodejs.util.inspect.custom')](): never {
      throw new Error('not me');
    },
  };
  expect(show(hostile)).toBe('a object that cannot be shown');
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  expect(show(proxy)).not.toBe('');
});
