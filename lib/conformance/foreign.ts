import assert from 'node:assert/strict';
import { isUnreadable } from '../core/message.js';
import { chapter, withForeign } from './scenario.js';
import { contentOf } from './stage/draft.js';

/** Bytes that are no message, and why. */
const UNREADABLE: Readonly<Record<string, Uint8Array>> = {
  'no text': Uint8Array.of(0xff, 0xfe, 0x00, 0x80),
  'no JSON': Buffer.from('hello'),
  'cut off': Buffer.from('{"id":"x","header":{"request_type":"job"'),
  'no message': Buffer.from('{"hello":"world"}'),
  'no object': Buffer.from('[1,2]'),
  'of an unreadable time': Buffer.from('{"header":{"request_type":"job","delay":"soon"},"body":1}'),
  'of an unreadable priority': Buffer.from('{"header":{"request_type":"job","priority":1.5},"body":1}'),
  'of a version to come': Buffer.from('{"header":{"request_type":"job","version":99},"body":1}'),
};

function message(header: Readonly<Record<string, unknown>>, rest: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ header: { request_type: 'job', ...header }, ...rest });
}

export const foreign = chapter('foreign', (scenario) => {
  scenario('a message of the least is handled, and given an id', withForeign, async (stage) => {
    const crew = stage.crew({ handlers: { job: () => undefined } });
    await stage.putForeign(message({}));
    await crew.hears('completed');
    const job = crew.calls[0];
    assert.ok(job && job.id.length > 0);
    assert.deepEqual([job.payload, job.priority, job.attempt, job.headers], [null, 1024, 1, {}]);
    assert.ok(Math.abs(job.publishedAt.getTime() - stage.clock.now()) < 60_000);
  });

  scenario('a message keeps its id, its priority and its other headers', withForeign, async (stage) => {
    const header = { priority: 3, tenant: 'é', list: [1, 2], max_attempts: 4 };
    await stage.putForeign(message({ ...header, priority: 9 }, { id: 'less urgent' }));
    await stage.putForeign(message(header, { id: 'a/b\n🙂', body: { n: 1 } }));
    await stage.time.pass(stage.worker.quietMs);
    const { id, payload, priority, headers, maxAttempts } = contentOf(await stage.worker.takeOne());
    assert.deepEqual([id, payload, priority, maxAttempts], ['a/b\n🙂', { n: 1 }, 3, 4]);
    assert.deepEqual(headers, { tenant: 'é', list: '[1,2]' });
  });

  scenario('a message’s delay is heeded, at no cost', withForeign, async (stage) => {
    const crew = stage.crew({ handlers: { job: () => stage.clock.now() } });
    const readyAt = stage.clock.now() + stage.delayMs;
    // Without a zone it is UTC; a space may stand for the T, and what is finer than a millisecond is cut.
    const delay = `${new Date(readyAt).toISOString().slice(0, -1).replace('T', ' ')}999`;
    await stage.putForeign(message({ delay, max_attempts: 1 }));
    const { result, job } = await crew.hears('completed');
    assert.ok(Number(result) >= readyAt, `handled ${readyAt - Number(result)} ms before its time`);
    assert.equal(job.attempt, 1);
  });

  scenario('a message that has expired is never handled', withForeign, async (stage) => {
    const crew = stage.crew({ handlers: { job: (payload) => payload } });
    await stage.putForeign(message({ expiration: '2020-01-01 00:00:00.000001' }, { body: 'late' }));
    await stage.putForeign(message({ priority: 2_000 }, { body: 'in time' }));
    assert.equal((await crew.hears('completed')).result, 'in time');
    await crew.stop();
    assert.equal(crew.calls.length, 1);
    await stage.worker.takesNothing('one was handled, one has expired');
  });

  scenario('attempts that a message has used up elsewhere count', withForeign, async (stage) => {
    await stage.putForeign(message({ attempts: 2 }));
    const first = await stage.worker.takeOne();
    await stage.worker.putBack(first);
    assert.deepEqual([first.attempt, (await stage.worker.takeOne()).attempt], [3, 4]);
  });

  scenario('content that is no message is handed out with its bytes as they came', withForeign, async (stage) => {
    const { worker } = stage;
    const taken = new Set<string>();
    for (const [what, bytes] of Object.entries(UNREADABLE)) {
      await stage.putForeign(bytes);
      const first = await worker.takeOne();
      await worker.putBack(first, { countsAttempt: false });
      const { content, attempt, ...delivery } = await worker.takeOne();
      assert.ok(isUnreadable(content), `${what}: it can’t be read`);
      assert.deepEqual(Buffer.from(content.bytes), Buffer.from(bytes), what);
      assert.deepEqual([content.id, attempt], [first.content.id, 1], what);
      taken.add(content.id);
      await worker.complete({ content, attempt, ...delivery });
    }
    assert.equal(taken.size, Object.keys(UNREADABLE).length, 'each has an id of its own');
  });

  scenario('content that is no message fails, and the others go on', withForeign, async (stage) => {
    const crew = stage.crew({ handlers: { job: (payload) => payload }, concurrency: 1 });
    for (const bytes of Object.values(UNREADABLE)) await stage.putForeign(bytes);
    await stage.publish('job', 'readable');
    await crew.hears('failed', Object.keys(UNREADABLE).length);
    assert.equal((await crew.hears('completed')).result, 'readable');
    await crew.stop();
    assert.equal(crew.calls.length, 1);
    await stage.worker.takesNothing('all failed but one, which was completed');
  });
});
