import { statfsSync } from 'node:fs';
import { resolve } from 'node:path';
import { isName } from '../../core/names.js';
import { show } from '../../core/show.js';
import { hasCode, type Disk } from './disk.js';
import { examineFolders } from './doctor-folders.js';
import { examineLeftovers } from './doctor-leftovers.js';
import { examineMessages } from './doctor-messages.js';
import { pathText, type Finding, type Patient } from './finding.js';
import { Folders, unusable } from './folders.js';
import { ProcessOwners, type OwnerWatch } from './owner.js';
import { RealDisk } from './real-disk.js';

export interface DoctorOptions {
  /** The directory of the queues, as `filer` takes it. */
  readonly directory: string;
  /** Whether to repair what is safe to repair while workers run. Default false. No job is ever deleted. */
  readonly fix?: boolean;
  /** Whether to read every job that waits for damaged messages. Default false: that takes long where many wait. */
  readonly messages?: boolean;
}

/** What is at work between two steps of a move is over by then. In milliseconds. */
const SETTLED_AFTER_MS = 60_000;
/** Below this share of free space or free files, a file system counts as nearly full. */
const NEARLY_FULL = 0.05;

/**
 * Examines the directories of the queues, with workers running or not: what is broken, what would be done about it, and,
 * with `fix`, whether it was done.
 *
 * @throws TypeError where the directory is no path
 */
export async function doctor(options: DoctorOptions): Promise<readonly Finding[]> {
  const { directory } = options;
  if (typeof directory !== 'string' || directory === '' || directory.includes('\0')) {
    throw new TypeError(`doctor: directory: expected a path, got ${show(directory)}`);
  }
  const disk = new RealDisk();
  try {
    return await examine(options, disk, new ProcessOwners(), SETTLED_AFTER_MS);
  } finally {
    disk.close();
  }
}

/** @internal For tests, that need not wait until what they leave behind is old. */
export async function examine(
  options: DoctorOptions,
  disk: Disk,
  owners: OwnerWatch,
  settledAfterMs: number,
): Promise<Finding[]> {
  const root = Buffer.from(resolve(options.directory)).toString('latin1');
  const findings: Finding[] = [];
  const report = (path: string, problem: string, remedy: string): void =>
    void findings.push({ queue: undefined, path: pathText(path), problem, remedy, fixed: false });
  try {
    disk.checkDirectory(root);
  } catch (error) {
    report(root, unusable(root, error).message, 'make it usable for the user of the workers');
    return findings;
  }
  if (isNearlyFull(statfsSync(Buffer.from(root, 'latin1')))) {
    report(root, 'its file system is nearly full: publishing will fail', 'make room on it');
  }
  for (const { name, isDirectory } of entriesOf(disk, root)) {
    if (name.startsWith('.')) continue;
    if (!isDirectory || !isName(name)) {
      report(`${root}/${name}`, 'it is no queue, and nothing reads it here', 'move it out of the directory');
      continue;
    }
    const patient: Patient = {
      queue: name,
      path: `${root}/${name}`,
      folders: new Folders(root, name, disk),
      disk,
      owners,
      settledAfterMs,
      fix: options.fix === true,
    };
    findings.push(...(await examineQueue(patient, options.messages === true)));
  }
  return findings;
}

async function examineQueue(patient: Patient, messages: boolean): Promise<Finding[]> {
  const folders = examineFolders(patient);
  try {
    return [...folders, ...(await examineLeftovers(patient)), ...(messages ? await examineMessages(patient) : [])];
  } catch (error) {
    // What can't be read is told by its folder.
    if (folders.length > 0 && hasCode(error, 'EACCES', 'EPERM', 'ENOENT', 'ENOTDIR')) return folders;
    throw unusable(patient.path, error);
  }
}

/** Whether little room is left for bytes or for files. */
export function isNearlyFull({
  blocks,
  bavail,
  files,
  ffree,
}: Readonly<Record<'blocks' | 'bavail' | 'files' | 'ffree', number>>): boolean {
  return bavail < blocks * NEARLY_FULL || (files > 0 && ffree < files * NEARLY_FULL);
}

function entriesOf(disk: Disk, path: string): { readonly name: string; readonly isDirectory: boolean }[] {
  const entries: { name: string; isDirectory: boolean }[] = [];
  const directory = disk.list(path);
  try {
    for (let entry = directory.readSync(); entry; entry = directory.readSync()) {
      entries.push({ name: entry.name, isDirectory: entry.isDirectory() });
    }
  } finally {
    directory.closeSync();
  }
  return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
}
