import { setTimeout } from 'node:timers/promises';
import { BackendError } from '../../core/backend.js';
import { hasCode, statIfThere, unlinkIfThere, type Disk } from './disk.js';
import type { OwnerWatch } from './owner.js';

const WAIT_MS = 2;
const GIVE_UP_AFTER_MS = 5_000;
/** What is done under a lock takes microseconds; one this old was left by a process of another host that died. */
const ABANDONED_AFTER_MS = 10_000;

/**
 * Does `act`, which is synchronous, while no other process does anything under the same lock: a symbolic link, which is
 * made exclusively and tells its owner in one step, so that one who is killed meanwhile never leaves a lock of nobody. For what the file system can't do in one operation, such as a rename that must not overwrite.
 */
export async function exclusively<T>(disk: Disk, lock: string, owners: OwnerWatch, act: () => T): Promise<T> {
  for (let waited = 0; ; waited += WAIT_MS) {
    try {
      disk.symlink(owners.self, lock);
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

/** Whether a lock was left by a process that died with it. */
export function isAbandoned(disk: Disk, lock: string, owners: OwnerWatch): boolean {
  const owner = ownerOf(disk, lock);
  if (owner === undefined) return false;
  if (owners.isDead(owner)) return true;
  const stats = statIfThere(disk, lock);
  return stats !== undefined && !owners.isAlive(owner) && Date.now() - stats.mtimeMs > ABANDONED_AFTER_MS;
}

/** Whose a lock is; empty where that can't be told; undefined where there is none. */
function ownerOf(disk: Disk, lock: string): string | undefined {
  try {
    return disk.readLink(lock);
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    // No link: somebody else's file, or a copy of a lock.
    if (hasCode(error, 'EINVAL')) return '';
    throw error;
  }
}

/** Takes an abandoned lock away under a name of its own, and puts it back if another's had taken its place by then. */
function breakLock(disk: Disk, lock: string, owners: OwnerWatch): void {
  const away = `${lock}-${owners.self}`;
  try {
    disk.rename(lock, away);
    const owner = ownerOf(disk, away);
    if (owner !== undefined && !isAbandoned(disk, away, owners)) disk.symlink(owner, lock);
    disk.unlink(away);
  } catch (error) {
    if (!hasCode(error, 'ENOENT', 'EEXIST')) throw error;
  }
}
