import assert from 'node:assert/strict';
import { openElsewhere } from '../core/records-elsewhere.js';
import { chapter, opensElsewhere } from './scenario.js';
import { AwaitedRecords } from './stage/awaited-records.js';
import { payloadsOf } from './stage/draft.js';
import type { Stage } from './stage/stage.js';
import type { Worker } from './stage/worker.js';

const HOUR_MS = 3_600_000;

interface Elsewhere {
  readonly records: AwaitedRecords;
  close(): Promise<void>;
}

/** As another thread is given what the backend says; undefined where it says that it can't. */
async function opened({ backend }: Worker, { time }: Stage): Promise<Elsewhere | undefined> {
  // Modules are imported in real time, whatever the backend's.
  const elsewhere = await backend.recordsElsewhere?.();
  if (!elsewhere) return undefined;
  const other = await openElsewhere(structuredClone(elsewhere));
  return {
    records: new AwaitedRecords(other.records, time),
    close: () => time.wait('close to resolve', other.close()),
  };
}

export const elsewhere = chapter('elsewhere', (scenario) => {
  scenario(
    'what another thread opens by what the backend says, as data, are the same records',
    opensElsewhere,
    async (stage) => {
      const { records } = stage.worker;
      const other = await opened(stage.worker, stage);
      if (!other) return;
      try {
        await records.set('key', 'text', HOUR_MS);
        assert.equal(await other.records.textOf('key'), 'text');
        assert.equal(await other.records.swap('key', 'text', 'swapped', HOUR_MS), true);
        assert.equal(await records.textOf('key'), 'swapped');
        assert.equal(await other.records.swap('key', 'text', 'again', HOUR_MS), false);
        assert.equal(await other.records.claim('claimed', 'first', HOUR_MS), undefined);
        assert.equal((await records.claim('claimed', 'second', HOUR_MS))?.text, 'first');
        assert.equal(await other.records.delete('claimed'), true);
        await other.records.set('set', 'text', HOUR_MS);
        assert.deepEqual([await records.textOf('claimed'), await records.textOf('set')], [undefined, 'text']);
      } finally {
        await other.close();
      }
    },
  );

  scenario('what another thread has opened takes no job, and is closed by itself', opensElsewhere, async (stage) => {
    const { worker } = stage;
    const other = await opened(worker, stage);
    if (!other) return;
    await other.records.set('key', 'text', HOUR_MS);
    await worker.publish({ payload: 'first' }, { payload: 'second' });
    await other.close();
    assert.equal(await worker.records.textOf('key'), 'text');
    assert.deepEqual(payloadsOf(await worker.take(2)), ['first', 'second']);
  });
});
