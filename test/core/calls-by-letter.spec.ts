import { expect, onTestFinished, test } from 'vitest';
import { memory } from '../../lib/backends/memory/index.js';
import { Time } from '../../lib/conformance/stage/time.js';
import { Crew } from '../../lib/conformance/stage/crew.js';
import { JobResultNotKeptError } from '../../lib/core/answer-errors.js';
import { answerKey } from '../../lib/core/answer-record.js';
import type { Backend } from '../../lib/core/backend.js';
import { systemClock } from '../../lib/core/clock.js';
import type { Letters } from '../../lib/core/letters.js';
import type { PublishedJob } from '../../lib/core/published-job.js';
import type { Publisher } from '../../lib/core/publisher.js';
import type { Records } from '../../lib/core/records.js';
import { PostOffice } from '../conformance/post-office.js';
import { bound } from '../conformance/records.js';
import { publishingBy } from './crash/publishing.js';
import { wrapped } from './engine.js';

/** A publisher and a worker that doubles, on one memory whose processes can be sent letters. */
async function office(change: (letters: Letters) => Letters = (letters) => letters): Promise<{
  readonly publisher: Publisher;
  readonly published: PublishedJob[];
  readonly headers: Readonly<Record<string, string>>[];
  readonly records: Records;
}> {
  const inner = await memory().open({ worker: 'w', warn: () => undefined });
  onTestFinished(() => inner.close());
  const kept = inner.records as Records;
  const post = new PostOffice();
  const headers: Readonly<Record<string, string>>[] = [];
  const opened = (letters: Letters): Backend =>
    wrapped(inner, {
      records: { ...bound(kept), letters },
      publish: (queue, messages) => {
        headers.push(...messages.map((message) => message.headers));
        return inner.publish(queue, messages);
      },
    });
  const caller = opened(change(post.open(kept).letters));
  const crew = new Crew(
    { handlers: { double: (payload, job) => (job.log('doubling'), Number(payload) * 2) } },
    opened(post.open(kept).letters),
    'calls',
    new Time(systemClock, undefined, 30_000, 100),
    50,
  );
  onTestFinished(() => crew.stop());
  const { publisher, events } = publishingBy(caller, 'calls');
  const published: PublishedJob[] = [];
  events.on('published', (job) => published.push(job));
  return { publisher, published, headers, records: kept };
}

test('the answer to a call goes to its caller alone, and nothing is kept', async () => {
  const { publisher, published, headers, records } = await office();
  expect(await Promise.all([1, 2, 3].map((n) => publisher.call('double', n)))).toEqual([2, 4, 6]);
  expect(headers.map((each) => each['answer_to'])).toEqual(['box-1', 'box-1', 'box-1']);
  for (const job of published) {
    expect(await records.get(answerKey('calls', job.id))).toBeUndefined();
    await expect(job.result()).rejects.toThrow(JobResultNotKeptError);
  }
});

test('with keepResult it is there for all who ask', async () => {
  const { publisher, published, headers } = await office();
  expect(await publisher.call('double', 4, { keepResult: '1m' })).toBe(8);
  expect(headers[0]).not.toHaveProperty('answer_to');
  expect(await published[0]?.result()).toBe(8);
  expect(await publisher.job('double', published[0]?.id ?? '').log()).toEqual(['doubling']);
});

test('while this process cannot be reached, calls are answered by records', async () => {
  let asked = 0;
  const { publisher, headers } = await office((letters) => ({
    ...letters,
    address: () => (asked++ === 0 ? undefined : letters.address()),
  }));
  expect(await publisher.call('double', 1)).toBe(2);
  expect(await publisher.call('double', 2)).toBe(4);
  expect(headers.map((each) => each['answer_to'])).toEqual([undefined, 'box-1']);
});

test('an id of the caller’s own, which another job may have, is asked about', async () => {
  const { publisher, headers } = await office();
  expect(await publisher.call('double', 1, { id: 'own' })).toBe(2);
  expect(headers[0]).not.toHaveProperty('answer_to');
});

test('nobody is sent to where the header names no address', async () => {
  const { publisher, headers } = await office((letters) => ({ ...letters, address: () => 'no address\r\n' }));
  await expect(publisher.call('double', 1, { timeout: 50 })).rejects.toThrow('no result of job');
  expect(headers).toHaveLength(1);
});
