import { expect, test } from 'vitest';
import { EXACT_PRIORITIES, fromBullmq, toBullmq } from '../../../lib/backends/bullmq/priority.js';
import { LEAST_PRIORITY } from '../../../lib/core/message.js';

const BULLMQ_LEAST = 2 ** 21 - 1;

test('priorities up to 1,000,000 are exact, and never 0', () => {
  for (const priority of [0, 1, 1024, 65_536, 999_999, EXACT_PRIORITIES]) {
    expect(toBullmq(priority)).toBe(priority + 1);
    expect(fromBullmq(priority + 1)).toBe(priority);
  }
});

test('those above are rounded into what is left, and never inverted', () => {
  expect(toBullmq(EXACT_PRIORITIES + 1)).toBe(EXACT_PRIORITIES + 2);
  expect(toBullmq(LEAST_PRIORITY)).toBe(BULLMQ_LEAST);
  const wrong: number[] = [];
  for (let priority = EXACT_PRIORITIES + 1; priority <= LEAST_PRIORITY; priority += 3_917) {
    const [before, level] = [toBullmq(priority - 1), toBullmq(priority)];
    if (level < before || level > BULLMQ_LEAST || !Number.isInteger(level)) wrong.push(priority);
  }
  expect(wrong).toEqual([]);
});

test('those of other programs are what gives the same order', () => {
  expect(fromBullmq(0)).toBe(0);
  expect(fromBullmq(-5)).toBe(0);
  expect(fromBullmq(NaN)).toBe(0);
  for (let level = 1; level <= BULLMQ_LEAST; level += 997) expect(toBullmq(fromBullmq(level))).toBe(level);
  expect(toBullmq(fromBullmq(BULLMQ_LEAST))).toBe(BULLMQ_LEAST);
});
