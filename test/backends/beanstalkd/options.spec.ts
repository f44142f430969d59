import { expect, test } from 'vitest';
import { beanstalkd, type BeanstalkdOptions } from '../../../lib/backends/beanstalkd/index.js';

test.for<[options: unknown, fault: string]>([
  [null, 'beanstalkd: expected { host, port, … }, got null'],
  [{ hots: 'x' }, 'unknown option "hots"'],
  [{ host: '' }, 'host: expected a name'],
  [{ port: 0 }, 'port: expected a whole number from 1 to 65535, got 0'],
  [{ port: '11300' }, 'port: expected'],
  [{ path: '/x', port: 1 }, 'either a path or a host and a port'],
  [{ prefix: 'a:b' }, 'prefix: expected'],
  [{ prefix: '-a' }, 'prefix: expected'],
  [{ prefix: 'x'.repeat(94) }, 'prefix: expected'],
  [{ lease: 0 }, 'lease: expected 1 s'],
  [{ lease: 'soon' }, 'lease: expected'],
])('%j is refused', ([options, fault]) => {
  expect(() => beanstalkd(options as BeanstalkdOptions)).toThrow(fault);
});

test('all may be left out', () => {
  expect(beanstalkd().name).toBe('beanstalkd');
  expect(beanstalkd({ host: '::1', port: 1, prefix: 'a/b.', lease: '1.5s' }).name).toBe('beanstalkd');
});
