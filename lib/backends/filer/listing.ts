import { setImmediate } from 'node:timers/promises';
import type { Disk } from './disk.js';
import type { NamedJob } from './file-name.js';
import type { FolderName, Folders } from './folders.js';
import { nameOf } from './standing.js';

/** How many names are read before the event loop has its turn. */
const AT_A_TIME = 256;

/** The way that jobs take: one that moves while it is looked for is met in one of these. */
const WAY: readonly FolderName[] = ['incoming', 'delayed', 'pending', 'incoming', 'delayed'];

/** The names in a directory, some at a time, so that the event loop has its turns; those of regular files alone, if asked. */
export async function* namesIn(disk: Disk, path: string, which?: 'files'): AsyncGenerator<readonly string[]> {
  const directory = disk.list(path);
  try {
    let names: string[] = [];
    for (let entry = directory.readSync(); entry; entry = directory.readSync()) {
      if (which === undefined || entry.isFile()) names.push(entry.name);
      if (names.length < AT_A_TIME) continue;
      yield names;
      names = [];
      await setImmediate();
    }
    yield names;
  } finally {
    directory.closeSync();
  }
}

/** The names of all jobs of a queue that live and have not failed; of one that moves meanwhile, maybe several times. */
export async function* livingJobs(disk: Disk, folders: Folders): AsyncGenerator<readonly NamedJob[]> {
  for (const folder of WAY) {
    for await (const names of namesIn(disk, folders.path(folder))) yield names.flatMap((name) => nameOf(name) ?? []);
  }
}
