import assert from 'node:assert/strict';
import { newId } from '../core/id.js';
import { chapter } from './scenario.js';
import { contentOf, numbers, payloadsOf, sorted } from './stage/draft.js';

/** How far the engine's clock may be from this host's, in milliseconds, where nothing depends on it. */
const CLOCKS_APART_MS = 2_000;

export const publishing = chapter('publishing', (scenario) => {
  scenario('a job is handed out with its id, its name and its payload', async ({ worker }) => {
    const id = newId();
    await worker.publish({ id, name: 'send_email', payload: { to: 'ada@example.org', copies: [1, 2] } });
    const content = contentOf(await worker.takeOne());
    assert.equal(content.id, id);
    assert.equal(content.name, 'send_email');
    assert.deepEqual(content.payload, { to: 'ada@example.org', copies: [1, 2] });
  });

  scenario('each message has its receipt', async ({ worker, traits }) => {
    const receipts = await worker.publish({ payload: 0 }, { payload: 1 }, { payload: 2 });
    const duplicate = traits.findsDuplicates ? false : undefined;
    assert.deepEqual(
      receipts.map((receipt) => receipt.duplicate),
      [duplicate, duplicate, duplicate],
    );
  });

  scenario('headers travel, whatever their names and values', async ({ worker }) => {
    const headers = Object.fromEntries([
      ['trace-id', '00-4bf92f3577b34da6-01'],
      ['', 'no name'],
      ['empty', ''],
      ['__proto__', 'a name like any other'],
      ['constructor', 'likewise'],
      ['id', 'not the job’s'],
      ['body', 'not the job’s'],
      ['ключ\n"\\', 'значение\0\r\n🙂'],
      ['long', 'x'.repeat(5_000)],
    ]);
    await worker.publish({ headers });
    const received = contentOf(await worker.takeOne()).headers;
    assert.deepEqual(sorted(Object.entries(received)), sorted(Object.entries(headers)));
  });

  scenario('attempts, backoff and timeout of a job’s own travel with it', async ({ worker }) => {
    const backoff = { kind: 'exponential', base: 1500, factor: 2.5, max: 60_000, jitter: 0.25 } as const;
    await worker.publish({ maxAttempts: 7, backoff, timeoutMs: 90_000 });
    const content = contentOf(await worker.takeOne());
    assert.equal(content.maxAttempts, 7);
    assert.deepEqual(content.backoff, backoff);
    assert.equal(content.timeoutMs, 90_000);
  });

  scenario('what a job does not say stays unsaid', async ({ worker }) => {
    await worker.publish({});
    const delivery = await worker.takeOne();
    const { maxAttempts, backoff, timeoutMs, expiresAt, readyAt, headers } = contentOf(delivery);
    assert.deepEqual([maxAttempts, backoff, timeoutMs, expiresAt], [undefined, undefined, undefined, undefined]);
    assert.deepEqual(headers, {});
    assert.ok(readyAt === undefined || readyAt <= worker.takenAtOf(delivery), 'it was published without a delay');
  });

  scenario('expiration and the time of publishing travel to the millisecond', async ({ worker, clock }) => {
    const publishedAt = clock.now() - 12_345;
    const expiresAt = clock.now() + 3_600_123;
    await worker.publish({ publishedAt, expiresAt });
    const content = contentOf(await worker.takeOne());
    assert.equal(content.publishedAt, publishedAt);
    assert.equal(content.expiresAt, expiresAt);
  });

  scenario('priorities travel with their jobs', async ({ worker, traits }) => {
    const priorities = [0, 1, 1024, 1_000_000, traits.exactPriorities].sort((a, b) => a - b);
    await worker.publish(...priorities.map((priority) => ({ priority, payload: priority })));
    const contents = (await worker.take(priorities.length)).map(contentOf);
    assert.deepEqual(
      contents.map(({ priority, payload }) => [priority, payload]),
      priorities.map((priority) => [priority, priority]),
    );
  });

  scenario('what is done to a payload and its headers after publish was called changes nothing', async (stage) => {
    const payload = { list: [1] };
    const headers: Record<string, string> = { tenant: 'a' };
    const publishing = stage.publish('job', payload, { headers });
    payload.list.push(2);
    headers['tenant'] = 'b';
    await publishing;
    const content = contentOf(await stage.worker.takeOne());
    assert.deepEqual([content.payload, content.headers], [{ list: [1] }, { tenant: 'a' }]);
    await stage.worker.takesNothing('only one job was published');
  });

  scenario('a message that does not say when it was published is known by when it was stored', async (stage) => {
    const { worker, clock, time, traits } = stage;
    const before = clock.now();
    await worker.publish({ publishedAt: undefined });
    const after = clock.now();
    if (time.isVirtual) await time.pass(3_600_000);
    const first = await worker.takeOne();
    await worker.putBack(first);
    for (const { storedAt } of [first, await worker.takeOne()]) {
      const tolerance = CLOCKS_APART_MS + traits.delayStepMs;
      assert.ok(storedAt >= before - tolerance && storedAt <= after + tolerance, `stored at ${after}, not ${storedAt}`);
    }
  });

  scenario('the core tells of a job what was stored', async (stage) => {
    const { worker, clock, delayMs } = stage;
    const now = clock.now();
    const options = { id: 'an-id', priority: 3, delay: delayMs, expiration: 3_600_000, headers: { a: 'b' } };
    const told = await stage.publish('job', { n: 1 }, options);
    assert.deepEqual([told.id, told.name, told.queue, told.priority], ['an-id', 'job', stage.queue, 3]);
    assert.ok((told.readyAt?.getTime() ?? 0) >= now + delayMs);
    const content = contentOf(await worker.takeOne());
    assert.equal(content.id, told.id);
    assert.equal(content.priority, 3);
    assert.equal(content.expiresAt, told.expiresAt?.getTime());
    assert.deepEqual([content.payload, content.headers], [{ n: 1 }, { a: 'b' }]);
  });

  scenario('publishMany stores all, over several queues, and answers in their order', async (stage) => {
    const { worker, queue, time } = stage;
    const other = worker.on(`${queue}-other`);
    const requests = numbers(20).map((payload) => ({
      name: 'job',
      payload,
      options: { queue: payload % 5 === 0 ? other.queue : queue },
    }));
    const told = await time.wait('publishMany to resolve', stage.publisher().publishMany(requests));
    const taken = [...(await worker.take(16)), ...(await other.take(4))];
    const ids = new Map(taken.map((delivery) => [contentOf(delivery).payload, contentOf(delivery).id]));
    assert.deepEqual(
      told.map(({ id }) => id),
      numbers(20).map((payload) => ids.get(payload)),
    );
    assert.deepEqual(payloadsOf(taken.slice(16)), [0, 5, 10, 15]);
  });
});
