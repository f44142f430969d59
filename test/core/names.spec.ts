import { describe, expect, test } from 'vitest';
import { checkName, isName } from '../../lib/core/names.js';

describe('a name', () => {
  test.each(['a', '_', '7', 'send_email', 'Send-Email.v2', 'a..b', 'a.', 'x'.repeat(100), '__proto__', 'constructor'])(
    '%s is one',
    (name) => {
      expect(isName(name)).toBe(true);
      expect(() => checkName('job name', name)).not.toThrow();
    },
  );

  test.each([
    '',
    '.',
    '..',
    '.hidden',
    '-rf',
    'a/b',
    '../../etc/passwd',
    'a\\b',
    'a\0b',
    'a\nb',
    'a\n',
    'a b',
    'a:b',
    'a,b',
    'é',
    '😀',
    'x'.repeat(101),
    'a\u2028',
    'а', // Cyrillic
    undefined,
    null,
    5,
    ['a'],
    { toString: () => 'a' },
  ])('%j is none', (name) => {
    expect(isName(name)).toBe(false);
    expect(() => checkName('queue name', name)).toThrow(
      /^queue name: expected 1 to 100 of A-Z a-z 0-9 _ - \. and not starting with \. or -; got ./,
    );
  });

  test('that is refused is shown on one line and short', () => {
    expect(() => checkName('job id', 'a\nb'.repeat(10_000))).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^.{1,220}$/) as string }),
    );
  });
});
