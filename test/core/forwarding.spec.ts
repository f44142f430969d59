import { describe, expect, onTestFinished, test } from 'vitest';
import { BackendError } from '../../lib/core/backend.js';
import { defineJob } from '../../lib/core/definition.js';
import { forward } from '../../lib/core/forward.js';
import { checkForwards } from '../../lib/core/forward-rings.js';
import { newId } from '../../lib/core/id.js';
import type { Handler } from '../../lib/core/handlers.js';
import type { Message } from '../../lib/core/message.js';
import { handler, Workshop } from './workshop.js';

async function open(): Promise<Workshop> {
  const shop = await Workshop.open();
  onTestFinished(() => shop.close());
  return shop;
}

/** Handles `first`, whose jobs go on to queue `next`, which nobody reads. */
function consumeFirst(shop: Workshop, special: Partial<Handler> = {}): void {
  const first = handler('first', (payload) => forward('second', payload, { queue: 'next' }), special);
  shop.consume([first], { publisher: shop.publisher });
}

/** What was stored for others than the first job, call by call. */
function recordNext(shop: Workshop): { readonly queue: string; readonly message: Message }[] {
  const stored: { queue: string; message: Message }[] = [];
  const { publish } = shop.engine;
  shop.engine.publish = (name, messages) => {
    if (name === 'next') stored.push(...messages.map((message) => ({ queue: name, message })));
    return publish(name, messages);
  };
  return stored;
}

test('the next job is stored before the first is settled', async () => {
  const shop = await open();
  const order: string[] = [];
  const { publish, settle } = shop.engine;
  shop.engine.publish = (name, messages) => {
    order.push(`publish to ${name}`);
    return publish(name, messages);
  };
  shop.engine.settle = (delivery, settlement) => {
    order.push(`settle as ${settlement.kind}`);
    return settle(delivery, settlement);
  };
  consumeFirst(shop);
  await shop.publisher.publish('first', null);
  await shop.now();
  expect(order).toEqual(['publish to default', 'publish to next', 'settle as completed']);
});

test('a job that is to go on in an engine that fails waits for it, and is stored once', async () => {
  const shop = await open();
  const stored = recordNext(shop);
  const { publish } = shop.engine;
  let failures = 2;
  shop.engine.publish = (name, messages) => {
    if (name === 'next' && failures-- > 0) throw new BackendError('the disk is full', { passing: true });
    return publish(name, messages);
  };
  consumeFirst(shop);
  await shop.publisher.publish('first', 1);
  await shop.clock.advance(2_000);
  expect(stored.map(({ message }) => message.body)).toEqual(['1']);
  expect(shop.story).toEqual(['started', 'completed']);
});

test('a settlement that fails after the next job was stored stores it no second time', async () => {
  const shop = await open();
  const stored = recordNext(shop);
  const { settle } = shop.engine;
  let failures = 2;
  shop.engine.settle = (delivery, settlement) =>
    failures-- > 0 ? Promise.reject(new BackendError('away', { passing: true })) : settle(delivery, settlement);
  consumeFirst(shop);
  await shop.publisher.publish('first', null);
  await shop.clock.advance(2_000);
  expect(stored.length).toBe(1);
  expect(shop.story).toEqual(['started', 'completed']);
});

test('a next job whose id lives there already stays as it is, and that is said', async () => {
  const shop = await open();
  await shop.publisher.publish('second', 'before', { queue: 'next', id: 'an-id' });
  consumeFirst(shop);
  await shop.publisher.publish('first', 'later', { id: 'an-id' });
  await shop.now();
  expect(shop.story).toEqual(['started', 'completed']);
  expect(shop.lines.all.join()).toContain('job "first" an-id went on as job "second" in queue "next"');
});

describe('what can’t go on fails at once', () => {
  const Second = defineJob('second', { queue: 'next' });
  const wrong: Record<string, [() => unknown, RegExp]> = {
    'what JSON can’t keep': [() => forward(Second, { at: new Date(0) }), /job "second".*payload\.at: expected JSON/],
    'an unknown option': [() => forward(Second, 1, { id: 'x' } as never), /unknown option "id"/],
    'a queue of a bad name': [() => forward('second', 1, { queue: '../x' }), /queue name/],
  };
  for (const [what, [made, reason]] of Object.entries(wrong)) {
    test(what, async () => {
      const shop = await open();
      shop.consume([handler('first', made)], { publisher: shop.publisher });
      await shop.publisher.publish('first', null);
      await shop.now();
      expect(shop.story).toEqual(['started', 'failed']);
      expect(shop.last('failed').reason).toMatch(reason);
    });
  }

  test('in a consumer without a publisher', async () => {
    const shop = await open();
    shop.consume([handler('first', () => 1, { forwardTo: 'second' })]);
    await shop.publisher.publish('first', null);
    await shop.now();
    expect(shop.last('failed').reason).toContain('this consumer was given no publisher');
  });
});

test('what goes along with the first job alone does not go on; its answer does', async () => {
  const shop = await open();
  const stored = recordNext(shop);
  consumeFirst(shop);
  const own = {
    keep_result: '1000',
    answer_key: 'answer:q:x#',
    unique_key: 'k',
    unique_while: 'any',
    tick: 't',
    tenant: 'é',
  };
  const message: Message = {
    id: `../${newId()}`,
    name: 'first',
    body: '1',
    priority: 5,
    attemptsUsed: 0,
    headers: own,
  };
  await shop.engine.publish('default', [message]);
  await shop.now();
  expect(stored.map(({ message }) => [message.id, message.priority, message.headers])).toEqual([
    [message.id, 5, { keep_result: '1000', answer_key: 'answer:q:x#', tenant: 'é' }],
  ]);
});

test('a returned forward goes before forwardTo, and is not checked as a result', async () => {
  const shop = await open();
  const validate = (): never => {
    throw new Error('never asked');
  };
  const First = defineJob('first', { result: { '~standard': { version: 1, vendor: 'test', validate } } });
  const stored = recordNext(shop);
  consumeFirst(shop, { forwardTo: 'third', definition: First });
  await shop.publisher.publish('first', null);
  await shop.now();
  expect(stored.map(({ message }) => message.name)).toEqual(['second']);
});

test('a job of its own queue goes on in its place: its id stays taken', async () => {
  const shop = await open();
  shop.consume([handler('first', () => 'made', { forwardTo: 'second' })], { publisher: shop.publisher });
  await shop.publisher.publish('first', null, { id: 'an-id' });
  await shop.now();
  expect(shop.settled[0]?.settlement.kind).toBe('replaced');
  expect((await shop.publisher.publish('other', null, { id: 'an-id' })).duplicate).toBe(true);
});

test('jobs that forward in a ring are refused; a chain is not', () => {
  const link = (name: string, forwardTo?: string): Handler => handler(name, () => undefined, { forwardTo });
  const chain = [link('a', 'b'), link('b', 'c'), link('c', 'elsewhere')];
  expect(() => checkForwards(chain)).not.toThrow();
  expect(() => checkForwards([link('z', 'a'), link('a', 'b'), link('b', 'a')])).toThrow('"a" → "b" → "a"');
  expect(() => checkForwards([link('a', 'a')])).toThrow('"a" → "a"');
});

test('forward takes a name or a definition', () => {
  expect(() => forward('', 1)).toThrow('job name');
  expect(() => forward(class SendEmail {} as never)).toThrow('job name');
});
