import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openFiler } from '../../../lib/backends/filer/index.js';
import { decodeRecord } from '../../../lib/backends/filer/record-file.js';
import type { Records } from '../../../lib/core/records.js';
import { folderOf, RecordingDisk, statesAfter, type Event } from './power-cut.model.js';

const MOST_MISSING = 3;
const AN_HOUR_MS = 3_600_000;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'power-cut-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The texts that may be found under each key after a cut: the last that was told to be stored, and later ones. */
function possible(events: readonly Event[]): Map<string, (string | undefined)[]> {
  const texts = new Map<string, (string | undefined)[]>();
  for (const event of events) {
    if (event.kind !== 'told') continue;
    const [what = '', key = '', text] = event.what.split(' ');
    const before = texts.get(key) ?? [undefined];
    texts.set(key, what === 'asked' ? [...before, text] : [text]);
  }
  return texts;
}

/** Cuts after each operation of what `act` does, and looks at every state that may be left. */
async function cutEverywhere(act: (records: Records) => Promise<void>, disk: RecordingDisk): Promise<number> {
  const directory = mkdtempSync(join(folder, 'before-'));
  const options = { directory, durable: true, leaseMs: 60_000, sweepMs: 60_000 };
  const context = { worker: 'w', warn: () => undefined };
  const owners = { self: 'h-1-1', isDead: () => false, isAlive: () => true };
  const backend = await openFiler(options, context, disk, owners);
  await act(backend.records);
  await backend.close();
  let states = 0;
  for (let count = 0; count <= disk.events.length; count++) {
    const expected = possible(disk.events.slice(0, count));
    for (const remains of statesAfter(disk.events, count, MOST_MISSING)) {
      states += 1;
      const found = new Map<string, string>();
      for (const [path, { bytes, synced }] of remains) {
        if (folderOf(path) !== '.records') continue;
        expect(synced, 'what is in its place is whole').toBe(true);
        const record = decodeRecord(bytes);
        if (record) found.set(record.key, record.text);
      }
      for (const [key, texts] of expected) expect(texts).toContain(found.get(key));
    }
  }
  return states;
}

function story(disk: RecordingDisk): (records: Records) => Promise<void> {
  const set = async (records: Records, key: string, text: string): Promise<void> => {
    disk.told(`asked ${key} ${text}`);
    await records.set(key, text, AN_HOUR_MS);
    disk.told(`stored ${key} ${text}`);
  };
  return async (records) => {
    await set(records, 'a', 'first');
    disk.told('asked b mine');
    await records.claim('b', 'mine', AN_HOUR_MS);
    disk.told('stored b mine');
    await records.claim('b', 'another’s', AN_HOUR_MS);
    await Promise.all([set(records, 'a', 'second'), set(records, 'c', 'first')]);
  };
}

test('a cut loses no record that was said to be stored, and leaves none half', async () => {
  const disk = new RecordingDisk();
  expect(await cutEverywhere(story(disk), disk)).toBeGreaterThan(50);
});

test('who is told of another’s record can rely on it after a cut', async () => {
  const disk = new RecordingDisk();
  const act = async (records: Records): Promise<void> => {
    disk.told('asked a first');
    const claiming = records.claim('a', 'first', AN_HOUR_MS);
    while (!(await records.get('a'))) await new Promise((resolve) => void setImmediate(resolve));
    const told = await records.claim('a', 'second', AN_HOUR_MS);
    expect(told).toMatchObject({ text: 'first' });
    disk.told('stored a first');
    await claiming;
  };
  expect(await cutEverywhere(act, disk)).toBeGreaterThan(10);
});

/** Disks that leave out what it rests on: each has to be caught. */
const careless: Record<string, () => RecordingDisk> = {
  'a file is not synced before its rename': () =>
    new (class extends RecordingDisk {
      override syncFile = (): Promise<void> => Promise.resolve();
    })(),
  'a directory is not synced before the acknowledgement': () =>
    new (class extends RecordingDisk {
      override syncDirectory = (): Promise<void> => Promise.resolve();
    })(),
};

for (const [name, make] of Object.entries(careless)) {
  test(`it is noticed where ${name}`, async () => {
    const disk = make();
    await expect(cutEverywhere(story(disk), disk)).rejects.toThrow();
  });
}
