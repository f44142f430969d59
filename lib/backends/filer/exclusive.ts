import { setTimeout } from 'node:timers/promises';
import { BackendError } from '../../core/backend.js';
import { hasCode, unlinkIfThere, type Disk } from './disk.js';
import type { OwnerWatch } from './owner.js';

const WAIT_MS = 2;
const GIVE_UP_AFTER_MS = 5_000;
/** What is done under a lock takes microseconds; one this old was left by a process of another host that died. */
const ABANDONED_AFTER_MS = 10_000;

/**
 * Does `act`, which is synchronous, while no other process does anything under the same lock: a file made exclusively.
 * For what the file system can't do in one operation, such as a rename that must not overwrite.
 */
export async function exclusively<T>(disk: Disk, lock: string, owners: OwnerWatch, act: () => T): Promise<T> {
  const mine = Buffer.from(owners.self);
  for (let waited = 0; ; waited += WAIT_MS) {
    try {
      disk.closeFile(disk.create(lock, mine));
      break;
    } catch (error) {
      if (!hasCode(error, 'EEXIST')) throw error;
      if (waited >= GIVE_UP_AFTER_MS) throw new BackendError(`filer: ${lock} is held by another`, { passing: true });
      if (!breakIfAbandoned(disk, lock, owners)) await setTimeout(WAIT_MS);
    }
  }
  try {
    return act();
  } finally {
    unlinkIfThere(disk, lock);
  }
}

/** Takes a lock away from a process that died with it. False where it may still be held. */
export function breakIfAbandoned(disk: Disk, lock: string, owners: OwnerWatch): boolean {
  if (!isAbandoned(disk, lock, owners)) return false;
  breakLock(disk, lock, owners);
  return true;
}

function isAbandoned(disk: Disk, lock: string, owners: OwnerWatch): boolean {
  try {
    const file = disk.open(lock);
    if (!file) return false;
    const { modifiedMs } = file;
    const owner = file.read().toString();
    return owners.isDead(owner) || (!owners.isAlive(owner) && Date.now() - modifiedMs > ABANDONED_AFTER_MS);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false;
    throw error;
  }
}

/** Takes an abandoned lock away under a name of its own, and puts it back if another's had taken its place by then. */
function breakLock(disk: Disk, lock: string, owners: OwnerWatch): void {
  const away = `${lock}-${owners.self}`;
  try {
    disk.rename(lock, away);
    if (!isAbandoned(disk, away, owners)) disk.link(away, lock);
    disk.unlink(away);
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'EEXIST')) throw error;
  }
}
