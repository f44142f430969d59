import assert from 'node:assert/strict';
import { encodeMessage } from '../core/message.js';
import { chapter } from './scenario.js';
import { contentOf, messageOf, numbers, payloadsOf } from './stage/draft.js';

/** Texts that encodings, line protocols, shells and databases are known to stumble over. */
export const ODD_TEXTS = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\r\n',
  '\r\n.\r\n',
  'line\nline\u2028line\u2029line',
  '\uFEFFwith a mark',
  '🙂👩‍👩‍👧‍👦',
  '\uD800 alone',
  'alone \uDC00',
  '\uDC00\uD800',
  'e\u0301 and \u00e9',
  '\u202Eright to left',
  '\uFFFD\uFFFE\uFFFF',
  '\\ " \' ` $HOME %s {{x}} <b>',
  '\x1b[31m\x7f\x80\x9f',
  'null',
  '{"id":"1","header":{},"body":1}',
];

const KINDS = [
  null,
  true,
  false,
  0,
  -1.5,
  5e-324,
  1.7976931348623157e308,
  Number.MAX_SAFE_INTEGER,
  Number.MIN_SAFE_INTEGER,
  0.1 + 0.2,
  'text',
  [],
  {},
  [[], [null], {}],
  { a: { b: [1, { c: null }] } },
];

/** The largest payload tried where the engine has no limit, in bytes. */
const LARGE = 1_500_000;

export const bytes = chapter('bytes', (scenario) => {
  scenario('every kind of JSON value comes back as it was', async ({ worker }) => {
    await worker.publish(...KINDS.map((payload) => ({ payload })));
    assert.deepEqual(payloadsOf(await worker.take(KINDS.length)), KINDS);
  });

  scenario('odd text comes back as it was', async ({ worker }) => {
    const payload = { texts: ODD_TEXTS, byKey: Object.fromEntries(ODD_TEXTS.map((text) => [text, text])) };
    await worker.publish({ payload });
    assert.deepEqual(contentOf(await worker.takeOne()).payload, payload);
  });

  scenario('a text alone as payload comes back as it was', async ({ worker }) => {
    await worker.publish(...ODD_TEXTS.map((payload) => ({ payload })));
    assert.deepEqual(payloadsOf(await worker.take(ODD_TEXTS.length)), ODD_TEXTS);
  });

  scenario('properties named __proto__ and constructor arrive as properties, in their order', async ({ worker }) => {
    const text = '{"z":1,"__proto__":{"admin":true},"constructor":{"prototype":{}},"toString":2,"a":3,"":4}';
    await worker.publish({ payload: JSON.parse(text) as unknown });
    const { payload } = contentOf(await worker.takeOne());
    assert.equal(JSON.stringify(payload), text);
    assert.equal((payload as { admin?: unknown }).admin, undefined);
  });

  scenario('a payload that looks like a message stays a payload', async ({ worker }) => {
    const payload = { id: 'inner', header: { request_type: 'other', priority: 0, attempts: 9 }, body: { name: 'x' } };
    await worker.publish({ id: 'outer', name: 'job', payload });
    const delivery = await worker.takeOne();
    const content = contentOf(delivery);
    assert.deepEqual([content.id, content.name, delivery.attempt], ['outer', 'job', 1]);
    assert.deepEqual(content.payload, payload);
  });

  scenario('a payload may be nested deeply', async ({ worker }) => {
    const text = `${'[{"a":'.repeat(250)}1${'}]'.repeat(250)}`;
    await worker.publish({ payload: JSON.parse(text) as unknown });
    assert.equal(JSON.stringify(contentOf(await worker.takeOne()).payload), text);
  });

  scenario('a large payload comes back whole', async ({ worker, traits, clock }) => {
    const room = Math.min(LARGE, traits.maxBytes ?? LARGE);
    const overhead = Buffer.byteLength(encodeMessage(messageOf({ payload: '' }, clock.now())));
    // Of one, two and four bytes in UTF-8, so that cuts and counts by characters show.
    const unit = 'aé🙂';
    const payload = unit.repeat(Math.floor((room - overhead) / Buffer.byteLength(unit)));
    await worker.publish({ payload }, { payload: 'the next' });
    const [large, next] = payloadsOf(await worker.take(2));
    assert.ok(large === payload, `expected ${payload.length} characters as published, got ${String(large).length}`);
    assert.equal(next, 'the next');
  });

  scenario('names of queues, jobs and ids may have 100 characters', async ({ worker, queue }) => {
    const long = (start: string): string => `${start}${'x'.repeat(100 - start.length)}`;
    const there = worker.on(long(`${queue}.`));
    const id = long('_Id-9.');
    await there.publish({ id, name: long('Job-9.') });
    const delivery = await there.takeOne();
    assert.equal(delivery.queue, there.queue);
    assert.deepEqual([contentOf(delivery).id, contentOf(delivery).name], [id, long('Job-9.')]);
    await there.complete(delivery);
  });

  scenario('queues whose names are alike don’t mix', async ({ worker, queue }) => {
    const names = ['', '.a', '-a', '_a', '_A', 'a', '.a.b', '.delayed', '.failed', '.meta', '.tmp'];
    const queues = names.map((name) => worker.on(queue + name));
    for (const each of queues) await each.publish({ payload: each.queue });
    for (const each of [...queues].reverse()) {
      const delivery = await each.takeOne();
      assert.equal(contentOf(delivery).payload, each.queue);
      await each.complete(delivery);
    }
    for (const each of queues) await each.takesNothing('the queue had one job');
  });

  scenario('a payload is its receiver’s own: the next attempt has it as published', async ({ worker }) => {
    await worker.publish({ payload: { list: [1] } });
    const first = await worker.takeOne();
    (contentOf(first).payload as { list: number[] }).list.push(2);
    await worker.putBack(first);
    assert.deepEqual(contentOf(await worker.takeOne()).payload, { list: [1] });
  });

  scenario('a job that comes back is whole', async ({ worker, clock }) => {
    const backoff = { kind: 'fixed', base: 10, factor: 1, max: 20, jitter: 0 } as const;
    const expiresAt = clock.now() + 3_600_000;
    const payload = { texts: ODD_TEXTS, numbers: numbers(100) };
    const draft = {
      id: 'same',
      name: 'again',
      priority: 77,
      maxAttempts: 9,
      backoff,
      timeoutMs: 5,
      expiresAt,
      payload,
    };
    await worker.publish({ ...draft, headers: { a: 'é' } });
    const first = await worker.takeOne();
    await worker.putBack(first);
    const before = contentOf(first);
    const after = contentOf(await worker.takeOne());
    assert.deepEqual({ ...after, readyAt: undefined }, { ...before, readyAt: undefined });
    assert.deepEqual([after.payload, after.headers], [payload, { a: 'é' }]);
  });
});
