import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { JobResultTimeoutError } from '../../lib/core/answer-errors.js';
import { answerKey, noteKey } from '../../lib/core/answer-record.js';
import { compiled } from '../compiled.js';
import { ENGINE_URLS } from './crash/engine-urls.js';
import { openPublishing } from './crash/publishing.js';
import { Troupe } from './crash/troupe.js';
import { Random } from './random.js';

/** `CALLS=1000 KILLS=40 npx vitest run --project lib test/core/calls-crash.spec.ts` is the long run. */
const CALLS = Number(process.env['CALLS'] ?? 200);
const KILLS = Number(process.env['KILLS'] ?? 5);
const CALLERS = 20;
const QUEUE = 'calls';
const KEPT_MS = 5_000;
const LIMIT_MS = 60_000 + CALLS * 200;

const program = join(compiled(), 'test/core/calls/worker.js');

/** How answers come: as records that are kept for all, or, where the engine can, as letters to their callers. */
const KINDS = { 'is kept for all': { keepResult: KEPT_MS }, 'is for its caller': {} };

const CASES = Object.entries(ENGINE_URLS).flatMap(([engine, urlOf]) =>
  Object.entries(KINDS).map(([kind, kept]) => ({ engine, urlOf, kind, kept })),
);

test.each(CASES)(
  `on $engine, each of ${CALLS} callers gets its answer, which $kind, though ${KILLS} workers are killed`,
  async ({ urlOf, kept }) => {
    const random = new Random(Date.now());
    const url = await urlOf();
    const troupe = new Troupe(program, [url, QUEUE]);
    onTestFinished(() => troupe.end());
    await Promise.all([troupe.start(), troupe.start()]);
    const { backend, publisher, events } = await openPublishing(url, QUEUE);
    const ids: string[] = [];
    events.on('published', ({ id }) => ids.push(id));

    let next = 0;
    let answered = 0;
    const odd: unknown[] = [];
    let killing: Promise<void> = Promise.resolve();
    const caller = async (): Promise<void> => {
      while (next < CALLS) {
        const n = next++;
        const result: unknown = await publisher
          .call('double', n, { timeout: LIMIT_MS / 2, ...kept })
          .catch((error: unknown) => error);
        answered += 1;
        if (result !== 2 * n) odd.push(result);
        if (answered % Math.ceil(CALLS / (KILLS + 1)) === 0) killing = killing.then(() => troupe.killOne(random));
      }
    };
    await Promise.all(Array.from({ length: CALLERS }, caller));
    await killing;

    expect([answered, ids.length]).toEqual([CALLS, CALLS]);
    expect(
      odd.filter((result) => !(result instanceof JobResultTimeoutError)),
      'neither answers nor typed timeouts',
    ).toEqual([]);
    expect(odd.length, 'timeouts').toBeLessThanOrEqual(CALLS / 100);

    if (!('keepResult' in kept)) return;
    const left = async (): Promise<number> => {
      const keys = ids.map((id) => answerKey(QUEUE, id));
      const all = keys.flatMap((key) => [key, noteKey('progress', key), noteKey('log', key)]);
      const found = await Promise.all(all.map(async (key) => backend.records?.get(key)));
      return found.filter((record) => record !== undefined).length;
    };
    // Second runs of jobs whose workers died answer once more.
    await expect.poll(left, { timeout: 30_000, interval: 500 }).toBe(0);
  },
  2 * LIMIT_MS,
);
