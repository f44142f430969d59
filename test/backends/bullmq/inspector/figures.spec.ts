import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Inspector } from '../../../../lib/core/inspector.js';
import { PrivateRedis } from '../../../servers/redis.js';
import { Bench, message } from '../support.js';
import { inspectorOf } from './support.js';

const JOBS = 100_000;

let server: PrivateRedis;
let bench: Bench;
let inspector: Inspector;

beforeAll(async () => {
  server = await PrivateRedis.start();
  bench = new Bench(server.url);
  inspector = inspectorOf(await bench.open());
}, 300_000);

afterAll(async () => {
  await bench.close();
  await server.stop();
});

async function timed<T>(what: string, act: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await act();
  console.log(`${what}: ${(performance.now() - began).toFixed(1)} ms`);
  return result;
}

// Takes a minute: `FIGURES=1 npx vitest run --project lib test/backends/bullmq/inspector/figures`.
test.runIf(process.env['FIGURES'])(
  `counts, pages and single jobs with ${JOBS.toLocaleString('en')} waiting and as many failed`,
  async () => {
    const { queue } = bench;
    const ids = Array.from({ length: JOBS }, (_, n) => `job-${n}`);
    for (const state of ['waiting', 'failed'] as const) {
      const states = ids.map((id, n) => ({
        ...{ state, content: message({ id: `${state}-${id}`, priority: n % 500, payload: 'x'.repeat(200) }) },
        ...{ attempts: 1, reason: 'no', failures: [] },
      }));
      const results = await timed(`store ${JOBS} ${state}`, () => inspector.store(queue, states));
      expect(new Set(results)).toEqual(new Set(['stored']));
    }
    for (let round = 1; round <= 3; round++) {
      const counts = await timed('counts', () => inspector.counts(queue));
      expect(counts).toMatchObject({ waiting: JOBS, failed: JOBS });
      expect(await timed('get', () => inspector.get(queue, 'failed-job-77777'))).toHaveLength(1);
      expect(await timed('queues', () => inspector.queues())).toEqual([queue]);
      for (const state of ['waiting', 'failed'] as const) {
        const page = await timed(`a page of 100 ${state}`, () => inspector.list(queue, state, { limit: 100 }));
        expect(page.jobs).toHaveLength(100);
      }
    }
    await timed('all pages of 1,000 failed', async () => {
      let seen = 0;
      let cursor: string | undefined;
      do {
        const page = await inspector.list(queue, 'failed', { limit: 1_000, cursor });
        seen += page.jobs.length;
        cursor = page.cursor;
      } while (cursor !== undefined);
      expect(seen).toBe(JOBS);
    });
    const { jobs } = await inspector.list(queue, 'failed', { limit: 10_000 });
    const results = await timed('retry of 10,000', () => inspector.change(queue, jobs, { kind: 'retry' }));
    expect(new Set(results)).toEqual(new Set(['done']));
  },
  300_000,
);
