import { setImmediate } from 'node:timers/promises';
import { statIfThere, unlinkIfThere, type Disk } from './disk.js';
import type { Folders } from './folders.js';

/** What bounds `expired/`. */
const KEPT = 10_000;
const KEPT_MS = 7 * 24 * 3_600_000;
/** How many files are looked at before the event loop has its turn. */
const AT_A_TIME = 128;

/** Keeps `expired/` within its bounds, the youngest staying; metas whose job has left go with the old. */
export async function boundExpired(disk: Disk, folders: Folders): Promise<void> {
  const jobs: { readonly file: string; readonly since: number }[] = [];
  const metas = new Set<string>();
  const names = disk.list(folders.path('expired'));
  try {
    for (let entry = names.readSync(); entry; entry = names.readSync()) {
      if (entry.name.startsWith('.')) continue;
      if (entry.name.endsWith('.meta')) metas.add(entry.name);
      else jobs.push({ file: entry.name, since: changedAt(disk, folders, entry.name) });
      if ((jobs.length + metas.size) % AT_A_TIME === 0) await setImmediate();
    }
  } finally {
    names.closeSync();
  }
  const oldest = Date.now() - KEPT_MS;
  for (const { file } of jobs) metas.delete(`${file}.meta`);
  const orphans = [...metas].filter((meta) => changedAt(disk, folders, meta) < oldest);
  jobs.sort((a, b) => b.since - a.since);
  const surplus = jobs.filter(({ since }, index) => index >= KEPT || since < oldest);
  const files = [...orphans, ...surplus.flatMap(({ file }) => [`${file}.meta`, file])];
  for (const [index, file] of files.entries()) {
    unlinkIfThere(disk, folders.file('expired', file));
    if (index % AT_A_TIME === 0) await setImmediate();
  }
}

function changedAt(disk: Disk, folders: Folders, file: string): number {
  return statIfThere(disk, folders.file('expired', file))?.ctimeMs ?? Infinity;
}
