import { expect, test } from 'vitest';
import type { FilerBackend } from '../../../lib/backends/filer/filer.backend.js';
import { newId } from '../../../lib/core/id.js';
import type { JobChange, JobState, StoredState } from '../../../lib/core/inspector.js';
import { cutEverywhere, failure, message, publish, settle } from './power-cut.house.js';
import type { RecordingDisk } from './power-cut.model.js';

/** Changes the only job in a state. */
async function change(backend: FilerBackend, state: JobState, how: JobChange): Promise<void> {
  const { jobs } = await backend.inspector.list('q', state, { limit: 10 });
  expect(await backend.inspector.change('q', jobs, how)).toEqual(['done']);
}

async function fail(backend: FilerBackend, disk: RecordingDisk): Promise<void> {
  await settle(backend, disk, { kind: 'failed', reason: 'no', failures: [failure] });
}

for (const id of [undefined, 'named']) {
  const kind = id === undefined ? 'made here' : 'of the user';

  test(`a cut while a failed job of an id ${kind} is retried leaves it failed or waiting`, async () => {
    const states = await cutEverywhere(async (backend, disk) => {
      await publish(backend, disk, message(id ?? newId(), { freshId: !id }));
      await fail(backend, disk);
      await change(backend, 'failed', { kind: 'retry' });
    });
    expect(states).toBeGreaterThan(20);
  });

  test(`a cut while a failed job of an id ${kind} is removed leaves it whole or gone`, async () => {
    await cutEverywhere(async (backend, disk) => {
      const job = message(id ?? newId(), { freshId: !id });
      await publish(backend, disk, job);
      await fail(backend, disk);
      disk.told(`ending ${job.id}`);
      await change(backend, 'failed', { kind: 'remove' });
    });
  });

  test(`a cut while a job of an id ${kind} gets another time leaves it once`, async () => {
    await cutEverywhere(async (backend, disk) => {
      await publish(backend, disk, message(id ?? newId(), { freshId: !id }));
      await change(backend, 'waiting', { kind: 'reschedule', at: 0 });
      await change(backend, 'waiting', { kind: 'reschedule', at: 1 });
    });
  });
}

test('a cut while a job gets the time that it has leaves it once', async () => {
  await cutEverywhere(async (backend, disk) => {
    await publish(backend, disk, message('named'));
    const at = Date.now() + 5_000;
    await change(backend, 'waiting', { kind: 'reschedule', at });
    await change(backend, 'delayed', { kind: 'reschedule', at });
  });
});

test('a cut while a job that waits is removed leaves it whole or gone', async () => {
  await cutEverywhere(async (backend, disk) => {
    await publish(backend, disk, message('named'));
    disk.told('ending named');
    await change(backend, 'waiting', { kind: 'remove' });
  });
});

for (const state of ['waiting', 'delayed', 'failed', 'expired'] as const) {
  test(`a cut while a job that was ${state} elsewhere is stored loses none that was acknowledged`, async () => {
    const states = await cutEverywhere(async (backend, disk) => {
      const job: StoredState = { state, content: message('moved'), attempts: 2, readyAt: 1, failures: [failure] };
      expect(await backend.inspector.store('q', [job])).toEqual(['stored']);
      disk.told('published moved');
    });
    expect(states).toBeGreaterThan(10);
  });
}
