import { expect, test } from 'vitest';
import { bullmqId } from '../../../lib/backends/bullmq/job-id.js';
import { newId } from '../../../lib/core/id.js';

/** The last parts of the keys that BullMQ has beside the jobs of a queue. */
const KEYS = 'active wait waiting-children paused id delayed prioritized stalled-check completed failed stalled'
  .concat(' repeat limiter meta events pc marker de expired')
  .split(' ');

test('ids that are no key of BullMQ’s stay as they are', () => {
  for (const id of [newId(), 'order-17', 'Invoice', 'a_b', 'a.b', '-7a']) expect(bullmqId(id)).toBe(id);
});

test.for([...KEYS, 'plain', '42', '-42', '1:2:3', 'a:lock', '', ' ', '~a', 'a%3A', 'a\nb1', '\uD800', '🙂'])(
  '%j is written so that no key of BullMQ is hit',
  (id) => {
    expect(bullmqId(id)).toMatch(/^~[A-Za-z0-9_.%-]*$/);
  },
);

test('no two ids are written alike', () => {
  const ids = [
    ...KEYS,
    '~',
    '~~',
    '%',
    '%25',
    ':',
    '%003a',
    '~%003a',
    '\uD83D',
    '\uDE42',
    '🙂',
    'é',
    'e\u0301',
    '1',
    '01',
  ];
  expect(new Set(ids.map(bullmqId)).size).toBe(ids.length);
});
