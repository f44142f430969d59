import { afterEach, expect, test, vi } from 'vitest';
import { newOrder, timeOfOrder } from '../../../lib/backends/filer/order.js';

afterEach(() => vi.useRealTimers());

test('orders sort as they were made, also when the clock steps back, and tell when that was', () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  const began = Date.parse('2100-01-01T00:00:00.000Z');
  const times = [0, 0, 1, 5_000, 4_000, 0, 5_000, 5_001];
  const orders = times.flatMap((ms) => {
    vi.setSystemTime(began + ms);
    return Array.from({ length: 300 }, newOrder);
  });
  expect(orders.toSorted()).toEqual(orders);
  expect(new Set(orders).size).toBe(orders.length);
  expect(orders.filter((order) => !/^[0-9a-f]{32}$/.test(order))).toEqual([]);
  const told = [...new Set(orders.map((order) => timeOfOrder(order) - began))];
  expect(told).toEqual([0, 1, 5_000, 5_001]);
});
