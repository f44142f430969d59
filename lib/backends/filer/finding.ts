import type { Disk } from './disk.js';
import type { Folders } from './folders.js';
import { fault } from './folders.js';
import type { OwnerWatch } from './owner.js';

/** Something that is not as it should be. */
export interface Finding {
  /** Undefined: it concerns the directory of all queues. */
  readonly queue: string | undefined;
  readonly path: string;
  /** What is wrong, in one sentence. */
  readonly problem: string;
  /** What would be done about it, or, where it is not safe to do here, what to do. */
  readonly remedy: string;
  /** Whether it was done. */
  readonly fixed: boolean;
}

/** A queue under examination. */
export interface Patient {
  readonly queue: string;
  /** Its directory, as a byte string. */
  readonly path: string;
  readonly folders: Folders;
  readonly disk: Disk;
  readonly owners: OwnerWatch;
  /** What has not changed for so many milliseconds is no longer between two steps. */
  readonly settledAfterMs: number;
  readonly fix: boolean;
}

/** What is found; done about it, where that is asked for and safe. */
export async function found(
  { queue, fix }: Patient,
  path: string,
  problem: string,
  remedy: string,
  mend?: () => boolean | Promise<boolean>,
): Promise<Finding> {
  try {
    return { queue, path: pathText(path), problem, remedy, fixed: fix && mend !== undefined && (await mend()) };
  } catch (error) {
    throw fault(path, error);
  }
}

export function pathText(path: string): string {
  return Buffer.from(path, 'latin1').toString('utf8');
}
