import { execFile } from 'node:child_process';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Calls `work` with a new temporary folder, and removes the folder whatever becomes of the work. */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'nestjs-jobs-bench-')));
  await spread(folder);
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/**
 * Lets the folders in a folder lie apart on the disk: ext4 without a journal takes long to make files where others were
 * removed minutes ago, be it by the row before. Other file systems don't know of this, nor need it.
 */
async function spread(folder: string): Promise<void> {
  await promisify(execFile)('chattr', ['+T', folder]).catch(() => undefined);
}
