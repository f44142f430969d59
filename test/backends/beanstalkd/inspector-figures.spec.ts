import { afterEach, beforeEach, expect, test } from 'vitest';
import { messageOf } from '../../../lib/conformance/stage/draft.js';
import { House } from './house.js';

const JOBS = 100_000;

let house: House;

beforeEach(async () => {
  house = await House.open();
}, 300_000);

afterEach(() => house.end());

async function timed<T>(what: string, act: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const result = await act();
  console.log(`${what}: ${(performance.now() - began).toFixed(1)} ms`);
  return result;
}

// Takes half a minute: `FIGURES=1 npx vitest run --project lib test/backends/beanstalkd/inspector-figures`.
test.runIf(process.env['FIGURES'])(
  `counts, pages and single jobs with ${JOBS.toLocaleString('en')} waiting and as many failed`,
  async () => {
    const { inspector } = await house.backend();
    if (!inspector) throw new Error('the backend has no inspector');
    const error = { name: 'Error', message: 'no such box', stack: 's'.repeat(500) };
    const failures = [{ at: new Date().toISOString(), worker: 'w', attempt: 1, durationMs: 1, error }];
    for (const state of ['waiting', 'failed'] as const) {
      const states = Array.from({ length: JOBS }, (_, n) => ({
        ...{ state, content: messageOf({ id: `${state}-${n}`, payload: 'x'.repeat(200) }, Date.now()) },
        ...{ attempts: 1, reason: 'no', failures: state === 'failed' ? failures : [] },
      }));
      const results = await timed(`store ${JOBS} ${state}`, () => inspector.store('mail', states));
      expect(new Set(results)).toEqual(new Set(['stored']));
    }
    for (let round = 1; round <= 3; round++) {
      const counts = await timed('counts', () => inspector.counts('mail'));
      expect(counts).toMatchObject({ waiting: JOBS, failed: JOBS });
      expect(await timed('queues', () => inspector.queues())).toEqual(['mail']);
      const page = await timed('a first page of 100 failed', () => inspector.list('mail', 'failed', { limit: 100 }));
      expect(page.jobs).toHaveLength(100);
      for (const which of ['second', 'third']) {
        const { cursor } = page;
        await timed(`a ${which} page`, () => inspector.list('mail', 'failed', { limit: 100, cursor }));
      }
      expect(await timed('get of a failed job', () => inspector.get('mail', 'failed-77777'))).toHaveLength(1);
    }
    await timed('all pages of 1,000 failed', async () => {
      let seen = 0;
      let cursor: string | undefined;
      do {
        const page = await inspector.list('mail', 'failed', { limit: 1_000, cursor });
        seen += page.jobs.length;
        cursor = page.cursor;
      } while (cursor !== undefined);
      expect(seen).toBe(JOBS);
    });
    const { jobs } = await inspector.list('mail', 'failed', { limit: 10_000 });
    const results = await timed('retry of 10,000', () => inspector.change('mail', jobs, { kind: 'retry' }));
    expect(new Set(results)).toEqual(new Set(['done']));
  },
  300_000,
);
