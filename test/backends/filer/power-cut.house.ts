import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import type { Disk } from '../../../lib/backends/filer/disk.js';
import { RealDisk } from '../../../lib/backends/filer/real-disk.js';
import type { FilerBackend } from '../../../lib/backends/filer/filer.backend.js';
import { openFiler } from '../../../lib/backends/filer/index.js';
import type { Delivery, Settlement } from '../../../lib/core/backend.js';
import { isUnreadable, type Message } from '../../../lib/core/message.js';
import { folderOf, RecordingDisk, statesAfter, type Event, type Inode, type Remains } from './power-cut.model.js';

/** How many unsynced changes may be missing at a time. */
const MOST_MISSING = 3;
const FOLDERS = ['tmp', 'incoming', 'pending', 'errors', 'expired', 'delayed', '.ids'];
const LIVING = new Set(['incoming', 'pending', 'errors', 'expired', 'delayed']);
export const failure = { at: '', worker: 'w', attempt: 1, durationMs: 1, error: { name: 'E', message: 'no' } };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'power-cut-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

export function message(id: string, more: Partial<Message> = {}): Message {
  const body = JSON.stringify({ id, text: 'x'.repeat(200) });
  return { id, name: 'job', body, priority: 1024, publishedAt: Date.now(), attemptsUsed: 0, headers: {}, ...more };
}

/** `dead`: whether the owner of every pending file is gone, as after a cut. */
function open(directory: string, disk: Disk, self: string, dead: boolean): Promise<FilerBackend> {
  const owners = { self, isDead: (owner: string) => dead && owner !== self, isAlive: () => false };
  const options = { directory, durable: true, leaseMs: 60_000, sweepMs: 60_000 };
  return openFiler(options, { worker: self, queues: ['q'], warn: () => undefined }, disk, owners);
}

export async function reserve(backend: FilerBackend, count: number): Promise<Delivery[]> {
  const deliveries: Delivery[] = [];
  while (deliveries.length < count) {
    deliveries.push(...(await backend.reserve('q', count - deliveries.length, new AbortController().signal)));
  }
  return deliveries;
}

/** What is known to callers when the power is cut. */
interface Told {
  /** Jobs whose publish has resolved. */
  readonly published: Set<string>;
  /** Jobs for which an end was asked that removes them. */
  readonly ending: Set<string>;
}

function toldBy(events: readonly Event[]): Told {
  const told: Told = { published: new Set(), ending: new Set() };
  for (const event of events) {
    if (event.kind !== 'told') continue;
    const [what, id] = event.what.split(' ') as ['published' | 'ending', string];
    told[what].add(id);
  }
  return told;
}

/** The jobs that remain in a folder where jobs live, by id, with the folders of each. */
function living(remains: Remains): Map<string, { folders: string[]; file: Inode }> {
  const jobs = new Map<string, { folders: string[]; file: Inode }>();
  for (const [path, file] of remains) {
    if (!LIVING.has(folderOf(path)) || path.endsWith('.meta') || path.endsWith('.lock')) continue;
    const { id } = JSON.parse(file.bytes.toString()) as { id: string };
    const folders = [...(jobs.get(id)?.folders ?? []), folderOf(path)];
    jobs.set(id, { folders, file });
  }
  return jobs;
}

/** Puts what remains on a disk: a file that was not synced is cut in half. */
function restore(remains: Remains, from: string): string {
  const directory = mkdtempSync(join(folder, 'after-'));
  for (const name of FOLDERS) mkdirSync(join(directory, 'q', name), { recursive: true });
  const places = new Map<Inode, string>();
  for (const [path, inode] of remains) {
    const place = join(directory, path.slice(from.length));
    mkdirSync(dirname(place), { recursive: true });
    const other = places.get(inode);
    if (other) linkSync(other, place);
    else if (inode.isLink) symlinkSync(inode.bytes.toString(), place);
    else writeFileSync(place, inode.synced ? inode.bytes : inode.bytes.subarray(0, inode.bytes.length / 2));
    places.set(inode, place);
  }
  return directory;
}

/** Opens what a cut has left, and handles all that is due or delayed to a moment that has passed. */
async function handleAll(directory: string, expected: number): Promise<string[]> {
  const backend = await open(directory, new RealDisk(), 'after-1-1', true);
  const handled: string[] = [];
  const deliveries = await reserve(backend, expected);
  for (const delivery of deliveries) {
    expect(isUnreadable(delivery.content)).toBe(false);
    handled.push(delivery.content.id);
    expect(await backend.settle(delivery, { kind: 'completed' })).toBe(true);
  }
  // Nothing more comes: a reserve that is aborted at once hands out what there is.
  expect(await backend.reserve('q', 10, AbortSignal.abort())).toEqual([]);
  await backend.close();
  return handled;
}

/** Records what `act` does, then cuts after each operation and looks at every state that may be left. */
export async function cutEverywhere(
  act: (backend: FilerBackend, disk: RecordingDisk) => Promise<void>,
  disk = new RecordingDisk(),
): Promise<number> {
  const directory = mkdtempSync(join(folder, 'before-'));
  const backend = await open(directory, disk, 'before-1-1', false);
  await act(backend, disk);
  const recorded = [...disk.events];
  await backend.close();
  const events = [...recorded, ...disk.events.slice(recorded.length)];
  let states = 0;
  const checked = new Set<string>();
  for (let count = 0; count <= events.length; count++) {
    const told = toldBy(events.slice(0, count));
    for (const remains of statesAfter(events, count, MOST_MISSING)) {
      states += 1;
      const jobs = living(remains);
      for (const id of told.published) if (!told.ending.has(id)) expect([...jobs.keys()]).toContain(id);
      for (const { folders, file } of jobs.values()) {
        expect(folders).toHaveLength(1);
        expect(file.synced).toBe(true);
      }
      // What was looked at once need not be opened again; the same entries come up after many cuts.
      const key = [...remains].map(([path, inode]) => `${path} ${String(inode.synced)}`).join('\n');
      if (checked.has(key)) continue;
      checked.add(key);
      const due = [...jobs].filter(([, job]) => job.folders.every((name) => name !== 'errors' && name !== 'expired'));
      const after = restore(remains, directory);
      const handled = await handleAll(after, due.length);
      expect(handled.sort()).toEqual(due.map(([id]) => id).sort());
      rmSync(after, { recursive: true });
    }
  }
  return states;
}

export async function publish(
  backend: FilerBackend,
  disk: RecordingDisk,
  ...messages: readonly Message[]
): Promise<void> {
  await backend.publish('q', messages);
  for (const { id } of messages) disk.told(`published ${id}`);
}

export async function settle(backend: FilerBackend, disk: RecordingDisk, settlement: Settlement): Promise<void> {
  const [delivery] = (await reserve(backend, 1)) as [Delivery];
  if (settlement.kind === 'completed') disk.told(`ending ${delivery.content.id}`);
  expect(await backend.settle(delivery, settlement)).toBe(true);
}
