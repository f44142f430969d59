import { expect, test } from 'vitest';
import { LeastFirst } from '../../../lib/backends/filer/least-first.js';
import { Random } from '../../core/random.js';

const byValue = (a: number, b: number): number => (a < b ? -1 : 1);

// Of how many that come in order, and how many are taken meanwhile.
test.each([
  [1, 0],
  [0, 0],
  [0.9, 0],
  [0.5, 0.5],
  [0.99, 0.4],
  [0.9, 0.6],
])('what comes in order with a chance of %d and is taken with one of %d is given least first', (ordered, taken) => {
  const random = new Random(Math.round(1_000 * ordered + 10 * taken));
  const line = new LeastFirst(byValue, [7_000.5, 100.5]);
  const expected = [100.5, 7_000.5];
  const take = (): void => {
    const least = expected.shift();
    expect([line.peek(), line.pop()]).toEqual([least, least]);
  };
  for (let n = 0; n < 4_000; n++) {
    const one = random.chance(ordered) ? n : n - random.whole(1, 4_000) + random.fraction();
    line.push(one);
    const at = expected.findIndex((other) => other > one);
    expected.splice(at < 0 ? expected.length : at, 0, one);
    if (random.chance(taken)) take();
    expect(line.length).toBe(expected.length);
  }
  expect(line.all().sort(byValue)).toEqual(expected);
  while (expected.length > 0) take();
  expect([line.length, line.peek(), line.pop()]).toEqual([0, undefined, undefined]);
});
