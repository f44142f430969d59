import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, realpath } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Removed when the process ends. */
const folders: string[] = [];
process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

/**
 * Calls `work` with a new temporary folder, which is removed when the process ends: ext4 without a journal takes long to
 * make files where others were removed within the last minute, and another row may come next.
 */
export async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await newFolder(tmpdir());
  await spread(folder);
  return work(folder);
}

/** The same in memory, where the system has a file system there: for what is compared with a server that keeps nothing on a disk. */
export async function inFolderInMemory<T>(work: (folder: string) => Promise<T>): Promise<T> {
  return work(await newFolder('/dev/shm').catch(() => newFolder(tmpdir())));
}

async function newFolder(place: string): Promise<string> {
  const folder = await realpath(await mkdtemp(join(place, 'nestjs-jobs-bench-')));
  folders.push(folder);
  return folder;
}

/** Lets the folders in a folder lie apart on the disk, for the same reason. Other file systems don't know of this. */
async function spread(folder: string): Promise<void> {
  await promisify(execFile)('chattr', ['+T', folder]).catch(() => undefined);
}
