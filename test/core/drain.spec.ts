import { afterEach, beforeEach, expect, test } from 'vitest';
import { drain } from '../../lib/core/drain.js';
import { handler, queue, Workshop } from './workshop.js';

let shop: Workshop;

beforeEach(async () => {
  shop = await Workshop.open();
});

afterEach(() => shop.close());

test('while the engine fails, a drain goes on waiting, and handles what is there once it is back', async () => {
  const { reserve } = shop.engine;
  let failures = 0;
  shop.engine.reserve = () => {
    failures += 1;
    return Promise.reject(new Error('ECONNREFUSED'));
  };
  const handled: unknown[] = [];
  const consumer = shop.consume([handler('x', (payload) => handled.push(payload))], { queues: [] });
  await shop.publisher.publish('x', 1);
  let over = false;
  const drained = drain(consumer, [queue('default')], 20).finally(() => (over = true));
  const giveUpAt = performance.now() + 300;
  while (performance.now() < giveUpAt) await shop.clock.advance(100);
  expect(over).toBe(false);
  expect(failures).toBeGreaterThan(1);
  shop.engine.reserve = reserve;
  await shop.clock.advance(60_000);
  expect(await drained).toMatchObject({ completed: 1, interrupted: false });
  expect(handled).toEqual([1]);
});

test('a plan that a queue is read by already goes before that of the drain', async () => {
  let running = 0;
  let most = 0;
  let begin = (): void => undefined;
  // Else the first may be over before the drain has begun to count.
  const drains = new Promise<void>((resolve) => (begin = resolve));
  const consumer = shop.consume(
    [
      handler('x', async () => {
        most = Math.max(most, ++running);
        await drains;
        running -= 1;
      }),
    ],
    { queues: [queue('default', { concurrency: 1 })] },
  );
  for (const payload of [1, 2, 3]) await shop.publisher.publish('x', payload);
  const drained = drain(consumer, [queue('default', { concurrency: 3 })], 200);
  begin();
  expect(await drained).toMatchObject({ completed: 3 });
  expect(most).toBe(1);
});

test('a consumer that has stopped drains nothing', async () => {
  const consumer = shop.consume([], { queues: [] });
  await consumer.stop(0);
  await expect(drain(consumer, [queue('default')], 20)).rejects.toThrow('the consumer has stopped');
});
