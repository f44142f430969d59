import { setImmediate, setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { memory } from '../../lib/backends/memory/index.js';
import { JobResultClosedError } from '../../lib/core/answer-errors.js';
import { answerKey } from '../../lib/core/answer-record.js';
import { Answers, type AskedAnswer } from '../../lib/core/answers.js';
import { BackendError, type Backend } from '../../lib/core/backend.js';
import { systemClock } from '../../lib/core/clock.js';
import type { Records } from '../../lib/core/records.js';
import { RecordWatches } from '../../lib/core/record-watches.js';
import { wrapped } from './engine.js';
import { Random, SEEDS } from './random.js';

async function backend(): Promise<Backend> {
  return memory().open({ worker: 'w', warn: () => undefined });
}

function asked(id: string): AskedAnswer {
  return { id, name: 'job', queue: 'q', key: answerKey('q', id), since: undefined };
}

function answer(result: unknown): string {
  return JSON.stringify({ state: 'completed', result, attempts: 1 });
}

/** Records whose every step takes a random while, and fails at times. */
function unsteady(records: Records, random: Random): Records {
  const late = async <T>(act: () => Promise<T>): Promise<T> => {
    for (let turns = random.whole(0, 6); turns > 0; turns--) await setImmediate();
    if (random.chance(0.1)) throw new BackendError('away', { passing: true });
    const done = await act();
    for (let turns = random.whole(0, 6); turns > 0; turns--) await setImmediate();
    return done;
  };
  return {
    set: (key, text, ttlMs) => records.set(key, text, ttlMs),
    claim: (key, text, ttlMs) => records.claim(key, text, ttlMs),
    swap: (key, from, to, ttlMs) => records.swap(key, from, to, ttlMs),
    get: (key) => late(() => records.get(key)),
    delete: (key) => records.delete(key),
    watch: (key, listener) => late(() => records.watch(key, () => void setImmediate().then(listener))),
  };
}

describe('no wake-up is lost between a publish and a wait', () => {
  test.each(SEEDS)(
    'whatever comes first, with seed %i',
    async (seed) => {
      const random = new Random(seed);
      const inner = await backend();
      const engine = wrapped(inner, { records: unsteady(inner.records as Records, random) });
      const answers = new Answers(() => engine);
      const runs = Array.from({ length: 60 }, async (_, index) => {
        const id = `job-${index}`;
        const stored = (async () => {
          for (let turns = random.whole(0, 25); turns > 0; turns--) await setImmediate();
          await inner.records?.set(answerKey('q', id), answer(index), 60_000);
        })();
        const waits = Array.from({ length: random.whole(1, 4) }, async () => {
          for (let turns = random.whole(0, 25); turns > 0; turns--) await setImmediate();
          return answers.result(asked(id), { timeout: '20s' });
        });
        await stored;
        expect(new Set(await Promise.all(waits))).toEqual(new Set([index]));
      });
      await Promise.all(runs);
      await inner.close();
    },
    60_000,
  );
});

test('however many wait for a record, it is watched once, and not at all when nobody does any more', async () => {
  const inner = await backend();
  const records = inner.records as Records;
  const counts = { watches: 0, ends: 0, gets: 0 };
  const watches = new RecordWatches(
    () =>
      Promise.resolve({
        ...unsteady(records, new Random(1)),
        get: (key) => {
          counts.gets += 1;
          return records.get(key);
        },
        watch: async (key, listener) => {
          counts.watches += 1;
          const end = await records.watch(key, listener);
          return () => {
            counts.ends += 1;
            end();
          };
        },
      }),
    systemClock,
  );
  const heard: unknown[] = [];
  const leaves = Array.from({ length: 1_000 }, () => watches.join('key', (text) => heard.push(text)));
  await expect.poll(() => heard.length).toBe(1_000);
  expect(counts).toMatchObject({ watches: 1, ends: 0 });
  expect(counts.gets).toBeLessThan(4);
  await records.set('key', 'text', 60_000);
  await expect.poll(() => heard.filter((text) => text === 'text').length).toBe(1_000);
  for (const leave of leaves) leave();
  expect(counts.ends).toBe(1);
  await records.set('key', 'other', 60_000);
  await setTimeout(10);
  expect(heard).not.toContain('other');
  const again = watches.join('key', (text) => heard.push(text));
  await expect.poll(() => heard).toContain('other');
  again();
  expect(counts).toMatchObject({ watches: 2, ends: 2 });
});

test('who leaves while the watch is being made leaves none behind', async () => {
  const inner = await backend();
  let made = (): void => undefined;
  let ends = 0;
  const records: Records = {
    ...unsteady(inner.records as Records, new Random(1)),
    watch: () => new Promise((resolve) => (made = () => resolve(() => void (ends += 1)))),
  };
  const watches = new RecordWatches(() => Promise.resolve(records), systemClock);
  const leave = watches.join('key', () => undefined);
  await setImmediate();
  leave();
  made();
  await expect.poll(() => ends).toBe(1);
});

test('a thousand wait at once for as many jobs, and closing ends them all at once', async () => {
  const inner = await backend();
  const answers = new Answers(() => inner);
  const ids = Array.from({ length: 1_000 }, (_, index) => `job-${index}`);
  const waits = ids.map((id) => answers.result(asked(id)));
  await Promise.all(
    ids.slice(0, 500).map((id) => (inner.records as Records).set(answerKey('q', id), answer(id), 60_000)),
  );
  expect(await Promise.all(waits.slice(0, 500))).toEqual(ids.slice(0, 500));
  answers.close();
  const ended = await Promise.allSettled(waits.slice(500));
  expect(ended.every((end) => end.status === 'rejected' && end.reason instanceof JobResultClosedError)).toBe(true);
  await expect(answers.result(asked('late'))).rejects.toThrow(JobResultClosedError);
});

test('an end of the engine’s absence is felt at once', async () => {
  const inner = await backend();
  let away = true;
  let back: () => void = () => undefined;
  const records: Records = {
    ...unsteady(inner.records as Records, new Random(1)),
    get: (key) =>
      away ? Promise.reject(new BackendError('away', { passing: true })) : (inner.records as Records).get(key),
    watch: (_, listener) => {
      back = listener;
      return Promise.resolve(() => undefined);
    },
  };
  const clock = { ...systemClock, after: () => () => undefined };
  const watches = new RecordWatches(() => Promise.resolve(records), clock);
  const heard: unknown[] = [];
  const leave = watches.join('key', (text) => heard.push(text));
  await setTimeout(5);
  expect(heard).toEqual([]);
  away = false;
  back();
  await expect.poll(() => heard).toEqual([undefined]);
  leave();
});
