import { randomBytes } from 'node:crypto';
import { statIfThere, unlinkIfThere, type Disk } from './disk.js';
import type { Folders } from './folders.js';
import type { OwnerWatch } from './owner.js';

const DRAFT = /^job-([0-9a-z]+-[0-9a-z]+-[0-9a-z]+)-[0-9a-z]+$/;
/** How old a draft of another host has to be to count as left, in milliseconds. */
const LEFT_AFTER_MS = 24 * 3_600_000;
/** The same, where somebody waits for it: what it is for is done within one batch. */
const LEFT_AFTER_WAIT_MS = 60_000;

/** Tells copies of this module within one process apart, such as those of its threads. */
const copy = randomBytes(4).toString('hex');
let drafts = 0;

/** A name for a draft in `tmp` that no other has. */
export function draftName(owners: OwnerWatch): string {
  return `job-${owners.self}-${copy}${(++drafts).toString(36)}`;
}

/** Writes a draft, synced where it is to be durable. What can't be written leaves nothing behind. */
export async function writeDraft(
  { disk, durable, newDraft }: { readonly disk: Disk; readonly durable: boolean; readonly newDraft: () => string },
  bytes: Uint8Array,
): Promise<string> {
  const draft = newDraft();
  const descriptor = disk.create(draft, bytes);
  try {
    if (durable) await disk.syncFile(descriptor);
    return draft;
  } catch (error) {
    unlinkIfThere(disk, draft);
    throw error;
  } finally {
    disk.closeFile(descriptor);
  }
}

/** Whether a file of a folder of drafts is one of ours whose process is gone. */
export function isLeftDraft(disk: Disk, folder: string, file: string, owners: OwnerWatch): boolean {
  const owner = DRAFT.exec(file)?.[1];
  return owner !== undefined && isLeft(disk, `${folder}/${file}`, owner, owners, LEFT_AFTER_MS);
}

/** A draft that is on its way into a queue, or was left there. */
export interface Draft {
  readonly path: string;
  isLeft(owners: OwnerWatch): boolean;
}

/** The draft that is this file; undefined where it is none (any more). */
export function findDraft(disk: Disk, folders: Folders, inode: number): Draft | undefined {
  const names = disk.list(folders.path('tmp'));
  try {
    for (let entry = names.readSync(); entry; entry = names.readSync()) {
      const owner = DRAFT.exec(entry.name)?.[1];
      const path = folders.file('tmp', entry.name);
      if (owner === undefined || statIfThere(disk, path)?.ino !== inode) continue;
      return { path, isLeft: (owners) => isLeft(disk, path, owner, owners, LEFT_AFTER_WAIT_MS) };
    }
    return undefined;
  } finally {
    names.closeSync();
  }
}

function isLeft(disk: Disk, path: string, owner: string, owners: OwnerWatch, afterMs: number): boolean {
  if (owners.isDead(owner)) return true;
  const stats = statIfThere(disk, path);
  return stats !== undefined && !owners.isAlive(owner) && Date.now() - stats.mtimeMs > afterMs;
}
