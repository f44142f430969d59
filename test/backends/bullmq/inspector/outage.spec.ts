import { afterEach, beforeEach, expect, test } from 'vitest';
import { BackendError } from '../../../../lib/core/backend.js';
import type { Inspector } from '../../../../lib/core/inspector.js';
import { PrivateRedis } from '../../../servers/redis.js';
import { Bench, message, until } from '../support.js';
import { idsOf, inspectorOf, listAll } from './support.js';

let server: PrivateRedis;
let bench: Bench;
let inspector: Inspector;

beforeEach(async () => {
  server = await PrivateRedis.start({ appendfsync: 'always' });
  bench = new Bench(server.url);
  inspector = inspectorOf(await bench.open());
}, 300_000);

afterEach(async () => {
  await bench.close();
  await server.stop();
});

async function answers(act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(BackendError);
    expect(error).toMatchObject({ passing: true });
    expect((error as Error).message).toContain(server.url.slice('redis://'.length));
    return false;
  }
}

test('while Redis is away every verb says so at once, and once it is back the next goes', async () => {
  const { queue } = bench;
  const failedOne = { state: 'failed' as const, content: message({ id: 'f-1' }), attempts: 1, failures: [] };
  await inspector.store(queue, [failedOne]);
  const [place] = await inspector.get(queue, 'f-1');
  const verbs: readonly (() => Promise<unknown>)[] = [
    () => inspector.queues(),
    () => inspector.counts(queue),
    () => inspector.list(queue, 'failed', { limit: 1 }),
    () => inspector.get(queue, 'f-1'),
    () => inspector.change(queue, place ? [place] : [], { kind: 'reschedule', at: 0 }),
    () => inspector.change(queue, place ? [place] : [], { kind: 'retry' }),
    () => inspector.store(queue, [failedOne]),
  ];
  await server.kill();
  for (const verb of verbs.filter((_, at) => at !== 4)) {
    const began = performance.now();
    expect(await answers(verb)).toBe(false);
    // Far below any deadline of a caller's.
    expect(performance.now() - began).toBeLessThan(5_000);
  }
  await server.start();
  await until('Redis to answer', () => answers(verbs[1] ?? fail));
  for (const verb of verbs) expect(await answers(verb)).toBe(true);
  expect(await inspector.counts(queue)).toMatchObject({ waiting: 1, failed: 0 });
});

test('what was broken off is done by doing it again: each job is stored once and retried once', async () => {
  const { queue } = bench;
  const states = Array.from({ length: 4_000 }, (_, n) => ({
    ...{ state: 'failed' as const, content: message({ id: `job-${n}` }), attempts: 2, reason: 'no', failures: [] },
  }));
  const storing = answers(() => inspector.store(queue, states));
  await until('some to be stored', async () => ((await inspector.counts(queue)).failed ?? 0) > 0);
  await server.kill();
  expect(await storing).toBe(false);
  await server.start();
  await until('Redis to answer', () => answers(() => inspector.counts(queue)));
  const before = (await inspector.counts(queue)).failed ?? 0;
  const results = await inspector.store(queue, states);
  expect(results.filter((result) => result === 'there')).toHaveLength(before);
  expect(results.filter((result) => result === 'stored')).toHaveLength(states.length - before);

  const places = await listAll(inspector, queue, 'failed', 1_000);
  const retrying = answers(() => inspector.change(queue, places, { kind: 'retry' }));
  await until('some to be retried', async () => ((await inspector.counts(queue)).waiting ?? 0) > 0);
  await server.kill();
  expect(await retrying).toBe(false);
  await server.start();
  await until('Redis to answer', () => answers(() => inspector.counts(queue)));
  await inspector.change(queue, places, { kind: 'retry' });
  expect(await inspector.counts(queue)).toMatchObject({ waiting: states.length, failed: 0 });
  const ids = idsOf(await listAll(inspector, queue, 'waiting', 1_000));
  expect(new Set(ids).size).toBe(states.length);
}, 60_000);

test('a closed backend has no inspector any more', async () => {
  await bench.close();
  for (const verb of [() => inspector.queues(), () => inspector.counts('mail'), () => inspector.get('mail', 'x')]) {
    await expect(verb()).rejects.toThrow('bullmq is closed');
  }
});

function fail(): Promise<never> {
  throw new Error('expected a verb');
}
