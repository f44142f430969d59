import { pathText, type Finding, type Patient } from './finding.js';
import { parseDelayed, parsePending } from './file-name.js';
import { FOLDERS, isGone, unusable, type FolderName } from './folders.js';

const SIDE = /^\.[0-9a-f]{32}\.meta$/;
const OTHERS_MAY_WRITE = 0o022;

/** The folders of a queue, and what is in them that nobody will ever read. */
export function examineFolders(patient: Patient): Finding[] {
  const { disk, folders, queue, fix } = patient;
  const findings: Finding[] = [];
  const report = (path: string, problem: string, remedy: string, fixed = false): void =>
    void findings.push({ queue, path: pathText(path), problem, remedy, fixed });
  const owner = disk.stat(patient.path).uid;
  for (const folder of FOLDERS) {
    const path = folders.path(folder);
    try {
      disk.checkDirectory(path);
    } catch (error) {
      if (!isGone(error)) {
        report(path, unusable(path, error).message, 'make it usable for the user of the workers');
        continue;
      }
      if (fix) disk.makeDirectory(path);
      report(path, 'the folder is missing', 'make it, with mode 0700', fix);
      if (!fix) continue;
    }
    const { uid, mode } = disk.stat(path);
    if (uid !== owner) report(path, `it belongs to user ${uid}, and the queue to ${owner}`, `chown it to ${owner}`);
    if ((mode & OTHERS_MAY_WRITE) > (disk.stat(patient.path).mode & OTHERS_MAY_WRITE)) {
      report(path, 'users may write in it who may not write in the queue', 'take their right away with chmod');
    }
    for (const { file, why } of oddIn(patient, folder)) {
      report(folders.file(folder, file), why, 'move it away');
    }
  }
  for (const name of namesOf(patient, patient.path)) {
    if ((FOLDERS as readonly string[]).includes(name.file)) continue;
    report(`${patient.path}/${name.file}`, 'it is no folder of a queue, and nothing reads it', 'move it away');
  }
  return findings;
}

interface Odd {
  readonly file: string;
  readonly why: string;
}

function oddIn(patient: Patient, folder: FolderName): Odd[] {
  if (folder === '.ids' || folder === 'tmp') return [];
  return namesOf(patient, patient.folders.path(folder)).flatMap(({ file, isFile }): Odd[] => {
    const why = whyOdd(folder, file, isFile);
    return why === undefined ? [] : [{ file, why }];
  });
}

function whyOdd(folder: FolderName, file: string, isFile: boolean): string | undefined {
  if (file === '.lock' || file.startsWith('.lock-')) return undefined;
  if (!isFile) return 'it is no regular file, so that it is never a job';
  if (folder === 'delayed') {
    return SIDE.test(file) || parseDelayed(file) ? undefined : 'its name tells no time, so that it is never handled';
  }
  if (file.startsWith('.')) return 'its name begins with a dot, so that it is left alone';
  if (folder === 'incoming' && file.endsWith('.meta')) return 'its name ends with .meta, so that it is never handled';
  if (folder === 'pending' && !parsePending(file)) {
    return 'it was moved there by hand, and waits again a lease after that';
  }
  return undefined;
}

function namesOf({ disk }: Patient, path: string): { readonly file: string; readonly isFile: boolean }[] {
  const names: { file: string; isFile: boolean }[] = [];
  const directory = disk.list(path);
  try {
    for (let entry = directory.readSync(); entry; entry = directory.readSync()) {
      names.push({ file: entry.name, isFile: entry.isFile() });
    }
  } finally {
    directory.closeSync();
  }
  return names;
}
