import { describe, expect, onTestFinished, test } from 'vitest';
import { BackendError } from '../../lib/core/backend.js';
import { defineJob } from '../../lib/core/definition.js';
import { forward } from '../../lib/core/forward.js';
import { checkForwards } from '../../lib/core/forward-rings.js';
import { newId } from '../../lib/core/id.js';
import { Handlers, type Handler } from '../../lib/core/handlers.js';
import { LimitedQueues } from '../../lib/core/limited-queues.js';
import type { Message } from '../../lib/core/message.js';
import { Publisher } from '../../lib/core/publisher.js';
import type { QueueLimits } from '../../lib/core/queue-limits.js';
import { DEFAULTS, handler, queue, Workshop } from './workshop.js';

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

describe('into a full queue', () => {
  function limitedPublisher(shop: Workshop, whenFull: QueueLimits['whenFull']): Publisher {
    const limits = new Map([['next', { maxJobs: 1, maxBytes: undefined, maxAgeMs: undefined, whenFull }]]);
    return new Publisher({
      backend: () => shop.engine,
      clock: shop.clock,
      handlers: new Handlers(),
      routes: new Map(),
      limits,
      limited: new LimitedQueues(limits, shop.events),
      defaults: DEFAULTS,
      publishTimeoutMs: 1_000,
      events: shop.events,
    });
  }

  const completed = (shop: Workshop, name: string): number =>
    shop.happened.filter(([what, event]) => what === 'completed' && event.job.name === name).length;

  test.each(['reject', 'wait'] as const)(
    '(%s) a job waits, takes no more jobs than it has places, and goes on by itself',
    async (whenFull) => {
      const shop = await open();
      const publisher = limitedPublisher(shop, whenFull);
      const plan = { publisher, queues: [queue('default', { concurrency: 2 })] };
      shop.consume([handler('first', () => forward('second', null, { queue: 'next' }), { concurrency: 2 })], plan);
      for (let n = 0; n < 12; n++) await shop.publisher.publish('first', n);
      await shop.clock.advance(10_000);
      expect(completed(shop, 'first')).toBe(1);
      const started = shop.story.filter((name) => name === 'started').length;
      expect(started, 'those that wait, and those that are handled meanwhile').toBeLessThanOrEqual(1 + 4);

      shop.consume([handler('second', () => undefined)], { queues: [queue('next', { concurrency: 1 })] });
      await shop.clock.advance(60_000);
      expect([completed(shop, 'first'), completed(shop, 'second')]).toEqual([12, 12]);
      expect(shop.story).not.toContain('failed');
      expect(shop.story).not.toContain('retried');
    },
  );

  test('a job that waits when its consumer closes is handed back, at no cost', async () => {
    const shop = await open();
    const publisher = limitedPublisher(shop, 'reject');
    await shop.publisher.publish('second', null, { queue: 'next' });
    const consumer = shop.consume([handler('first', () => forward('second', null, { queue: 'next' }))], { publisher });
    await shop.publisher.publish('first', null);
    await shop.clock.advance(1_000);
    const stopped = consumer.stop(2_000);
    await shop.clock.advance(3_000);
    await stopped;
    expect(shop.story).toEqual(['started', 'handedBack']);
    expect(shop.settled.at(-1)?.settlement).toMatchObject({ kind: 'again', countsAttempt: false });
  });

  test('what is dropped for it is told, and the job before it has completed', async () => {
    const shop = await open();
    const publisher = limitedPublisher(shop, 'drop-newest');
    await shop.publisher.publish('second', null, { queue: 'next' });
    shop.consume([handler('first', () => forward('second', null, { queue: 'next' }))], { publisher });
    const { id } = await shop.publisher.publish('first', null);
    await shop.now();
    expect(shop.story).toEqual(['started', 'dropped', 'completed']);
    expect(shop.last('dropped')).toEqual({ job: { id, name: 'second', queue: 'next' }, reason: 'drop-newest' });
  });
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

describe('a chain that comes back to a queue', () => {
  /** Of three, the last in the queue of the first; `settle` is the engine's for the first job. */
  async function chain(settleFirst: (settle: () => Promise<boolean>) => Promise<boolean>): Promise<Workshop> {
    const shop = await open();
    const { settle } = shop.engine;
    shop.engine.settle = (delivery, settlement) => {
      const isFirst = 'name' in delivery.content && delivery.content.name === 'first';
      return isFirst ? settleFirst(() => settle(delivery, settlement)) : settle(delivery, settlement);
    };
    const handlers = [
      handler('first', (payload) => forward('second', payload, { queue: 'other' })),
      handler('second', (payload) => forward('third', payload, { queue: 'default' }), { queue: 'other' }),
      handler('third', () => 'the end'),
    ];
    shop.consume(handlers, { publisher: shop.publisher, queues: [queue('default'), queue('other')] });
    return shop;
  }

  test('waits there for its first job to be settled, and loses nothing', async () => {
    let go = (): void => undefined;
    const held = new Promise<void>((resolve) => (go = resolve));
    const shop = await chain((settle) => held.then(settle));
    const ended = new Promise<unknown>((resolve) =>
      shop.events.on('completed', ({ job, result }) => void (job.name === 'third' && resolve(result))),
    );
    const refused = new Promise<void>((resolve) =>
      shop.events.on('published', ({ name, duplicate }) => void (name === 'third' && duplicate && resolve())),
    );
    await shop.publisher.publish('first', null, { id: 'chain' });
    await shop.now();
    await refused;
    expect(shop.story.filter((name) => name === 'completed')).toEqual([]);
    go();
    await expect.poll(() => shop.now().then(() => shop.story.filter((name) => name === 'completed').length)).toBe(3);
    expect(await ended).toBe('the end');
  });

  test('is given back where the application closes before that', async () => {
    const shop = await chain(() => new Promise<never>(() => undefined));
    const refused = new Promise<void>((resolve) =>
      shop.events.on('published', ({ name, duplicate }) => void (name === 'third' && duplicate && resolve())),
    );
    await shop.publisher.publish('first', null, { id: 'chain' });
    await shop.now();
    await refused;
    await shop.close();
    const second = shop.settled.find(
      ({ delivery }) => 'name' in delivery.content && delivery.content.name === 'second',
    );
    expect(second?.settlement).toMatchObject({ kind: 'again', countsAttempt: false });
  });
});
