import { expect, test } from 'vitest';
import type { FilerBackend } from '../../../lib/backends/filer/filer.backend.js';
import type { Settlement } from '../../../lib/core/backend.js';
import { newId } from '../../../lib/core/id.js';
import { cutEverywhere, failure, message, publish, reserve, settle } from './power-cut.house.js';
import { RecordingDisk } from './power-cut.model.js';

test('a cut while publishing loses no job that was acknowledged', async () => {
  const states = await cutEverywhere(async (backend, disk) => {
    await publish(backend, disk, message(newId(), { freshId: true }));
    await publish(backend, disk, message(newId(), { freshId: true }), message(newId(), { freshId: true }));
    await publish(backend, disk, message('named'));
  });
  expect(states).toBeGreaterThan(30);
});

test('a cut while publishing by several callers at once loses no job that was acknowledged', async () => {
  const states = await cutEverywhere(async (backend, disk) => {
    await Promise.all([1, 2, 3].map(() => publish(backend, disk, message(newId(), { freshId: true }))));
  });
  expect(states).toBeGreaterThan(20);
});

test('a cut while publishing with a delay loses no job that was acknowledged', async () => {
  const states = await cutEverywhere((backend, disk) =>
    publish(backend, disk, message(newId(), { freshId: true, readyAt: Date.now() + 30 })),
  );
  expect(states).toBeGreaterThan(5);
});

const settlements: Record<string, Settlement> = {
  completing: { kind: 'completed' },
  'retrying later': { kind: 'again', at: Date.now() + 1, countsAttempt: true, failures: [failure] },
  'retrying at once': { kind: 'again', at: 0, countsAttempt: true, failures: [failure] },
  'handing back': { kind: 'again', at: 0, countsAttempt: false, failures: [] },
  failing: { kind: 'failed', reason: 'no', failures: [failure] },
  expiring: { kind: 'expired', reason: 'late', failures: [] },
};

for (const [name, settlement] of Object.entries(settlements)) {
  for (const id of [undefined, 'named']) {
    test(`a cut while claiming and ${name} loses nothing${id ? ', of a job with an id of the user' : ''}`, async () => {
      const states = await cutEverywhere(async (backend, disk) => {
        await publish(backend, disk, message(id ?? newId(), { freshId: !id }), message(newId(), { freshId: true }));
        await settle(backend, disk, settlement);
      });
      expect(states).toBeGreaterThan(20);
    });
  }
}

for (const id of [undefined, 'named']) {
  test(`a cut while replacing leaves the job or the next${id ? ', of an id of the user' : ''}`, async () => {
    const states = await cutEverywhere(async (backend, disk) => {
      await publish(backend, disk, message(id ?? newId(), { freshId: !id }), message(newId(), { freshId: true }));
      const [delivery] = await reserve(backend, 1);
      const next = { ...message(delivery.content.id), name: 'next' };
      expect(await backend.settle(delivery, { kind: 'replaced', message: next })).toBe(true);
    });
    expect(states).toBeGreaterThan(20);
  });
}

test('a cut after a retry and before its completion loses nothing', async () => {
  await cutEverywhere(async (backend, disk) => {
    await publish(backend, disk, message(newId(), { freshId: true }));
    await settle(backend, disk, { kind: 'again', at: 0, countsAttempt: true, failures: [failure] });
    await settle(backend, disk, { kind: 'completed' });
  });
});

/** Disks that leave out what the filer rests on: each has to be caught. */
const careless: Record<string, RecordingDisk> = {
  'a file is not synced before its rename': new (class extends RecordingDisk {
    override syncFile = (): Promise<void> => Promise.resolve();
  })(),
  'a directory is not synced before the acknowledgement': new (class extends RecordingDisk {
    override syncDirectory = (): Promise<void> => Promise.resolve();
  })(),
  'a rename is a link and a removal': new (class extends RecordingDisk {
    override rename(from: string, to: string): void {
      this.link(from, to);
      this.unlink(from);
    }
  })(),
};

for (const [name, disk] of Object.entries(careless)) {
  test(`it is noticed where ${name}`, async () => {
    const act = async (backend: FilerBackend): Promise<void> => {
      await publish(backend, disk, message(newId(), { freshId: true }));
      await settle(backend, disk, { kind: 'again', at: 0, countsAttempt: true, failures: [failure] });
    };
    await expect(cutEverywhere(act, disk)).rejects.toThrow();
  });
}
