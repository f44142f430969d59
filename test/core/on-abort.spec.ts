import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { onAbort } from '../../lib/core/on-abort.js';

test('however many listen, the signal has one listener, and each is told once unless it has ended', () => {
  const controller = new AbortController();
  const told: number[] = [];
  const ends = Array.from({ length: 100 }, (_, index) => onAbort(controller.signal, () => told.push(index)));
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1);
  for (const end of ends.slice(3)) end();
  controller.abort();
  expect(told).toEqual([0, 1, 2]);
});

test('one that ends another while they are told does not disturb the rest', () => {
  const controller = new AbortController();
  const told: string[] = [];
  const end = onAbort(controller.signal, () => told.push('first'));
  const same = (): void => {
    told.push('same');
    end();
  };
  onAbort(controller.signal, same);
  onAbort(controller.signal, same);
  controller.abort();
  expect(told).toEqual(['first', 'same', 'same']);
});
